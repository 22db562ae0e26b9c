import { grantSetOf, listsOf } from '../../plan/callers.ts';
import { keyPosition, tellsPositions } from '../../plan/log.ts';
import { credentialText, KEY_MAX_LENGTH, KEY_MIN_LENGTH } from '../../policy/key.ts';
import type { ApiKey, Policy } from '../../policy/types.ts';
import { insideOf } from './addresses.ts';
import { type MapList, mapList } from './maps.ts';
import type { MapModel } from './model.ts';
import { className, variablePrefix } from './names.ts';
import { type Part, type Variable, variable } from './quote.ts';

/** How many characters at the end of a key find its record. Keys of one maker often start alike. */
export const SELECTOR_LENGTH = 8;
const KEY_FILES = 'secrets/keys*.conf';
const TOKEN_FILES = 'secrets/tokens*.conf';

/** What is decided about a caller by. */
export interface Caller {
  /** The header as it came. */
  readonly sent: Variable;
  /** The end of the key; "" where the header is missing or holds no key. */
  readonly selector: Variable;
  /** "1" for a known key, "0" for one that has expired, "" for any other. */
  readonly link: Variable;
  /** Name of the set of groups that the key may use, as an identity has it. */
  readonly grants: Variable;
  /** Absent where nobody needs one. */
  readonly token?: Variable;
}

/** Who is calling, for all proxies that read the key from one header. */
export interface Identity extends Caller {
  readonly header: string;
  /** What its variables start with. */
  readonly prefix: string;
  readonly maps: readonly MapModel[];
  /** Id of the key that ends so. Only `$secure_link` says whether it is that key. */
  readonly id: Variable;
  /**
   * Name of the set of groups that the key may use; "" for a key that the spec does not know, and a name with "-" behind
   * it, which no set has, for one whose own addresses the client's is none of.
   */
  readonly grants: Variable;
  readonly token: Variable;
  /** Which of its keys it is; absent where no id has two. */
  readonly position: Variable | undefined;
  /** Parameters of `secure_link` and `secure_link_md5`. */
  readonly expected: readonly Part[];
  readonly salted: readonly Part[];
}

/** What is in front of a key before it is hashed, so that a table of hashes of other makers' keys is of no use. */
export function salt(policy: Pick<Policy, 'name'>): string {
  return `postern:${policy.name}:`;
}

/** Where keys are read from: a header in lower case, and what stands before the key in it. */
export interface KeyPlace {
  readonly header: string;
  readonly scheme: string | undefined;
}

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
  // nginx still takes a key in its last second, and a key does not work at its moment.
  const expiry = byId('expiry', ({ expires }) => (expires === undefined ? undefined : `,${expires - 1}`));
  return {
    header,
    prefix,
    maps: list.maps,
    sent,
    selector,
    link: variable('secure_link'),
    id,
    grants: byId('grants', (apiKey) => [className(grantSetOf(apiKey).name), ...homeOf(apiKey, list)]),
    token: list.add({ name: `${prefix}_token`, source: [id], includes: [TOKEN_FILES] }),
    position: positionOf(apiKeys, { selector, prefix, list }),
    expected: [hash, expiry],
    salted: [salt({ name }), variable('key')],
  };
}

/** The files of keys name the second ones. */
function positionOf(
  apiKeys: readonly ApiKey[],
  { selector, prefix, list }: { readonly selector: Variable; readonly prefix: string; readonly list: MapList },
): Variable | undefined {
  if (!tellsPositions(apiKeys)) return undefined;
  const name = `${prefix}_position`;
  return list.add({ name, source: ['position:', selector], fallback: keyPosition(0), includes: [KEY_FILES] });
}

/** "" for a key at home at the client's address, else "-". */
export function homeOf({ id, ranges }: ApiKey, maps: MapList, mark?: string): readonly Part[] {
  const lists = ranges && listsOf(ranges, { kind: 'key', name: id });
  return lists === undefined || lists === 'any' ? [] : [insideOf(id, lists, maps, mark)];
}

/** A key up to the first comma; engines that join repeated headers do so with one. */
export function keyPattern(scheme: string | undefined): string {
  const character = '[A-Za-z0-9._~+/=-]';
  const head = `${character}{${KEY_MIN_LENGTH - SELECTOR_LENGTH},${KEY_MAX_LENGTH - SELECTOR_LENGTH}}`;
  return `^[ \\t]*+${credentialText(scheme, '')}(?<key>${head}(?<key_end>${character}{${SELECTOR_LENGTH}}))[ \\t]*+(?:,|\\z)`;
}
