import { credentialText, KEY_MAX_LENGTH, KEY_MIN_LENGTH } from '../../policy/key.ts';
import type { ApiKey, Policy } from '../../policy/types.ts';
import type { Areas } from './areas.ts';
import { mapList } from './maps.ts';
import type { MapModel } from './model.ts';
import { type Part, type Variable, variable } from './quote.ts';

/** How many characters at the end of a key find its record. Keys of one maker often start alike. */
export const SELECTOR_LENGTH = 8;
export const KEY_FILES = 'secrets/keys*.conf';
export const TOKEN_FILES = 'secrets/tokens*.conf';

/** Who is calling, for all proxies that read the key from one header. */
export interface Identity {
  readonly header: string;
  readonly maps: readonly MapModel[];
  /** The end of the key; "" where the header is missing or holds no key. */
  readonly selector: Variable;
  /** Id of the key that ends so. Only `$secure_link` says whether it is that key. */
  readonly id: Variable;
  /** Number of the role; "" for a key that the spec does not know. */
  readonly role: Variable;
  /** "any" or the number of the key's own address set; absent where no key has one. */
  readonly from?: Variable;
  readonly token: Variable;
  /** Parameters of `secure_link` and `secure_link_md5`. */
  readonly expected: readonly Part[];
  readonly salted: readonly Part[];
}

/** A set of route groups that some keys share. */
export interface Role {
  readonly name: string;
  readonly groups: readonly string[];
}

/** What is in front of a key before it is hashed, so that a table of hashes of other makers' keys is of no use. */
export function salt(policy: Pick<Policy, 'name'>): string {
  return `postern:${policy.name}:`;
}

export function rolesOf(keys: readonly ApiKey[]): ReadonlyMap<ApiKey, Role> {
  const roles = new Map<string, Role>();
  return new Map(
    keys.map((key) => {
      const signature = key.groups.join();
      const role = roles.get(signature) ?? { name: String(roles.size + 1), groups: key.groups };
      roles.set(signature, role);
      return [key, role];
    }),
  );
}

export interface IdentityInput {
  readonly policy: Policy;
  readonly header: string;
  readonly scheme: string | undefined;
  readonly prefix: string;
  readonly areas: Areas;
  readonly roles: ReadonlyMap<ApiKey, Role>;
}

export function identityOf({ policy, header, scheme, prefix, areas, roles }: IdentityInput): Identity {
  const { apiKeys } = policy;
  const list = mapList();
  const sent = variable(`http_${header.toLowerCase().replaceAll('-', '_')}`);
  const key = `${prefix}key`;
  const end = `${prefix}end`;
  const selector = list.add({
    name: `${prefix}selector`,
    source: [sent],
    patterns: [[keyPattern(scheme, key, end), variable(end)]],
  });
  const hash = list.add({ name: `${prefix}hash`, source: ['hash:', selector], include: KEY_FILES });
  const id = list.add({ name: `${prefix}id`, source: ['id:', selector], include: KEY_FILES });
  const byId = (name: string, result: (apiKey: ApiKey) => string | undefined) =>
    list.add({
      name: `${prefix}${name}`,
      source: [id],
      exact: apiKeys.flatMap((apiKey) => {
        const text = result(apiKey);
        return text === undefined ? [] : [[apiKey.id, text] as const];
      }),
    });
  const expires = apiKeys.some((apiKey) => apiKey.expires !== undefined);
  // nginx still takes a key in its last second, and a key does not work at its moment.
  const expiry = expires
    ? [byId('expiry', (each) => (each.expires === undefined ? undefined : `,${each.expires - 1}`))]
    : [];
  return {
    header,
    maps: list.maps,
    selector,
    id,
    ...(apiKeys.some(({ ranges }) => ranges)
      ? { from: byId('from', ({ ranges }) => (ranges ? String(areas.numberOf(ranges)) : 'any')) }
      : {}),
    role: byId('role', (apiKey) => roles.get(apiKey)?.name),
    token: list.add({ name: `${prefix}token`, source: [id], include: TOKEN_FILES }),
    expected: [hash, ...expiry],
    salted: [salt(policy), variable(key)],
  };
}

/** A key up to the first comma; engines that join repeated headers do so with one. */
function keyPattern(scheme: string | undefined, key: string, end: string): string {
  const character = '[A-Za-z0-9._~+/=-]';
  const head = `${character}{${KEY_MIN_LENGTH - SELECTOR_LENGTH},${KEY_MAX_LENGTH - SELECTOR_LENGTH}}`;
  return `^[ \\t]*+${credentialText(scheme, '')}(?<${key}>${head}(?<${end}>${character}{${SELECTOR_LENGTH}}))[ \\t]*+(?:,|\\z)`;
}
