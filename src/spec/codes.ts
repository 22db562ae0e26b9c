import { code, defineCodes } from '../diagnostics/codes.ts';

/** What does not fit the schema. Messages are ours: they name what was found and what is allowed. */
export const specCodes = defineCodes('spec', {
  'unknown-key': code<{ key: string; near: string | undefined; allowed: readonly string[]; note?: string }>({
    severity: 'error',
    message: ({ key, near }) => `unknown key "${key}"${near === undefined ? '' : `, did you mean "${near}"?`}`,
    hint: ({ allowed, note }) =>
      note ?? (allowed.length === 0 ? 'no key is allowed here' : `allowed here: ${allowed.join(', ')}`),
  }),
  'missing-key': code<{ key: string; meaning: string | undefined }>({
    severity: 'error',
    message: ({ key }) => `key "${key}" is missing`,
    hint: ({ key, meaning }) => (meaning === undefined ? `add "${key}: …"` : `${key}: ${meaning}`),
  }),
  'missing-one-of': code<{ keys: readonly string[] }>({
    severity: 'error',
    message: ({ keys }) => `none of the keys ${keys.join(', ')} is there`,
    hint: () => 'add the one that says what this is',
  }),
  'wrong-type': code<{ expected: string; found: string; advice: string | undefined }>({
    severity: 'error',
    message: ({ expected, found }) => `expected ${expected}, found ${found}`,
    hint: ({ advice }) => advice,
  }),
  'not-one-of': code<{ found: string; allowed: readonly string[]; near: string | undefined }>({
    severity: 'error',
    message: ({ found, near }) =>
      `${found} is not allowed here${near === undefined ? '' : `, did you mean "${near}"?`}`,
    hint: ({ allowed }) => `allowed: ${allowed.join(', ')}`,
  }),
  'bad-value': code<{ found: string; problem: string }>({
    severity: 'error',
    message: ({ found, problem }) => `${found} ${problem}`,
  }),
  'bad-name': code<{ name: string; problem: string }>({
    severity: 'error',
    message: ({ name, problem }) => `the name "${name}" ${problem}`,
  }),
  'bad-size': code<{ found: string; limit: string }>({
    severity: 'error',
    message: ({ found, limit }) => `${found} ${limit}`,
  }),
  'unsupported-version': code<{ found: string }>({
    severity: 'error',
    message: ({ found }) => `this postern reads version 1 of the spec, not ${found}`,
    hint: () => 'write "version: 1", or use the postern that the spec was written for',
  }),
  'planned-target': code<{ name: string; existing: readonly string[] }>({
    severity: 'error',
    message: ({ name }) => `target "${name}" does not exist yet in this version`,
    hint: ({ existing }) => `targets that exist: ${existing.join(', ')}`,
  }),
  'secret-literal': code<Record<never, never>>({
    severity: 'error',
    message: () => 'a secret is written here; a spec holds only references to secrets',
    hint: () => 'replace it with env:NAME, file:/path or vault:path#field, and revoke it if this file was ever shared',
  }),
  'bad-secret-reference': code<{ scheme: string }>({
    severity: 'error',
    message: ({ scheme }) => `this is not a complete ${scheme}: reference`,
    hint: () => 'write env:NAME, file:/path or vault:path#field, without blanks',
  }),
});
