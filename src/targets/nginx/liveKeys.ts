import { keyPosition } from '../../plan/log.ts';
import type { NginxDirective } from './liveConfig.ts';

/** What files of keys and tokens hold, as far as it is told: no key and no token. */
export interface LiveKeys {
  /** How many keys stand for each id. */
  readonly keys: ReadonlyMap<string, number>;
  /** Ids that have a token. */
  readonly tokens: ReadonlySet<string>;
  /** Whether something else is there than "secrets render" writes, such as a value for everybody. */
  readonly strange: boolean;
}

const HASH = /^hash:(?<end>[A-Za-z0-9._~+/=-]{8})$/;
const ID = /^id:(?<end>[A-Za-z0-9._~+/=-]{8})$/;
const POSITION = /^position:[A-Za-z0-9._~+/=-]{8}$/;
const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** Reads entries as nginx includes them into its tables: those of `secrets/keys*.conf`, and of `secrets/tokens*.conf`. */
export function keysIn(keyEntries: readonly NginxDirective[], tokenEntries: readonly NginxDirective[]): LiveKeys {
  const hashed = new Set<string>();
  const ids = new Map<string, string>();
  const tokens = new Map<string, string>();
  const positions = new Set<string>();
  let strange = false;
  for (const { name, args, block } of keyEntries) {
    const [value = '', ...more] = args;
    const hash = HASH.exec(name)?.groups?.['end'];
    const end = ID.exec(name)?.groups?.['end'];
    const isHash = hash !== undefined && /^[A-Za-z0-9_-]{22}$/.test(value) && !hashed.has(hash);
    const isId = end !== undefined && /^[A-Za-z0-9._-]+$/.test(value) && !ids.has(end);
    const isPosition = POSITION.test(name) && value === keyPosition(1) && !positions.has(name);
    if (isPosition) positions.add(name);
    if (more.length > 0 || block || !(isHash || isId || isPosition)) strange = true;
    if (isHash) hashed.add(hash);
    if (isId) ids.set(end, value);
  }
  for (const { name, args, block } of tokenEntries) {
    const [value = '', ...more] = args;
    if (more.length > 0 || block || !/^[A-Za-z0-9._-]+$/.test(name) || name === 'default' || !TOKEN.test(value))
      strange = true;
    if (tokens.has(name)) strange = true;
    tokens.set(name, value);
  }
  const keys = new Map<string, number>();
  // A record without a hash is nobody's key.
  for (const [end, id] of ids) if (hashed.has(end)) keys.set(id, (keys.get(id) ?? 0) + 1);
  return { keys, tokens: new Set(tokens.keys()), strange };
}
