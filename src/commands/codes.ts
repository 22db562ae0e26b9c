import { defineCodes, error, warning } from '../diagnostics/codes.ts';

/** What can be wrong with what a command was given, rather than with the spec. */
export const commandCodes = defineCodes('command', {
  'unreadable-spec': error('cannot read the spec: {problem}').hint(
    'name the spec or its folder, or start one with "postern init"',
  ),
  'no-meaning': error('{option} has no meaning beside {mode}').hint('take one of them out'),
  'unknown-preset': error(
    ({ name, near }: { name: string; near: string | undefined }) =>
      `there is no preset "${name}"${near === undefined ? '' : `, did you mean "${near}"?`}`,
  ).hint(({ known }: { known: readonly string[] }) => `there are: ${known.join(', ')}`),
  'unknown-finding': error(
    ({ code, meant }: { code: string; meant: string | undefined }) =>
      `--accept ${code}: lint has no such warning${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
  ).hint(({ known }: { known: readonly string[] }) => `it has: ${known.join(', ')}`),
});

export const testCodes = defineCodes('test', {
  none: error('the spec has no tests, so nothing was tested').hint(
    'write what must pass and what must not under tests, such as { request: GET /path, expect: 401 }',
  ),
  'no-routes': error('the spec has no requests, so there is no coverage').hint('leave --fail-under out'),
  failed: error('{subject}: expected {expected}, got {actual} ({why})'),
  impossible: error('{problem}').hint('{hint}'),
});

/** What can be wrong with what a spec is to be compared with. */
export const diffCodes = defineCodes('diff', {
  'no-base': error('cannot compare with {base}: {problem}').hint('{hint}'),
  'invalid-base': error('cannot compare with {base}: it is no valid spec').hint(
    'compare with a revision that "postern validate" passes',
  ),
  'bad-live': error('--live {text}: {problem}').hint(
    ({ known }: { known: readonly string[] }) =>
      `write TARGET=FILE, or TARGET=- for standard input; targets: ${known.join(', ')}`,
  ),
  'wrong-mode': error('{option} has no meaning beside {mode}').hint('run diff once for each comparison'),
});

/** No message here may ever take a value as a parameter: references and ids only. */
export const secretCodes = defineCodes('secret', {
  unset: error('{reference} is not set or empty').hint(
    'set it where this command runs; an empty secret would open a door, so it is refused',
  ),
  unreadable: error('{reference} cannot be read: {problem}').hint('a relative path is relative to the spec'),
  'not-here': error('{reference} is not read by this command').hint(
    'let the Vault Agent deliver it as a file and refer to it as file:PATH, or hand it over as env:NAME',
  ),
  'bad-key': error('what {reference} holds is not shaped like a key').hint(
    'a key has 20 to 128 of the characters A-Z a-z 0-9 . _ ~ + / = -',
  ),
  'bad-token': error('what {reference} holds is not a token').hint(
    'a token has only the characters A-Z a-z 0-9 . _ ~ + / = -; look for quotes and line breaks; a word before it, such as Bearer, is tokenScheme of the upstream',
  ),
  'bad-basic': error('what {reference} holds is not user:password').hint(
    'write user:password, such as an e-mail address and an API token; render makes base64 of it',
  ),
  'key-is-token': error('the key in {reference} is also the upstream token in {other}').hint(
    'give the caller a key of its own; the upstream token must never leave',
  ),
  'same-key': error('{reference} holds the same key as key "{key}"').hint(
    'each caller needs a key of its own, or nobody can tell them apart',
  ),
  'not-ignored': error('secrets are not written here: {problem}').hint(
    'run "postern generate" first, which writes a .gitignore, or choose a folder outside of the work tree with --out',
  ),
  'nothing-to-do': warning('no target of this spec needs a secret'),
});
