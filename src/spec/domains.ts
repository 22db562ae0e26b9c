import * as z from 'zod';
import { identifier, rangeItem } from './scalars.ts';

const domainRewrite = z
  .strictObject({
    from: z.string().min(1).describe('Name that clients use, such as gitlab.example.com or *.pages.example.com'),
    to: z.string().min(1).describe('Name that it stands for inside, such as gitlab.privatelink.example.com'),
    upstream: identifier.optional().describe('Key under upstreams: a proxy site for the private name is rendered too'),
    containerRegistry: z
      .boolean()
      .optional()
      .describe('Nodes pull images by this name: a registry mirror is rendered too'),
  })
  .describe('One name that is another name');

export const domainRewrites = z
  .array(domainRewrite)
  .describe('Names that resolve to other names, for pods, nodes and proxy sites alike');

const addressSet = z.union([
  z.array(rangeItem).describe('CIDRs, addresses and @names of other sets'),
  z.strictObject({ file: z.string().min(1).describe('One CIDR a line, # comments; relative to this spec') }),
]);

export const ipRanges = z.record(identifier, addressSet).describe('Named sets of client addresses');
