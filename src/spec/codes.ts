import { defineCodes, error } from '../diagnostics/codes.ts';

/** Problems with the shape of a spec. Each message names what was found, each hint what is allowed. */
export const specCodes = defineCodes('spec', {
  'unknown-key': error(
    ({ key, near }: { key: string; near: string | undefined }) =>
      `unknown key "${key}"${near === undefined ? '' : `, did you mean "${near}"?`}`,
  ).hint(
    ({ allowed, note }: { allowed: readonly string[]; note?: string }) =>
      note ?? (allowed.length === 0 ? 'no key is allowed here' : `allowed here: ${allowed.join(', ')}`),
  ),
  'missing-key': error('key "{key}" is missing').hint(
    ({ key, meaning, only }: { key: string; meaning?: string | undefined; only?: unknown }) =>
      only !== undefined ? `add "${key}: ${only}"` : meaning === undefined ? `add "${key}: …"` : `${key}: ${meaning}`,
  ),
  'missing-one-of': error(
    ({ keys }: { keys: readonly string[] }) => `none of the keys ${keys.join(', ')} is there`,
  ).hint('add the one that says what this is'),
  'wrong-type': error('expected {expected}, found {found}').hint(
    ({ advice }: { advice: string | undefined }) => advice,
  ),
  'not-one-of': error(
    ({ found, near }: { found: string; near: string | undefined }) =>
      `${found} is not allowed here${near === undefined ? '' : `, did you mean ${near}?`}`,
  ).hint(({ allowed }: { allowed: readonly string[] }) => `allowed: ${allowed.join(', ')}`),
  'bad-value': error('{found} {problem}').hint(({ near }: { near: string | undefined }) =>
    near === undefined ? undefined : `write ${near}`,
  ),
  'bad-name': error('the name "{name}" {problem}').hint(({ near }: { near: string | undefined }) =>
    near === undefined ? undefined : `call it ${near}`,
  ),
  'bad-size': error('{found} {limit}'),
  'unsupported-version': error('this postern reads version 1 of the spec, not {found}').hint(
    'write "version: 1", or use the postern that the spec was written for',
  ),
  'secret-literal': error('a secret is written here; a spec holds only references to secrets').hint(
    'replace it with env:NAME, file:/path or vault:path#field, and revoke it if this file was ever shared',
  ),
  variable: error('variables are not replaced in a spec').hint(
    'write env:{variable}, which is looked up when secrets are rendered',
  ),
  'bad-secret-reference': error('this is not a complete {scheme}: reference').hint(
    ({ scheme, form }: { scheme: string; form: string }) =>
      `write ${form}, without ${scheme === 'vault' ? 'blanks, empty parts, "." or ".."' : 'blanks'}`,
  ),
});
