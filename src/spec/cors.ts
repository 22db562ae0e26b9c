import * as z from 'zod';
import { duration, headerName } from './scalars.ts';

export type CorsSpec = z.infer<typeof cors>;

export const cors = z
  .strictObject({
    origins: z
      .union([z.literal('any'), z.array(z.string().min(1)).min(1)])
      .describe('Origins of pages, such as https://app.example.com, each exactly; any must be written out'),
    headers: z
      .array(headerName)
      .optional()
      .describe('Request headers that pages may set beside the one of the key and Content-Type'),
    maxAge: duration.optional().describe('How long browsers remember the answer to a preflight; 10m where absent'),
  })
  .describe('Pages of other origins that browsers let use this proxy; preflights are answered here, without a key');
