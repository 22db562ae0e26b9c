import { parse, TomlError } from 'smol-toml';
import { type Diagnostic, ok, type SpecPath } from '../../diagnostics/diagnostic.ts';
import { isRecord, memberOf, parseJson } from '../../source/value.ts';
import { driftCodes, unreadable } from '../live.ts';
import { type Mirror, mirrorsOf } from '../mirrors.ts';
import type { CompareLive } from '../target.ts';
import type { BottlerocketOptions } from './options.ts';
import { authoritiesOf } from './pki.ts';

/**
 * What `apiclient get settings.container-registry` prints, or user data. Read for this: apiclient, apiserver and
 * models of bottlerocket-core-kit 3.1.1 and bottlerocket-settings-models 0.6.0. It prints JSON under `settings`, and
 * `{}` on a node where nothing of it is set. Mirrors go by registry, endpoints in their order.
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
  const others = [
    ...[...found.mirrors.keys()].filter((name) => !wanted.some(({ registry }) => registry === name)).map(mirrorOf),
    ...[...found.authorities.keys()].filter((name) => !authorities.some((one) => one.name === name)).map(authorityOf),
  ];
  return ok({ drift, foreign: others.map((what) => driftCodes.report('foreign', at, { what, where: live.name })) });
};

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

/** A certificate says nothing to a reader, so that only its being another is told. */
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

/** The endpoints as they are shown, by registry. */
type Mirrors = ReadonlyMap<string, string>;
type Authorities = ReadonlyMap<string, { readonly data: string; readonly trusted: boolean }>;

interface LiveSettings {
  readonly mirrors: Mirrors;
  readonly authorities: Authorities;
}

/** Reads what was captured on a node; without its trust, where that is asked for, nothing can be told. */
function settingsIn(text: string, withPki: boolean): LiveSettings | { readonly problem: string } {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const value = valueOf(text);
  if (value === undefined) return { problem: 'it is neither whole JSON nor whole TOML' };
  if (isJson(text) && isRecord(value) && Object.keys(value).length === 0)
    return { mirrors: new Map(), authorities: new Map() };
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
  return { mirrors, authorities: new Map(authorities) };
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

/** A list, or the table of endpoints by registry that older user data has and Bottlerocket still takes. */
function mirrorsIn(value: unknown): Mirrors | undefined {
  const entries = Array.isArray(value)
    ? value.map((entry) => [memberOf(entry, 'registry'), memberOf(entry, 'endpoint'), memberOf(entry, 'capabilities')])
    : Object.entries(isRecord(value) ? value : {});
  const mirrors = new Map<string, string>();
  for (const [registry, endpoints, capabilities] of entries) {
    const known = Array.isArray(endpoints) && endpoints.every((one) => typeof one === 'string');
    if (typeof registry !== 'string' || !known) return undefined;
    const limits =
      Array.isArray(capabilities) && capabilities.length > 0 ? ` (only to ${capabilities.join(', ')})` : '';
    mirrors.set(registry, `${endpoints.join(', ')}${limits}`);
  }
  return mirrors;
}
