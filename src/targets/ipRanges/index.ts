import { type Diagnostic, resultOf, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import { type Token, token, unquotable } from '../../render/token.ts';
import type { OpenedSet } from '../../spec/references.ts';
import { jsonString } from '../mirrors.ts';
import { defineTarget, type RenderedFile } from '../target.ts';
import { awsText } from './aws.ts';
import { ipRangesCodes } from './codes.ts';
import { compareIpRanges } from './live.ts';
import {
  FAMILIES,
  type NamedSet,
  type Opening,
  portName,
  type Sets,
  setsByName,
  setsOf,
  withoutEmpty,
} from './model.ts';
import { type Form, type IpRangesOptions, ipRangesAccess, ipRangesOptions } from './options.ts';

type IpRangesToken = Token<'ipRanges'>;
const quoted = (text: string): IpRangesToken => jsonString('ipRanges', text);

export const ipRanges = defineTarget({
  name: 'ipRanges',
  summary: 'named address sets for firewalls: lists, ctrl-cidr, AWS (Terraform), NetworkPolicies, nftables',
  options: ipRangesOptions,
  access: ipRangesAccess,
  plan({ policy, options, at }) {
    const problems: Diagnostic[] = [];
    const sets = setsOf(policy, options, at, problems);
    const forms = new Set<Form>(options.forms ?? ['lists']);
    const context = { ...sets, spec: policy.name, options, at, problems };
    checkOpenings(forms, context);
    const aws = forms.has('prefixLists') || forms.has('securityGroups') ? awsFile(forms, context) : [];
    const files = [
      ...aws,
      ...(forms.has('lists') ? sets.sets.map(listFile) : []),
      ...(forms.has('ctrlCidr') ? [ctrlCidrFile(context)] : []),
      ...(forms.has('networkPolicies') ? [networkPolicyFile(context)] : []),
      ...(forms.has('nftables') ? [nftablesFile(context)] : []),
    ];
    return resultOf(files, problems);
  },
  files: (files) => files,
  live: compareIpRanges,
  opens: ({ sets, open = {} }, all) => [
    ...(sets ? named(sets, ['sets']) : all.map((name) => ({ name, at: [], unnamed: true }))),
    ...Object.entries(open).flatMap(([name, one]) => named(one.sets, ['open', name, 'sets'])),
  ],
});

function named(sets: readonly string[], at: SpecPath): OpenedSet[] {
  return sets.map((name, index) => ({ name, at: [...at, index] }));
}

interface Context extends Sets {
  readonly spec: string;
  readonly options: IpRangesOptions;
  readonly at: SpecPath;
  readonly problems: Diagnostic[];
}

function checkOpenings(forms: ReadonlySet<Form>, { openings, at, problems }: Context): void {
  for (const form of ['securityGroups', 'networkPolicies'] as const)
    if (forms.has(form) && openings.length === 0)
      problems.push(ipRangesCodes.report('no-opening', [...at, 'forms'], { form }));
}

function awsFile(forms: ReadonlySet<Form>, { problems, options, ...context }: Context): RenderedFile[] {
  const input = {
    ...context,
    prefixLists: forms.has('prefixLists'),
    securityGroups: forms.has('securityGroups'),
    spare: options.spare ?? 0,
    quota: options.rulesPerGroup ?? 60,
  };
  return [{ path: 'ipRanges/aws.tf.json', text: awsText(input, problems) }];
}

function cidrsOf(set: NamedSet): IpRangesToken[] {
  return FAMILIES.flatMap((family) => set[family].map(plain));
}

/** Returns a CIDR or a name of the spec. Neither holds a character that means anything in one of these languages. */
function plain(text: string): IpRangesToken {
  if (!/^[A-Za-z0-9.:/_-]+$/.test(text)) throw unquotable('neither a name nor a CIDR', text);
  return token('ipRanges', text);
}

function listFile(set: NamedSet): RenderedFile {
  const text = renderTemplate('ipRanges', 'list.txt.njk', { name: plain(set.name), cidrs: cidrsOf(set) });
  return { path: `ipRanges/lists/${set.name}.txt`, text, comment: '#' };
}

const LONGEST_TAG = 256;

function ctrlCidrFile({ sets, openings, options, at, problems }: Context): RenderedFile {
  const used = setsByName({ sets, openings });
  const all = withoutEmpty([...used.values()].toSorted(byName), 'arguments', at, problems);
  for (const { name, ipv6 } of all) {
    const [cidr] = ipv6;
    if (cidr !== undefined) problems.push(ipRangesCodes.report('ipv4-only', at, { set: name, cidr }));
  }
  const key = options.ingressKey ?? 'ingress.controlant.com';
  const tags = openings.map(({ name, sets: from, ports, at: place }) => {
    const values = [
      [`${key}/sources`, from.map((set) => set.name).join(':')],
      [`${key}/ports`, ports.map(portName).join(':')],
    ] as const;
    for (const [tag, value] of values)
      if (value.length > LONGEST_TAG)
        problems.push(ipRangesCodes.report('long-tag', place, { tag, opening: name, length: value.length }));
    return { name: quoted(name), tags: values.map(([tag, value]) => ({ name: quoted(tag), value: quoted(value) })) };
  });
  const model = {
    key: quoted(key),
    cidrs: all.flatMap(({ name, ipv4 }) => ipv4.map((cidr) => quoted(`${name}=${cidr}`))),
    tags,
  };
  return {
    path: 'ipRanges/ctrl-cidr.yaml',
    text: renderTemplate('ipRanges', 'ctrl-cidr.yaml.njk', model),
    comment: '#',
  };
}

function networkPolicyFile({ spec, openings, problems }: Context): RenderedFile {
  const policies = openings.map(({ name, sets, ports, pods, at }: Opening) => {
    withoutEmpty(sets, `a NetworkPolicy of "${name}"`, at, problems);
    if (pods === undefined || Object.keys(pods).length === 0)
      problems.push(ipRangesCodes.report('no-pods', at, { opening: name }));
    return {
      name: quoted(`${spec}-${name}`.slice(0, 253)),
      labels: Object.entries(pods ?? {})
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([label, value]) => ({ name: quoted(label), value: quoted(value) })),
      sets: sets.map((set) => ({ name: plain(set.name), cidrs: cidrsOf(set) })),
      ports: ports.map(({ number, protocol }) => ({ number, protocol: plain(protocol.toUpperCase()) })),
    };
  });
  const text = renderTemplate('ipRanges', 'network-policies.yaml.njk', { policies });
  return { path: 'ipRanges/network-policies.yaml', text, comment: '#' };
}

function nftablesFile({ spec, sets }: Context): RenderedFile {
  const model = {
    table: plain(`postern-${spec}`),
    sets: sets.flatMap((set) =>
      FAMILIES.map((family) => ({
        name: plain(`${set.name}-${family}`),
        type: plain(`${family}_addr`),
        cidrs: set[family].map(plain),
      })),
    ),
  };
  return { path: 'ipRanges/sets.nft', text: renderTemplate('ipRanges', 'sets.nft.njk', model), comment: '#' };
}

function byName(a: NamedSet, b: NamedSet): number {
  return a.name < b.name ? -1 : 1;
}
