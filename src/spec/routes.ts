import * as z from 'zod';
import { byteSize, headerName, identifier, mediaType } from './scalars.ts';

const request = z
  .string()
  .min(1)
  .describe('METHOD[,METHOD…] /path/{parameter:type}, for example "GET /api/v4/groups/{group:encodedPath}/members"');

const forwarding = {
  headers: z
    .array(headerName)
    .optional()
    .describe('Request headers that pass in addition to the default list; credential and override headers are refused'),
  contentTypes: z
    .union([z.literal('any'), z.array(mediaType).min(1)])
    .optional()
    .describe('Media types a request body may have; application/json where absent, any where auth is passthrough'),
  maxBody: byteSize.optional().describe('Largest request body; 1MB where absent'),
  websocket: z.boolean().optional().describe('Let a WebSocket upgrade through on these routes'),
};

const allowEntry = z.union([
  request,
  z.strictObject({
    request,
    ...forwarding,
    reason: z.string().optional().describe('Why this is allowed; shown by explain'),
  }),
]);

const routeGroup = z
  .strictObject({
    upstream: identifier.describe('Key under upstreams'),
    auth: z
      .enum(['apiKey', 'passthrough'])
      .optional()
      .describe(
        'apiKey (default): our key is checked and replaced by the upstream token. passthrough: the client authenticates to the upstream itself',
      ),
    ...forwarding,
    allow: z.array(allowEntry).min(1).describe('The requests that this group allows'),
  })
  .describe('A named group of allowed requests');

export const routes = z
  .record(identifier, routeGroup)
  .describe('Named groups of allowed requests; keys and proxies refer to the groups');
