import * as z from 'zod';
import { expiry, identifier } from './scalars.ts';

const requestTest = z.strictObject({
  request: z.string().min(1).describe('METHOD and raw request target'),
  apiKey: identifier.optional().describe('Id of the key that is sent; none where absent'),
  from: z.string().min(1).optional().describe('Client address; one that the proxy admits where absent'),
  headers: z.record(z.string(), z.string()).optional().describe('Further request headers'),
  proxy: identifier.optional().describe('Proxy that is asked; needed where there are several'),
  at: expiry.optional().describe('Day of the request, for keys that expire'),
  expect: z.union([z.literal('allow'), z.int().min(100).max(599)]).describe('allow, or the status of the answer'),
});

const resolveTest = z.strictObject({
  resolve: z.string().min(1).describe('Name that a pod looks up'),
  expect: z.string().min(1).describe('Name whose address it gets; the same name for "left alone"'),
});

const pullTest = z.strictObject({
  pull: z.string().min(1).describe('Image reference that a node pulls'),
  node: z.string().min(1).optional().describe('Target whose nodes are meant, such as containerd; all where absent'),
  expect: z.string().min(1).describe('Host that the node contacts first'),
});

export const tests = z
  .array(z.union([requestTest, resolveTest, pullTest]))
  .describe('Requests, look-ups and pulls with the decision that is expected');
