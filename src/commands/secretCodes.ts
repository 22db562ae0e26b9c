import { defineCodes, error, warning } from '../diagnostics/codes.ts';

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
    'a token has only the characters A-Z a-z 0-9 . _ ~ + / = -; look for quotes and line breaks',
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
