import { type Diagnostic, ok, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { formatAddress, parseCidr, subtract, toCidrs, unionOf } from '../../policy/cidr.ts';
import { isRecord, listOf, memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, unreadable } from '../live.ts';
import type { CompareLive, Expected } from '../target.ts';
import { FAMILIES, type NamedSet, type Opening, portName, type Sets, setsByName, setsOf } from './model.ts';
import type { IpRangesOptions } from './options.ts';

const HINT =
  'give what "aws ec2 describe-security-group-rules", "describe-security-groups" or "get-managed-prefix-list-entries" prints as JSON, or the arguments that ctrl-cidr runs with';

/**
 * Compares the output of the AWS CLI, or ctrl-cidr's arguments. Additional rules are drift like missing ones: ctrl-cidr
 * never removes a rule, and Terraform does not see rules that others made.
 */
export const compareIpRanges: CompareLive<IpRangesOptions> = (live, expected) => {
  const refuse = (problem: string) => unreadable(expected, `${live.name}: ${problem}`, HINT);
  if (live.text.trim() === '') return refuse('it is empty; did the command that made it fail?');
  const sets = setsOf(expected.policy, expected.options, expected.at, []);
  const context: Context = { ...sets, expected, where: live.name };
  const value = parseJson(live.text);
  const found = isRecord(value) ? fromAws(value, context) : fromArguments(value, live.text, context);
  if (typeof found === 'string') return refuse(found);
  return ok(found);
};

interface Context extends Sets {
  readonly expected: Expected<IpRangesOptions>;
  readonly where: string;
}

interface Told {
  readonly drift: Diagnostic[];
  readonly foreign: Diagnostic[];
}

/** Compares one answer of the AWS CLI, or several that `jq -s add` joined. A text says why it cannot be read. */
function fromAws(value: Readonly<Record<string, unknown>>, context: Context): Told | string {
  const { SecurityGroupRules: rules, SecurityGroups: groups, PrefixLists: lists, Entries: entries } = value;
  if (Array.isArray(rules) || Array.isArray(groups)) {
    const names = new Map(
      listOf(lists).map((one) => [String(memberOf(one, 'PrefixListId')), String(memberOf(one, 'PrefixListName'))]),
    );
    const found = [...listOf(rules).map(ruleOf), ...listOf(groups).flatMap(rulesOfGroup)];
    return found.some((one) => one === undefined)
      ? 'it holds a rule that cannot be read'
      : compareRules(
          found.flatMap((one) => one ?? []),
          names,
          context,
        );
  }
  if (Array.isArray(entries)) return compareEntries(entries, memberOf(value, 'PrefixListName'), context);
  return 'it holds no security group rules and no entries of a prefix list';
}

/** A rule in force: which source is admitted to which ports of a group. */
interface Rule {
  readonly group: string;
  readonly source: string;
  readonly ports: string;
}

/**
 * Returns the rule of an entry of describe-security-group-rules; none for outgoing traffic, `undefined` where it cannot
 * be read.
 */
function ruleOf(value: unknown): Rule[] | undefined {
  if (!isRecord(value) || typeof value['GroupId'] !== 'string') return undefined;
  if (value['IsEgress'] === true) return [];
  const source =
    value['CidrIpv4'] ??
    value['CidrIpv6'] ??
    value['PrefixListId'] ??
    memberOf(value['ReferencedGroupInfo'], 'GroupId');
  if (typeof source !== 'string') return undefined;
  return [{ group: value['GroupId'], source: canonicalSource(source), ports: portsOf(value) }];
}

/** Returns all rules of an entry of describe-security-groups. */
function rulesOfGroup(value: unknown): (Rule[] | undefined)[] {
  const group = memberOf(value, 'GroupId');
  const permissions = memberOf(value, 'IpPermissions');
  if (typeof group !== 'string' || !Array.isArray(permissions)) return [undefined];
  return permissions.map((permission: unknown) => {
    if (!isRecord(permission)) return undefined;
    const sources = [
      ...listOf(permission['IpRanges']).map((one) => memberOf(one, 'CidrIp')),
      ...listOf(permission['Ipv6Ranges']).map((one) => memberOf(one, 'CidrIpv6')),
      ...listOf(permission['PrefixListIds']).map((one) => memberOf(one, 'PrefixListId')),
      ...listOf(permission['UserIdGroupPairs']).map((one) => memberOf(one, 'GroupId')),
    ];
    const texts = sources.flatMap((source) => (typeof source === 'string' ? [source] : []));
    if (texts.length !== sources.length) return undefined;
    return texts.map((source) => ({ group, source: canonicalSource(source), ports: portsOf(permission) }));
  });
}

/** Returns ports as text: `443`, `4567/udp`, `1-65535`, `every port`. */
function portsOf(rule: Readonly<Record<string, unknown>>): string {
  const { IpProtocol: protocol, FromPort: from, ToPort: to } = rule;
  if (protocol === '-1') return 'every port';
  const range = from === to ? String(from) : `${String(from)}-${String(to)}`;
  return protocol === 'tcp' ? range : `${range}/${String(protocol)}`;
}

function canonicalSource(text: string): string {
  const range = parseCidr(text);
  if (typeof range === 'string') return text;
  const [cidr] = toCidrs({ ranges: [range] });
  return cidr ?? formatAddress({ family: range.family, value: range.first });
}

function compareRules(rules: readonly Rule[], names: ReadonlyMap<string, string>, context: Context): Told | string {
  const { openings, expected, where } = context;
  const byList = expected.options.forms?.includes('prefixLists') ?? false;
  const ours = openings.filter(({ securityGroup }) => securityGroup !== undefined);
  if (ours.length === 0) return 'no opening of the spec says which securityGroup it is, so that none can be compared';
  const unnamed = rules.find(({ source }) => source.startsWith('pl-') && !names.has(source));
  const groups = new Map(ours.map(({ securityGroup = '', at }) => [securityGroup, at]));
  if (byList && unnamed && groups.has(unnamed.group))
    return `it names the prefix list ${unnamed.source} by its id alone; add what "aws ec2 describe-managed-prefix-lists" prints, with jq -s add`;
  const key = ({ group, source, ports }: Rule) => `${group} ${names.get(source) ?? source} ${ports}`;
  const live = new Map(rules.map((rule) => [key(rule), rule]));
  const wanted = new Map(
    ours.flatMap((opening) => wantedRules(opening, context, byList).map((rule) => [key(rule), { rule, opening }])),
  );
  const words = ({ source, ports }: Rule) => `${names.get(source) ?? source} at ${ports}`;
  const missing = [...wanted]
    .filter(([name]) => !live.has(name))
    .map(([, { rule, opening }]) =>
      driftCodes.report('missing', opening.at, {
        what: `the rule for ${words(rule)}`,
        where: `${where} (${rule.group})`,
      }),
    );
  const others = [...live].filter(([name]) => !wanted.has(name)).map(([, rule]) => rule);
  const extra = others.flatMap((rule) => {
    const at = groups.get(rule.group);
    return at === undefined
      ? []
      : driftCodes.report('added', at, { what: `a rule for ${words(rule)}`, where: `${where} (${rule.group})` });
  });
  const strangers = new Set(rules.map(({ group }) => group).filter((group) => !groups.has(group)));
  const foreign = [...strangers].map((group) =>
    driftCodes.report('foreign', expected.at, { what: `the security group ${group}`, where }),
  );
  return { drift: [...missing, ...extra], foreign };
}

function wantedRules({ securityGroup: group = '', sets, ports }: Opening, context: Context, byList: boolean): Rule[] {
  const sources = sets.flatMap((set) =>
    FAMILIES.filter((family) => set[family].length > 0).flatMap((family) =>
      byList ? [`${context.expected.policy.name}-${set.name}-${family}`] : set[family],
    ),
  );
  return ports.flatMap((port) => sources.map((source) => ({ group, source, ports: portName(port) })));
}

/** Compares the entries of a prefix list. The CLI prints them without the name of the list, so the user adds it. */
function compareEntries(entries: readonly unknown[], name: unknown, context: Context): Told | string {
  const { expected, where } = context;
  const all = setsByName(context);
  const lists = [...all.values()].flatMap((set) =>
    FAMILIES.map((family) => ({ set, cidrs: set[family], name: `${expected.policy.name}-${set.name}-${family}` })),
  );
  if (typeof name !== 'string')
    return `it does not say of which prefix list these entries are; add the name: jq '. + {PrefixListName: "${lists[0]?.name ?? 'NAME'}"}'`;
  const list = lists.find((one) => one.name === name);
  if (!list) return `"${name}" is no prefix list of the spec: there are ${lists.map((one) => one.name).join(', ')}`;
  const cidrs = entries.map((entry) => memberOf(entry, 'Cidr'));
  if (!cidrs.every((cidr) => typeof cidr === 'string')) return 'it holds an entry without a CIDR';
  return {
    drift: setDrift(list.set, list.cidrs, cidrs, { where: `${where} (${name})`, at: ['ipRanges', list.set.name] }),
    foreign: [],
  };
}

interface Place {
  readonly where: string;
  readonly at: SpecPath;
}

/** Compares addresses instead of CIDRs, so that another division into CIDRs is no difference. */
function setDrift(
  { name }: NamedSet,
  wanted: readonly string[],
  live: readonly string[],
  { where, at }: Place,
): Diagnostic[] {
  const rangesOf = (cidrs: readonly string[]) =>
    unionOf(cidrs.map(parseCidr).flatMap((range) => (typeof range === 'string' ? [] : range)));
  const [ours, theirs] = [rangesOf(wanted), rangesOf(live)];
  const unreadableOnes = live.filter((cidr) => typeof parseCidr(cidr) === 'string');
  return [
    ...toCidrs(subtract(ours, theirs)).map((cidr) =>
      driftCodes.report('missing', at, { what: `${cidr} of "@${name}"`, where }),
    ),
    ...[...toCidrs(subtract(theirs, ours)), ...unreadableOnes].map((cidr) =>
      driftCodes.report('added', at, { what: `${cidr} as "${name}"`, where }),
    ),
  ];
}

/**
 * Compares `--cidr NAME=CIDR` arguments, as a shell has them, as a JSON list, or as a YAML list with one item per line.
 */
function fromArguments(value: unknown, text: string, context: Context): Told | string {
  const words = Array.isArray(value) && value.every((one) => typeof one === 'string') ? value : wordsOf(text);
  const found = new Map<string, string[]>();
  for (const [index, word] of words.entries()) {
    const argument =
      word === '--cidr' ? (words[index + 1] ?? '') : word.startsWith('--cidr=') ? word.slice(7) : undefined;
    if (argument === undefined) continue;
    const [, name, cidr] = /^([^=]+)=(.+)$/.exec(argument) ?? [];
    if (name === undefined || cidr === undefined) return 'a --cidr in it is not NAME=CIDR';
    found.set(name, [...(found.get(name) ?? []), cidr]);
  }
  if (found.size === 0) return 'it is neither JSON of the AWS CLI nor has it a --cidr';
  const { expected, where } = context;
  const all = setsByName(context);
  const drift = [...all.values()].flatMap((set) =>
    setDrift(set, set.ipv4, found.get(set.name) ?? [], { where, at: ['ipRanges', set.name] }),
  );
  const strangers = [...found.keys()]
    .filter((name) => !all.has(name))
    .map((name) => driftCodes.report('added', expected.at, { what: `the set "${name}"`, where }));
  return { drift: [...drift, ...strangers], foreign: [] };
}

function wordsOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^\s*-\s+/, '').replace(/(?:^|\s)#.*$/, ''))
    .flatMap((line) => line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [])
    .map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
}
