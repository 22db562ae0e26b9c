import { parse, TomlError } from 'smol-toml';
import { type Diagnostic, ok, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { isRecord, memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, unreadable } from '../live.ts';
import { mirrorsOf } from '../mirrors.ts';
import type { CompareLive, Expected } from '../target.ts';
import type { BottlerocketOptions } from './options.ts';
import { authoritiesOf } from './pki.ts';

/**
 * Compares the output of `apiclient get settings.container-registry`, or user data. The forms are those of apiclient,
 * apiserver and models of bottlerocket-core-kit 3.1.1 and bottlerocket-settings-models 0.6.0. apiclient prints JSON
 * under `settings`, and `{}` where none of it is set. Mirrors are compared by registry, endpoints in their order. What a
 * merged file says of mirrors, trust and the way to other servers is expected on the node as well.
 */
export const compareBottlerocket: CompareLive<BottlerocketOptions> = (live, expected) => {
  const { at, options } = expected;
  const given = baseOf(expected);
  const groups = groupsOf(given, options.pki !== undefined);
  const asks = ['container-registry', ...groups].map((group) => `settings.${group}`).join(' ');
  const hint = `give what "apiclient get ${asks}" prints on a node, or its user data`;
  const found = settingsIn(live.text, groups);
  if ('problem' in found) return unreadable(expected, `${live.name}: ${found.problem}`, hint);
  const mirrors = wantedMirrors(expected, given);
  const authorities = wantedAuthorities(expected, given);
  const strangers = [...found.authorities].filter(([name]) => !authorities.some((one) => one.name === name));
  // Any authority that the node trusts can issue certificates for the endpoints of our mirrors.
  const own = new Set(authorities.filter(({ trusted }) => trusted).map(({ data }) => pemOf(data)));
  const touching = strangers.filter(([, { trusted, data }]) => trusted !== own.has(pemOf(data)));
  const isWanted = (registry: string) => mirrors.some((mirror) => mirror.registry === registry);
  const others = [
    ...[...found.mirrors.keys()].filter((name) => !isWanted(name)).map(mirrorOf),
    ...strangers.filter((one) => !touching.includes(one)).map(([name]) => authorityOf(name)),
  ];
  const [leading, known] = [leadingIn(found, isWanted), given ? leadingIn(given, isWanted) : []];
  const added = [
    ...touching.map(([name]) => authorityOf(name)),
    ...leading.filter((one) => !known.some((other) => isSame(one, other))).map(({ what }) => what),
  ];
  const gone = known.filter((one) => !leading.some((other) => other.what === one.what));
  return ok({
    drift: [
      ...mirrors.flatMap((mirror) => mirrorDrift(mirror, found.mirrors, live.name)),
      ...authorities.flatMap((authority) => trustDrift(authority, found.authorities, live.name)),
      ...added.map((what) => driftCodes.report('added', at, { what, where: live.name })),
      ...gone.map(({ what }) => driftCodes.report('missing', [...at, 'merge'], { what, where: live.name })),
    ],
    foreign: others.map((what) => driftCodes.report('foreign', at, { what, where: live.name })),
  });
};

/** Returns the settings of the merged file. */
function baseOf({ options, files }: Expected<BottlerocketOptions>): LiveSettings | undefined {
  const settings = options.merge === undefined ? undefined : settingsIn(files[0]?.text ?? '', []);
  return settings === undefined || 'problem' in settings ? undefined : settings;
}

/** Returns the groups of settings that a capture has to hold beside the registries. */
function groupsOf(given: LiveSettings | undefined, hasPki: boolean): readonly Group[] {
  const isTold = (group: Group) => given?.others.some(({ name }) => name.startsWith(`settings.${group}.`)) ?? false;
  const leading = [...new Set(LEADING.map(([group]) => group))].filter(isTold);
  return hasPki || (given?.authorities.size ?? 0) > 0 ? ['pki', ...leading] : leading;
}

const mirrorOf = (registry: string) => `a mirror of ${registry}`;
const authorityOf = (name: string) => `the certificate authority "${name}"`;

interface WantedMirror {
  readonly registry: string;
  readonly endpoints: string;
  readonly origin: SpecPath;
}

function wantedMirrors({ policy, options, at }: Expected<BottlerocketOptions>, given: LiveSettings | undefined) {
  const own = mirrorsOf(policy, options.mirrors ?? {}, [...at, 'mirrors']);
  const wanted = new Map<string, WantedMirror>();
  for (const [registry, endpoints] of given?.mirrors ?? [])
    wanted.set(registry, { registry, endpoints, origin: [...at, 'merge'] });
  for (const { registry, endpoints, origin } of own)
    wanted.set(registry, { registry, endpoints: endpoints.join(', '), origin });
  return [...wanted.values()];
}

function mirrorDrift({ registry, endpoints, origin }: WantedMirror, found: Mirrors, where: string): Diagnostic[] {
  const live = found.get(registry);
  const expected = `${registry} from ${endpoints}`;
  if (live === undefined) return [driftCodes.report('missing', origin, { what: `the mirror of ${expected}`, where })];
  if (live === endpoints) return [];
  return [driftCodes.report('changed', origin, { where, expected, live: live || 'no endpoint' })];
}

interface WantedAuthority {
  readonly name: string;
  readonly data: string;
  readonly trusted: boolean;
  readonly at: SpecPath;
}

function wantedAuthorities({ options: { pki }, at, read }: Expected<BottlerocketOptions>, given?: LiveSettings) {
  const wanted = new Map<string, WantedAuthority>();
  for (const [name, one] of given?.authorities ?? []) wanted.set(name, { name, ...one, at: [...at, 'merge'] });
  for (const { name, data } of authoritiesOf({ pki, at, read }, []))
    wanted.set(name, { name, data, trusted: true, at: [...at, 'pki', name] });
  return [...wanted.values()];
}

/**
 * Reports an authority that is missing, different or not trusted as it should be. The certificate itself is not shown,
 * since it tells a reader nothing.
 */
function trustDrift({ name, data, trusted, at }: WantedAuthority, found: Authorities, where: string): Diagnostic[] {
  const live = found.get(name);
  if (!live) return [driftCodes.report('missing', at, { what: authorityOf(name), where })];
  const changed = (expected: string, other: string) => [
    driftCodes.report('changed', at, { where, expected, live: other }),
  ];
  if (pemOf(live.data) !== pemOf(data)) return changed(`the one of ${authorityOf(name)}`, 'another certificate');
  if (live.trusted === trusted) return [];
  return trusted
    ? changed(`the one of ${authorityOf(name)}`, 'a certificate that is not trusted')
    : changed(`no trust in ${authorityOf(name)}`, 'a certificate that is trusted');
}

/** What leads the node to other servers; its value is compared, and not shown. */
interface Leading {
  readonly what: string;
  readonly value: string;
}

function isSame(one: Leading, other: Leading): boolean {
  return one.what === other.what && one.value === other.value;
}

function leadingIn({ others, credentials }: LiveSettings, isMirrored: (registry: string) => boolean): Leading[] {
  return [
    ...others.map(({ name, value }) => ({ what: name, value })),
    // containerd then has a file for each registry with credentials, and ignores the file for all others.
    ...credentials
      .filter((registry) => isMirrored('*') && !isMirrored(registry))
      .map((registry) => ({ what: `credentials for ${registry}, and so no mirror for it`, value: '' })),
  ];
}

function pemOf(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8').replace(/\s+/g, '');
}

/** Endpoints by registry, as they are shown. */
type Mirrors = ReadonlyMap<string, string>;
type Authorities = ReadonlyMap<string, { readonly data: string; readonly trusted: boolean }>;

interface LiveSettings {
  readonly mirrors: Mirrors;
  readonly authorities: Authorities;
  /** Registries with credentials. */
  readonly credentials: readonly string[];
  /** Other settings that decide where images come from. Values are compared, and not shown. */
  readonly others: readonly { readonly name: string; readonly value: string }[];
}

/** Settings that lead the node to other servers under the same name: a proxy, hosts and name servers. */
const LEADING = [
  ['network', 'https-proxy'],
  ['network', 'hosts'],
  ['dns', 'name-servers'],
] as const;

function othersIn(settings: unknown): LiveSettings['others'] {
  const leading = LEADING.map(
    ([group, name]) => [`settings.${group}.${name}`, memberOf(memberOf(settings, group), name)] as const,
  );
  const registry = memberOf(settings, 'container-registry');
  const unknown = Object.entries(isRecord(registry) ? registry : {}).filter(
    ([name]) => !/^(?:mirrors|credentials)$/.test(name),
  );
  return [...leading, ...unknown.map(([name, value]) => [`settings.container-registry.${name}`, value] as const)]
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ name, value: JSON.stringify(value) }));
}

function credentialsIn(registry: unknown): string[] {
  const credentials = memberOf(registry, 'credentials');
  const entries = Array.isArray(credentials) ? credentials.map((entry) => memberOf(entry, 'registry')) : [];
  return entries.map(String);
}

/** Reads a capture of a node. Where it lacks a group of settings that is expected, nothing can be told. */
function settingsIn(text: string, groups: readonly Group[]): LiveSettings | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const value = valueOf(text);
  if (value === undefined) return { problem: 'it is neither whole JSON nor whole TOML' };
  if (isJson(text) && isRecord(value) && Object.keys(value).length === 0)
    return { mirrors: new Map(), authorities: new Map(), credentials: [], others: [] };
  const settings = memberOf(value, 'settings') ?? value;
  const registry = memberOf(settings, 'container-registry');
  if (registry === undefined) return { problem: 'it holds no settings.container-registry' };
  const mirrors = mirrorsIn(memberOf(registry, 'mirrors') ?? []);
  if (!mirrors) return { problem: 'its mirrors are not a list of registries with endpoints' };
  const pki = memberOf(settings, 'pki');
  const absent = isJson(text) ? groups.find((group) => memberOf(settings, group) === undefined) : undefined;
  if (absent !== undefined) return { problem: `it holds no settings.${absent}, and so does not tell ${TOLD[absent]}` };
  const authorities = Object.entries(isRecord(pki) ? pki : {}).map(([name, entry]) => {
    const [data, trusted] = [memberOf(entry, 'data'), memberOf(entry, 'trusted')];
    return [name, { data: typeof data === 'string' ? data : '', trusted: trusted === true }] as const;
  });
  return {
    mirrors,
    authorities: new Map(authorities),
    credentials: credentialsIn(registry),
    others: othersIn(settings),
  };
}

/** What each group of settings tells. */
const TOLD = {
  dns: 'whom the node asks for names',
  network: 'through whom the node asks',
  pki: 'whom the node trusts',
} as const;

type Group = keyof typeof TOLD;

function isJson(text: string): boolean {
  return /^\s*\{/.test(text);
}

function valueOf(text: string): unknown {
  if (isJson(text)) return parseJson(text);
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) return undefined;
    throw error;
  }
}

/** Reads mirrors: a list, or the table of endpoints by registry of older user data, which Bottlerocket still accepts. */
function mirrorsIn(value: unknown): Mirrors | undefined {
  const entries: readonly unknown[] = Array.isArray(value)
    ? value
    : Object.entries(isRecord(value) ? value : {}).map(([registry, endpoint]) => ({ registry, endpoint }));
  const mirrors = new Map<string, string>();
  for (const entry of entries) {
    if (!isRecord(entry)) return undefined;
    const { registry, endpoint: endpoints, capabilities = [], ...others } = entry;
    const known = Array.isArray(endpoints) && endpoints.every((one) => typeof one === 'string');
    if (typeof registry !== 'string' || !known || !Array.isArray(capabilities)) return undefined;
    const limits = capabilities.length > 0 ? ` (only to ${capabilities.join(', ')})` : '';
    const more = Object.keys(others).map((name) => ` (with ${name})`);
    const twice = mirrors.get(registry);
    mirrors.set(
      registry,
      `${twice === undefined ? '' : `${twice} and again `}${endpoints.join(', ')}${limits}${more.join('')}`,
    );
  }
  return mirrors;
}
