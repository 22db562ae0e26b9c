import { grantSetOf, listsOf } from '../../plan/callers.ts';
import { keyPosition, tellsPositions } from '../../plan/log.ts';
import { credentialText, KEY_MAX_LENGTH, KEY_MIN_LENGTH } from '../../policy/key.ts';
import type { ApiKey, Policy } from '../../policy/types.ts';
import { insideOf } from './addresses.ts';
import { type MapList, mapList } from './maps.ts';
import type { MapModel } from './model.ts';
import { className, variablePrefix } from './names.ts';
import { type Part, type Variable, variable } from './quote.ts';

/**
 * Characters at the end of a key by which nginx finds its row. The end is used because keys of one issuer often start
 * alike: `glpat-`.
 */
export const SELECTOR_LENGTH = 8;
export const KEY_FILES = 'secrets/keys*.conf';
export const TOKEN_FILES = 'secrets/tokens*.conf';

/** The variables that decide about a caller. */
export interface Caller {
  /** The key header as the client sent it. */
  readonly sent: Variable;
  /** The last 8 characters of the key; "" where the header is missing or holds no key. */
  readonly selector: Variable;
  /** "1" for a known key, "0" for one that has expired, "" for any other. */
  readonly link: Variable;
  /** Name of the grant set of the key; see `Identity.grants`. */
  readonly grants: Variable;
  /** The token for the upstream; absent in a shadow, which forwards nothing. */
  readonly token?: Variable;
}

/** The caller, for all proxies that read keys from one header and with one scheme. */
export interface Identity extends Caller {
  readonly header: string;
  /** Start of the names of its variables. */
  readonly prefix: string;
  readonly maps: readonly MapModel[];
  /** Id of the key with this end. Only `$secure_link` tells whether the whole key is that key. */
  readonly id: Variable;
  /**
   * Name of the grant set of the key, such as "hooks+read"; "" for a key that the spec does not know. "-" is appended
   * where the client is not in the key's own address lists, and no grant set has such a name.
   */
  readonly grants: Variable;
  readonly token: Variable;
  /** Whose key the log shows, and which one: also that of an expired key, so that its owner can be found. */
  readonly logged: { readonly key: Variable; readonly position: Variable | undefined };
  /** Parameters of `secure_link` and `secure_link_md5`. */
  readonly expected: readonly Part[];
  readonly salted: readonly Part[];
}

/** Returns the salt in front of a key before it is hashed, so that precomputed tables of hashes are of no use. */
export function salt(policy: Pick<Policy, 'name'>): string {
  return `postern:${policy.name}:`;
}

/** The place that keys are read from: a header in lower case, and the scheme before the key in it. */
export interface KeyPlace {
  readonly header: string;
  readonly scheme: string | undefined;
}

/** Returns the caller for one place that keys are read from, with the maps that identify it. */
export function identityOf(
  { apiKeys, name }: Pick<Policy, 'apiKeys' | 'name'>,
  { header, scheme }: KeyPlace,
): Identity {
  const list = mapList();
  const prefix = variablePrefix(scheme === undefined ? header : `${header}-${scheme}`);
  const sent = variable(`http_${header.replaceAll('-', '_')}`);
  const selector = list.add({
    name: `${prefix}_selector`,
    source: [sent],
    patterns: [[keyPattern(scheme), variable('key_end')]],
  });
  const hash = list.add({ name: `${prefix}_hash`, source: ['hash:', selector], includes: [KEY_FILES] });
  const id = list.add({ name: `${prefix}_id`, source: ['id:', selector], includes: [KEY_FILES] });
  const byId = (suffix: string, result: (apiKey: ApiKey) => Part | readonly Part[] | undefined) =>
    list.add({
      name: `${prefix}_${suffix}`,
      source: [id],
      idle: true,
      exact: apiKeys.flatMap((apiKey) => {
        const found = result(apiKey);
        return found === undefined ? [] : [[apiKey.id, found] as const];
      }),
    });
  // secure_link accepts a key up to and including the second that it names, and a key is refused from `expires` on.
  const expiry = byId('expiry', ({ expires }) => (expires === undefined ? undefined : `,${expires - 1}`));
  const link = variable('secure_link');
  const grants = byId('grants', (apiKey) => [className(grantSetOf(apiKey).name), ...insideOwnLists(apiKey, list)]);
  const token = list.add({ name: `${prefix}_token`, source: [id], includes: [TOKEN_FILES] });
  const position = positionOf(apiKeys, { selector, prefix, list });
  const logged = (what: string, part: Part) =>
    list.add({ name: `${prefix}_log_${what}`, source: [link], exact: ['1', '0'].map((is) => [is, part]) });
  return {
    header,
    prefix,
    maps: list.maps,
    sent,
    selector,
    link,
    id,
    grants,
    token,
    logged: { key: logged('key', id), position: position && logged('key_position', position) },
    expected: [hash, expiry],
    salted: [salt({ name }), variable('key')],
  };
}

/** Returns the variable that tells which key of its id it is. In the key files only second keys have a row for it. */
function positionOf(
  apiKeys: readonly ApiKey[],
  { selector, prefix, list }: { readonly selector: Variable; readonly prefix: string; readonly list: MapList },
): Variable | undefined {
  if (!tellsPositions(apiKeys)) return undefined;
  const name = `${prefix}_position`;
  return list.add({ name, source: ['position:', selector], fallback: keyPosition(0), includes: [KEY_FILES] });
}

/**
 * Returns the variable that is "" where the client is in the key's own address lists, else "-"; nothing for a key
 * without such lists.
 */
export function insideOwnLists({ id, ranges }: ApiKey, maps: MapList, mark?: string): readonly Part[] {
  const lists = ranges && listsOf(ranges, { kind: 'key', name: id });
  return lists === undefined || lists === 'any' ? [] : [insideOf(id, lists, maps, mark)];
}

/**
 * Returns the expression that captures a key, `<key>`, and its end, `<key_end>`. Only text before the first comma
 * counts, because engines join repeated headers with a comma.
 */
export function keyPattern(scheme: string | undefined): string {
  const character = '[A-Za-z0-9._~+/=-]';
  const head = `${character}{${KEY_MIN_LENGTH - SELECTOR_LENGTH},${KEY_MAX_LENGTH - SELECTOR_LENGTH}}`;
  return `^[ \\t]*+${credentialText(scheme, '')}(?<key>${head}(?<key_end>${character}{${SELECTOR_LENGTH}}))[ \\t]*+(?:,|\\z)`;
}
