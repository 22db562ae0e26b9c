import * as z from 'zod';
import { headerName, rangeItem } from './scalars.ts';

/** Where a listener takes the client's address from; the same words for proxies and for sites. */
export const clientIp = z.union([
  z.literal('direct'),
  z.strictObject({
    trustedProxies: z
      .array(rangeItem)
      .min(1)
      .describe('Load balancers whose word about the client address is believed'),
    header: headerName.optional().describe('Header read from the right; X-Forwarded-For where absent'),
    proxyProtocol: z.boolean().optional().describe('The load balancers send the PROXY protocol instead of a header'),
  }),
]);

export type ClientIpSpec = z.infer<typeof clientIp>;
