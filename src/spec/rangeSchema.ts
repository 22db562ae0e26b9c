import * as z from 'zod';
import { expiry, identifier, rangeItem, said } from './scalars.ts';

const addressEntry = z.union([
  rangeItem,
  z.strictObject({
    cidr: z.string().min(1).describe('One address or CIDR'),
    owner: said.optional().describe('Who to ask about it'),
    expires: expiry
      .optional()
      .describe('From this day on nothing is generated from this entry: no engine knows until when an address is good'),
    reason: said.optional().describe('Whose address it is, or why it is there'),
  }),
  z.strictObject({
    not: rangeItem.describe('A CIDR or @set that the set does not hold, whatever else takes it in'),
  }),
]);

const addressSet = z.union([
  z.array(addressEntry).describe('CIDRs, addresses and @names of other sets'),
  z.strictObject({
    file: z.string().min(1).describe('One CIDR a line, # comments; relative to this spec'),
    format: z
      .enum(['list', 'aws', 'github', 'cloudflare', 'azure'])
      .optional()
      .describe('How the file is written: list (default), or as its publisher serves it'),
    select: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('What of it is meant: CLOUDFRONT or S3/eu-west-1 (aws), hooks (github), AzureDevOps (azure)'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, { error: 'must be 64 digits of lower case hexadecimal, as sha256sum prints them' })
      .optional()
      .describe('Digest of the file; needed where others publish it. "postern ranges update" writes it'),
    url: z
      .url({ protocol: /^https$/, error: 'must be an https:// address' })
      .optional()
      .describe('Where the file comes from; nothing is ever fetched from there'),
  }),
]);

export const ipRanges = z.record(identifier, addressSet).describe('Named sets of client addresses');

export type AddressSetSpec = z.infer<typeof addressSet>;
export type AddressEntrySpec = z.infer<typeof addressEntry>;
