import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { basicTokens } from '../policy/apiKeys.ts';
import { isKeyShaped } from '../policy/key.ts';
import type { Policy, SecretReference } from '../policy/types.ts';
import { secretCodes } from './codes.ts';
import { weakness } from './weakness.ts';

type Values = ReadonlyMap<string, string>;

const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** Reports what is wrong with the values of references. No message holds any part of a value. */
export function checkSecrets(policy: Policy, values: Values): Diagnostic[] {
  const basics = basicTokens(policy);
  return [...checkShapes(policy, values, basics), ...checkSame(policy, tokenForms(policy, values, basics), values)];
}

function checkShapes(policy: Policy, values: Values, basics: ReadonlySet<string>): Diagnostic[] {
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

/** Reports keys that two callers share or that are also a token, because one could then act as the other. */
function checkSame(policy: Policy, tokens: TokenForms, values: Values): Diagnostic[] {
  const owners = new Map<string, { readonly id: string; readonly value: string }>();
  return policy.apiKeys.flatMap(({ id, keys }) =>
    keys.flatMap(({ text: reference, origin }) => {
      const value = values.get(reference);
      if (value === undefined) return [];
      const folded = value.toLowerCase();
      const owner = owners.get(folded);
      const token = tokens.get(folded);
      if (!owner) owners.set(folded, { id, value });
      const same = owner?.value === value ? 'same-key' : 'same-but-case';
      const capitals = token?.form === value ? '' : ', in other capitals';
      return [
        ...(owner ? [secretCodes.report(same, origin, { reference, key: owner.id })] : []),
        ...(token ? [secretCodes.report('key-is-token', origin, { reference, other: token.reference, capitals })] : []),
      ];
    }),
  );
}

interface TokenForm {
  readonly reference: string;
  readonly form: string;
}

type TokenForms = ReadonlyMap<string, TokenForm>;

/** Returns all that an upstream takes as a proof, in small letters: a token, and of a Basic one what is in it. */
function tokenForms(policy: Policy, values: Values, basics: ReadonlySet<string>): TokenForms {
  const forms = new Map<string, TokenForm>();
  for (const { text: reference } of policy.apiKeys.map(({ token }) => token)) {
    const value = values.get(reference);
    if (value === undefined) continue;
    const pair = basics.has(reference) ? Buffer.from(value, 'base64').toString('utf8') : '';
    for (const form of [value, pair, pair.slice(pair.indexOf(':') + 1)])
      if (form !== '') forms.set(form.toLowerCase(), { reference, form });
  }
  return forms;
}
