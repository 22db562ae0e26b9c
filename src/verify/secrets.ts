import type { Policy } from '../policy/types.ts';
import type { Random } from './random.ts';

/** Throw-away secrets, one for each reference of a policy. */
export interface Secrets {
  /** By reference text, as `secrets` of a target takes them. */
  readonly values: ReadonlyMap<string, string>;
  /** Id of the caller with this key; `undefined` where there is none. */
  idOf(key: string): string | undefined;
  /** The keys that a caller may send, the newest first. */
  keysOf(id: string): readonly string[];
  /** The token that the upstream gets for a caller. */
  tokenOf(id: string): string;
  /** The first secret value in a text, in any case. */
  leakIn(text: string): string | undefined;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=-';
const WORD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** All secrets start alike, as the keys of one product do, and one search finds a leak of any of them. */
const MARK = 'pstrn-';
const LENGTHS = [20, 26, 40, 64, 127, 128];

/** `given` are values by reference text that are not made up. */
export function throwAwaySecrets(
  policy: Policy,
  random: Random,
  given: ReadonlyMap<string, string> = new Map(),
): Secrets {
  const values = new Map(given);
  const keys = new Map<string, string>();
  const create = (text: string): string => {
    const known = values.get(text);
    if (known !== undefined) return known;
    const length = random.pick(LENGTHS);
    // The value ends in letters and digits, so that an engine that trims punctuation still sees different keys.
    const value = MARK + random.text(ALPHABET, length - MARK.length - 8) + random.text(WORD, 8);
    values.set(text, value);
    return value;
  };
  for (const { id, keys: references, token } of policy.apiKeys) {
    for (const { text } of references) keys.set(create(text), id);
    create(token.text);
  }
  const callers = new Map(policy.apiKeys.map((caller) => [caller.id, caller]));
  const valueOf = (text: string | undefined) => values.get(text ?? '') ?? '';
  const leak = new RegExp(`${MARK}[A-Za-z0-9._~+/=-]{14,}`, 'i');
  return {
    values,
    idOf: (key) => keys.get(key),
    keysOf: (id) => (callers.get(id)?.keys ?? []).map(({ text }) => valueOf(text)),
    tokenOf: (id) => valueOf(callers.get(id)?.token.text),
    leakIn: (text) => leak.exec(text)?.[0],
  };
}
