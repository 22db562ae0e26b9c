import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { ipRangesCodes } from './codes.ts';
import {
  FAMILIES,
  type Family,
  type NamedSet,
  type Opening,
  type Port,
  portName,
  type Sets,
  setsByName,
  withoutEmpty,
} from './model.ts';

interface Aws extends Sets {
  readonly spec: string;
  readonly at: SpecPath;
  readonly prefixLists: boolean;
  readonly securityGroups: boolean;
  readonly spare: number;
  readonly quota: number;
}

const ENTRIES_PER_LIST = 1000;

/** Returns Terraform in JSON, in which a string with `${` is an expression. */
export function awsText(input: Aws, problems: Diagnostic[]): string {
  const openings = input.securityGroups ? input.openings : [];
  const referred = setsByName({ sets: input.sets, openings });
  const lists = withoutEmpty(
    input.prefixLists ? [...referred.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)) : [],
    'a prefix list',
    input.at,
    problems,
  );
  for (const { name, at, sets } of openings) withoutEmpty(sets, `a rule of "${name}"`, at, problems);
  checkEntries(lists, input, problems);
  const counts = quotas({ ...input, openings }, problems);
  const variables = openings.filter(({ securityGroup }) => securityGroup === undefined);
  const resources = {
    ...(lists.length > 0 && { aws_ec2_managed_prefix_list: prefixLists(lists, input) }),
    ...(openings.length > 0 && { aws_vpc_security_group_ingress_rule: rules(openings, input) }),
  };
  const value = {
    '//': 'Made by postern. Rules that others add to the same groups are not touched by it, and not found by terraform plan.',
    ...(variables.length > 0 && { variable: Object.fromEntries(variables.map(variableOf)) }),
    ...(openings.length > 0 && !input.prefixLists && { locals: locals(openings) }),
    resource: resources,
    ...(openings.length > 0 && { output: { 'security-group-rules': { value: counts } } }),
  };
  return `${JSON.stringify(value, null, 2).replace(ENTRY, '{ $1 $2 }')}\n`;
}

/** Puts an entry on one line, so that one more CIDR is one more line: { "cidr": "192.0.2.0/28", "description": "vpn" } */
const ENTRY = /\{\n *("cidr": .*)\n *("description": .*)\n *\}/g;

function variableOf({ name }: Opening) {
  return [`${name}-security-group`, { type: 'string', description: `Id of the security group of ${name}` }] as const;
}

const nameOf = ({ name }: NamedSet, family: Family) => `${name}-${family}`;

function locals(openings: readonly Opening[]): Record<string, readonly string[]> {
  const sets = new Map(openings.flatMap(({ sets }) => sets).map((set) => [set.name, set]));
  const named = [...sets.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(
    named.flatMap((set) =>
      FAMILIES.filter((family) => set[family].length > 0).map((family) => [nameOf(set, family), set[family]]),
    ),
  );
}

/** `aws_ec2_managed_prefix_list` of the AWS provider. */
interface PrefixList {
  readonly name: string;
  readonly address_family: 'IPv4' | 'IPv6';
  readonly max_entries: number;
  readonly entry: readonly { readonly cidr: string; readonly description: string }[];
}

/** `aws_vpc_security_group_ingress_rule` of the AWS provider: of a prefix list, or of each CIDR of a family. */
type IngressRule = Source & {
  readonly security_group_id: string;
  readonly description: string;
  readonly ip_protocol: Port['protocol'];
  readonly from_port: number;
  readonly to_port: number;
};
type Source =
  | { readonly prefix_list_id: string }
  | { readonly for_each: string; readonly cidr_ipv4: string }
  | { readonly for_each: string; readonly cidr_ipv6: string };

function prefixLists(sets: readonly NamedSet[], { spec, spare }: Aws): Readonly<Record<string, PrefixList>> {
  return Object.fromEntries(
    sets.flatMap((set) =>
      FAMILIES.filter((family) => set[family].length > 0).map((family): [string, PrefixList] => [
        nameOf(set, family),
        {
          name: `${spec}-${nameOf(set, family)}`,
          address_family: family === 'ipv4' ? 'IPv4' : 'IPv6',
          max_entries: set[family].length + spare,
          entry: set[family].map((cidr) => ({ cidr, description: set.name })),
        },
      ]),
    ),
  );
}

interface Rule {
  readonly opening: Opening;
  readonly set: NamedSet;
  readonly port: Port;
  readonly family: Family;
  /** Sets that the same group already admits at the same port: AWS refuses a second rule for one CIDR. */
  readonly others: readonly NamedSet[];
}

function rulesOf(openings: readonly Opening[]): Rule[] {
  const earlier = new Map<string, NamedSet[]>();
  const all = openings.flatMap((opening) =>
    opening.sets.flatMap((set) => opening.ports.map((port) => ({ opening, set, port }))),
  );
  return all.flatMap(({ opening, set, port }) => {
    const place = `${groupOf(opening)} ${portName(port)}`;
    const others = earlier.get(place) ?? [];
    if (others.includes(set)) return [];
    earlier.set(place, [...others, set]);
    return FAMILIES.filter((family) => set[family].length > 0).map((family) => {
      const shared = others.filter((other) => other[family].some((cidr) => set[family].includes(cidr)));
      return { opening, set, port, family, others: shared };
    });
  });
}

function groupOf({ name, securityGroup }: Opening): string {
  return securityGroup ?? `\${var.${name}-security-group}`;
}

function rules(openings: readonly Opening[], input: Aws): Readonly<Record<string, IngressRule>> {
  const all = rulesOf(openings).map((rule): [string, IngressRule] => {
    const { opening, set, port, family } = rule;
    return [
      `${opening.name}-${set.name}-${port.number}-${port.protocol}-${family}`,
      {
        ...sourceOf(rule, input),
        security_group_id: groupOf(opening),
        description: `${set.name} to ${opening.name} at ${portName(port)}`,
        ip_protocol: port.protocol,
        from_port: port.number,
        to_port: port.number,
      },
    ];
  });
  return Object.fromEntries(all);
}

function sourceOf({ set, family, others }: Rule, input: Pick<Aws, 'prefixLists'>): Source {
  if (input.prefixLists) return { prefix_list_id: `\${aws_ec2_managed_prefix_list.${nameOf(set, family)}.id}` };
  const local = (one: NamedSet) => `local.${nameOf(one, family)}`;
  const own =
    others.length === 0
      ? `toset(${local(set)})`
      : `setsubtract(${local(set)}, setunion(${others.map(local).join(', ')}))`;
  const [for_each, each] = [`\${${own}}`, '${each.value}'];
  return family === 'ipv4' ? { for_each, cidr_ipv4: each } : { for_each, cidr_ipv6: each };
}

function checkEntries(sets: readonly NamedSet[], { at, spare }: Aws, problems: Diagnostic[]): void {
  for (const set of sets) {
    for (const family of FAMILIES) {
      const entries = set[family].length === 0 ? 0 : set[family].length + spare;
      if (entries > ENTRIES_PER_LIST)
        problems.push(
          ipRangesCodes.report('too-many-entries', at, { set: set.name, entries, quota: ENTRIES_PER_LIST }),
        );
    }
  }
}

/**
 * Returns how many rules AWS counts for a rule. A prefix list counts with the entries that it may have, not with those
 * that it has.
 */
function weightOf({ set, family, others }: Rule, { prefixLists, spare }: Aws): number {
  if (prefixLists) return set[family].length + spare;
  return set[family].filter((cidr) => !others.some((other) => other[family].includes(cidr))).length;
}

interface Count {
  readonly ipv4: number;
  readonly ipv6: number;
  readonly quota: number;
}

/** Returns the number of rules by opening, and reports groups whose sum is over the quota. */
function quotas(input: Aws, problems: Diagnostic[]): Readonly<Record<string, Count>> {
  const all = rulesOf(input.openings);
  const count = (some: readonly Rule[]) => some.reduce((sum, rule) => sum + weightOf(rule, input), 0);
  for (const group of new Set(input.openings.map(groupOf))) {
    const first = input.openings.find((opening) => groupOf(opening) === group);
    for (const family of FAMILIES) {
      const some = all.filter((rule) => groupOf(rule.opening) === group && rule.family === family);
      const rules = count(some);
      if (rules <= input.quota) continue;
      const openings = [...new Set(some.map(({ opening }) => `"${opening.name}"`))].join(' and ');
      const parts = some.map((rule) => `${weightOf(rule, input)} ${rule.set.name} at ${portName(rule.port)}`);
      const params = { openings, sum: parts.join(' + '), rules, family: family === 'ipv4' ? 4 : 6, quota: input.quota };
      problems.push(ipRangesCodes.report('over-quota', first?.at ?? input.at, params));
    }
  }
  return Object.fromEntries(
    input.openings.map((opening) => {
      const own = (family: Family) => count(all.filter((rule) => rule.opening === opening && rule.family === family));
      return [opening.name, { ipv4: own('ipv4'), ipv6: own('ipv6'), quota: input.quota }];
    }),
  );
}
