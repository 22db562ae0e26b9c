import * as z from 'zod';
import type { Told, Touches } from '../../accessDiff/declared.ts';
import { identifier } from '../../spec/scalars.ts';

const port = z.union([
  z.int().min(1).max(65535),
  z
    .string()
    .regex(/^[1-9][0-9]{0,4}\/(?:tcp|udp)$/, { error: 'must be a port, or one with its protocol such as 4567/udp' }),
]);

const label = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/, {
  error: 'must be the value of a Kubernetes label',
});
const labelName = z.string().regex(/^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/, {
  error: 'must be the name of a Kubernetes label',
});

const openingName = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, {
  error: 'must start with a letter and hold only lower case letters, digits and "-", 40 at most',
});

const opening = z
  .strictObject({
    sets: z.array(identifier).min(1).describe('Names under ipRanges that are let in'),
    ports: z.array(port).min(1).describe('Ports that they are let in on, such as 443 or 4567/udp'),
    securityGroup: z
      .string()
      .regex(/^sg-[0-9a-f]{8,17}$/, { error: 'must be the id of a security group, such as sg-0123456789abcdef0' })
      .optional()
      .describe('The group that gets the rules; a variable of Terraform where absent'),
    pods: z
      .record(labelName, label)
      .optional()
      .describe('Labels of the pods that a NetworkPolicy is for; needed for networkPolicies'),
  })
  .describe('Something that lets address sets in');

export const ipRangesOptions = z
  .strictObject({
    sets: z
      .array(identifier)
      .min(1)
      .optional()
      .describe('Names under ipRanges that files are made of; all where absent'),
    forms: z
      .array(z.enum(['lists', 'ctrlCidr', 'prefixLists', 'securityGroups', 'networkPolicies', 'nftables']))
      .min(1)
      .optional()
      .describe(
        'lists: one CIDR a line (default); ctrlCidr: arguments and tags; prefixLists, securityGroups: Terraform JSON for AWS; networkPolicies: Kubernetes; nftables: sets of a table',
      ),
    open: z.record(openingName, opening).optional().describe('What lets which sets in, by name'),
    ingressKey: z
      .string()
      .regex(/^[a-z0-9.-]{1,100}$/, { error: 'must be a name of lower case letters, digits, "." and "-"' })
      .optional()
      .describe('What the tags start with that ctrl-cidr looks for; ingress.controlant.com where absent'),
    spare: z.int().min(0).max(999).optional().describe('Entries that a prefix list may grow by; 0 where absent'),
    rulesPerGroup: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe('Quota of rules in one security group, for each family of addresses; 60 where absent, as AWS has it'),
  })
  .describe('Named address sets for firewalls and load balancers');

export type IpRangesOptions = z.infer<typeof ipRangesOptions>;
export type Form = NonNullable<IpRangesOptions['forms']>[number];

/** More in a list lets more in. */
function byMembers(before: unknown, after: unknown): 'widening' | 'narrowing' {
  const known = new Set(membersOf(before));
  return membersOf(after).every((one) => known.has(one)) ? 'narrowing' : 'widening';
}

function membersOf(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

const lets = (what: string): Told => ({
  kind: 'target',
  words: (path) => `"${path[3]}" ${what}`,
  absent: 'none',
  effect: byMembers,
});

/** How each option touches access; that of a set's addresses is told of the set. */
export const ipRangesAccess: Touches<IpRangesOptions> = {
  sets: 'decided',
  forms: { kind: 'target', words: 'address sets are given as', absent: 'lists', byDefault: ['lists'] },
  open: {
    each: {
      fields: {
        sets: lets('lets in'),
        ports: lets('is open at'),
        securityGroup: {
          kind: 'target',
          words: (path) => `the security group of "${path[3]}" is`,
          absent: 'a variable',
        },
        pods: { kind: 'target', words: (path) => `the pods of "${path[3]}" are`, absent: 'none' },
      },
    },
  },
  ingressKey: {
    kind: 'target',
    words: 'ctrl-cidr looks for tags of',
    absent: 'ingress.controlant.com',
    byDefault: 'ingress.controlant.com',
  },
  spare: { cannotLoosen: 'room for entries lets nobody in' },
  rulesPerGroup: { cannotLoosen: 'it bounds how many rules there are' },
};
