import { parse, TomlError } from 'smol-toml';
import { type Diagnostic, ok, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { isRecord, memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, unreadable } from '../live.ts';
import { type Mirror, mirrorsOf } from '../mirrors.ts';
import type { CompareLive, Expected } from '../target.ts';
import type { BottlerocketOptions } from './options.ts';
import { authoritiesOf } from './pki.ts';

/**
 * Compares the output of `apiclient get settings.container-registry`, or user data. The forms are those of apiclient,
 * apiserver and models of bottlerocket-core-kit 3.1.1 and bottlerocket-settings-models 0.6.0. apiclient prints JSON
 * under `settings`, and `{}` where none of it is set. Mirrors are compared by registry, endpoints in their order.
 */
export const compareBottlerocket: CompareLive<BottlerocketOptions> = (live, expected) => {
  const { at, options } = expected;
  const { mirrors = {}, pki } = options;
  const wanted = mirrorsOf(expected.policy, mirrors, [...at, 'mirrors']);
  const asks = pki ? 'settings.container-registry settings.pki' : 'settings.container-registry';
  const hint = `give what "apiclient get ${asks}" prints on a node, or its user data`;
  const found = settingsIn(live.text, pki !== undefined);
  if ('problem' in found) return unreadable(expected, `${live.name}: ${found.problem}`, hint);
  const authorities = authoritiesOf({ pki, at, read: expected.read }, []);
  const drift = [
    ...wanted.flatMap((mirror) => mirrorDrift(mirror, found.mirrors, live.name)),
    ...authorities.flatMap(({ name, data }) => trustDrift({ name, data, at }, found.authorities, live.name)),
  ];
  const given = baseOf(expected);
  const strangers = [...found.authorities].filter(([name]) => !authorities.some((one) => one.name === name));
  // Any authority that the node trusts can issue certificates for the endpoints of our mirrors.
  const own = new Set([...authorities, ...(given?.authorities.values() ?? [])].map(({ data }) => pemOf(data)));
  const trusted = strangers.filter(([, { trusted, data }]) => trusted && !own.has(pemOf(data)));
  const others = [
    ...[...found.mirrors.keys()].filter((name) => !wanted.some(({ registry }) => registry === name)).map(mirrorOf),
    ...strangers.filter((one) => !trusted.includes(one)).map(([name]) => authorityOf(name)),
  ];
  const isMirrored = (registry: string) => wanted.some((mirror) => mirror.registry === registry);
  const all = wanted.some(({ registry }) => registry === '*');
  const added = [
    ...trusted.map(([name]) => authorityOf(name)),
    ...found.others
      .filter((other) => !given?.others.some(({ name, value }) => name === other.name && value === other.value))
      .map(({ name }) => name),
    // containerd then has a file for each registry with credentials, and ignores the file for all others.
    ...found.credentials
      .filter((registry) => all && !isMirrored(registry) && !given?.credentials.includes(registry))
      .map((registry) => `credentials for ${registry}, and so no mirror for it`),
  ];
  return ok({
    drift: [...drift, ...added.map((what) => driftCodes.report('added', at, { what, where: live.name }))],
    foreign: others.map((what) => driftCodes.report('foreign', at, { what, where: live.name })),
  });
};

/** Returns the settings of the merged file, which are expected on the node as well. */
function baseOf({ options, files }: Expected<BottlerocketOptions>): LiveSettings | undefined {
  const settings = options.merge === undefined ? undefined : settingsIn(files[0]?.text ?? '', false);
  return settings === undefined || 'problem' in settings ? undefined : settings;
}

const mirrorOf = (registry: string) => `a mirror of ${registry}`;
const authorityOf = (name: string) => `the certificate authority "${name}"`;

function mirrorDrift({ registry, endpoints, origin }: Mirror, found: Mirrors, where: string): Diagnostic[] {
  const live = found.get(registry);
  const expected = `${registry} from ${endpoints.join(', ')}`;
  if (!live) return [driftCodes.report('missing', origin, { what: `the mirror of ${expected}`, where })];
  if (live === endpoints.join(', ')) return [];
  return [driftCodes.report('changed', origin, { where, expected, live: live || 'no endpoint' })];
}

interface WantedAuthority {
  readonly name: string;
  readonly data: string;
  readonly at: SpecPath;
}

/**
 * Reports an authority that is missing, different or not trusted. The certificate itself is not shown, since it tells a
 * reader nothing.
 */
function trustDrift({ name, data, at }: WantedAuthority, found: Authorities, where: string): Diagnostic[] {
  const place = [...at, 'pki', name];
  const live = found.get(name);
  if (!live) return [driftCodes.report('missing', place, { what: authorityOf(name), where })];
  const expected = `the one of ${authorityOf(name)}`;
  if (pemOf(live.data) !== pemOf(data))
    return [driftCodes.report('changed', place, { where, expected, live: 'another certificate' })];
  const distrusted = driftCodes.report('changed', place, {
    where,
    expected,
    live: 'a certificate that is not trusted',
  });
  return live.trusted ? [] : [distrusted];
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

/** Reads a capture of a node. Where authorities are expected and the capture has none, nothing can be told. */
function settingsIn(text: string, withPki: boolean): LiveSettings | { readonly problem: string } {
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
  if (pki === undefined && withPki && isJson(text))
    return { problem: 'it holds no settings.pki, and so does not tell whom the node trusts' };
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
