import * as z from 'zod';
import { headerName, identifier, rangeItem, rangeList } from './scalars.ts';

const clientIp = z.union([
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

const answer = z
  .strictObject({
    request: z.string().min(1).describe('METHOD[,METHOD…] /path answered by the proxy itself, never forwarded'),
    status: z.int().min(200).max(599).describe('Status of the answer'),
    body: z.string().max(2000).optional().describe('JSON text of the answer; {"status":…} where absent'),
  })
  .describe('A request that the proxy answers itself');

const proxy = z
  .strictObject({
    listen: z.union([z.int().min(1).max(65535), z.string().min(1)]).describe('Port, or address:port'),
    ipRanges: rangeList.describe('Client addresses that may connect: CIDRs and @sets; any must be written out'),
    clientIp: clientIp.optional().describe('Where the client address comes from; direct where absent'),
    apiKeyHeader: headerName.optional().describe('Request header that carries the key; PRIVATE-TOKEN where absent'),
    publicUrl: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Origin under which clients reach this proxy; Link and Location are mapped to it. The request's own Host where absent",
      ),
    routes: z.array(identifier).min(1).optional().describe('Route groups served here; all where absent'),
    methodNotAllowed: z
      .union([z.literal(405), z.literal(404)])
      .optional()
      .describe('405 (default) names the allowed methods; 404 hides that the path exists'),
    answer: z.array(answer).optional().describe('Requests that the proxy answers itself, to callers with a good key'),
    responseHeaders: z.record(headerName, z.string().max(1000)).optional().describe('Headers added to every answer'),
  })
  .describe('A listening proxy that lets through what its routes allow and nothing else');

export const proxies = z.record(identifier, proxy).describe('Listening proxies by id');
