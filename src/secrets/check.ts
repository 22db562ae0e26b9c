import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { basicTokens } from '../policy/apiKeys.ts';
import { isKeyShaped } from '../policy/key.ts';
import type { ApiKey, Policy, SecretReference } from '../policy/types.ts';
import { secretCodes } from './codes.ts';

type Values = ReadonlyMap<string, string>;

const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** Reports what is wrong with the values of references. No message holds any part of a value. */
export function checkSecrets(policy: Policy, values: Values): Diagnostic[] {
  return [...checkShapes(policy, values), ...checkSame(policy.apiKeys, values)];
}

function checkShapes(policy: Policy, values: Values): Diagnostic[] {
  const basics = basicTokens(policy);
  return policy.apiKeys.flatMap(({ keys, token }) => [
    ...keys.flatMap((key) => checkKey(key, values.get(key.text))),
    ...checkToken(token, values.get(token.text), basics.has(token.text)),
  ]);
}

function checkKey({ text: reference, origin }: SecretReference, value: string | undefined): Diagnostic[] {
  if (value === undefined) return [];
  if (!isKeyShaped(value)) return [secretCodes.report('bad-key', origin, { reference })];
  const problem = weakness(value);
  return problem === undefined ? [] : [secretCodes.report('weak-key', origin, { reference, problem })];
}

function checkToken({ text: reference, origin }: SecretReference, value: string | undefined, basic: boolean) {
  if (value === undefined) return [];
  if (!TOKEN.test(value)) return [secretCodes.report('bad-token', origin, { reference })];
  return basic && !isBasicCredential(value) ? [secretCodes.report('bad-basic', origin, { reference })] : [];
}

function isBasicCredential(value: string): boolean {
  const decoded = Buffer.from(value, 'base64');
  return decoded.toString('base64') === value && decoded.includes(':');
}

const ENOUGH_BITS = 128;
/** Kinds of characters, with the size of each kind. */
const KINDS: readonly (readonly [RegExp, number])[] = [
  [/[a-f]/, 6],
  [/[g-z]/, 20],
  [/[A-F]/, 6],
  [/[G-Z]/, 20],
  [/[0-9]/, 10],
  [/[._~+/=-]/, 2],
];

/**
 * Returns why a key may be guessed; `undefined` if nothing indicates it. A text does not show how it was made, so this
 * finds only what is too short for 128 bits even if it is random, and what is plainly not random.
 */
function weakness(value: string): string | undefined {
  const alphabet = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(value) ? size : 0), 0);
  if (value.length * Math.log2(alphabet) < ENOUGH_BITS) return `it has less than ${ENOUGH_BITS} bits`;
  if (new Set(value).size < 8) return 'it is made of few different characters';
  return /^(.{1,16}?)\1+.{0,15}$/.test(value) ? 'it repeats itself' : undefined;
}

/** Reports keys that two callers share or that are also a token, because one could then act as the other. */
function checkSame(apiKeys: readonly ApiKey[], values: Values): Diagnostic[] {
  const tokens = new Map(apiKeys.map(({ token }) => [values.get(token.text), token.text]));
  const owners = new Map<string, { readonly id: string; readonly value: string }>();
  return apiKeys.flatMap(({ id, keys }) =>
    keys.flatMap(({ text: reference, origin }) => {
      const value = values.get(reference);
      if (value === undefined) return [];
      const folded = value.toLowerCase();
      const owner = owners.get(folded);
      const other = tokens.get(value);
      if (!owner) owners.set(folded, { id, value });
      const same = owner?.value === value ? 'same-key' : 'same-but-case';
      return [
        ...(owner ? [secretCodes.report(same, origin, { reference, key: owner.id })] : []),
        ...(other === undefined ? [] : [secretCodes.report('key-is-token', origin, { reference, other })]),
      ];
    }),
  );
}
