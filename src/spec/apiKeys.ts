import * as z from 'zod';
import { expiry, identifier, rangeList, secretReference } from './scalars.ts';

const apiKey = z
  .strictObject({
    key: z
      .union([secretReference, z.array(secretReference).min(1).max(2)])
      .describe('Reference to the key that the caller sends; two references while the key is being rotated'),
    token: secretReference.describe('Reference to the token that the upstream gets instead of the key'),
    routes: z
      .array(identifier)
      .min(1)
      .optional()
      .describe('Route groups this key may use; every group with auth: apiKey where absent'),
    ipRanges: rangeList.optional().describe("Addresses this key may be used from; the proxy's where absent"),
    expires: expiry.optional().describe('The key stops at 00:00 UTC of this day, or at this moment'),
    rateLimit: z
      .string()
      .regex(/^[1-9][0-9]{0,5}\/[sm](?: burst [1-9][0-9]{0,5})?$/, {
        error: 'must be a rate such as "10/s", "300/m" or "10/s burst 20"',
      })
      .optional()
      .describe('Requests a second or minute for this key, such as "10/s burst 20"'),
    owner: z.string().optional().describe('Who to ask about this key'),
  })
  .describe('A caller: what it sends, what the upstream gets, what it may do');

export const apiKeys = z.record(identifier, apiKey).describe('Callers by id; the id is what logs show');
