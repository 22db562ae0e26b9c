import { defineCodes, error, warning } from '../diagnostics/codes.ts';

/** Messages about secrets. None may take a value as a parameter, only references and ids. */
export const secretCodes = defineCodes('secret', {
  unset: error('{reference} is not set or empty').hint(
    'set it where this command runs; an empty secret would open a door, so it is refused',
  ),
  unreadable: error('{reference} cannot be read: {problem}').hint('a relative path is relative to the spec'),
  'no-field': error('{reference}: what it points to has no such field with a text in it').hint(
    'what stands behind "#" is the name of one field; fields inside of others are separated by "/"',
  ),
  'no-program': error('{reference} needs {program}, which is not on the PATH').hint(
    'install {program} where this command runs, or let something else deliver the secret as file:PATH',
  ),
  program: error('{reference}: {program} could not get it: {problem}').hint('{hint}'),
  vault: error('{reference} cannot be had from Vault: {problem}').hint('{hint}'),
  'vault-settings': error('Vault cannot be asked: {problem}').hint('{hint}'),
  'weak-key': error('the key in {reference} could be guessed: {problem}').hint(
    'take one that "postern secrets keygen" prints',
  ),
  'same-but-case': error('{reference} holds the key of "{key}" in other capitals').hint(
    'whoever lists or searches keys may ignore capitals; take one that "postern secrets keygen" prints',
  ),
  stale: error('{file} is not what the secrets make now').hint(
    'run "postern secrets render", and reload what reads it',
  ),
  'open-file': error('{file} can be read by others than its owner').hint(
    'run "postern secrets render", which closes it',
  ),
  'shared-file': warning('{reference} may be read or changed by {whom}').hint(
    'run "chmod 600" on the file, as its owner, and take another secret if others are on this machine',
  ),
  watched: error('another "postern secrets render --watch" runs for this folder').hint(
    'stop that one first, or choose another folder with --out',
  ),
  reload: error('the command of --reload failed: {problem}').hint('the new secrets are written; it is run again'),
  ended: error('{reference} has no lease that lasts: none was taken here yet, or two thirds of it are over').hint(
    'run "postern secrets render", or keep "postern secrets render --watch" running',
  ),
  'bad-key': error('what {reference} holds is not shaped like a key').hint(
    'a key has 20 to 128 of the characters A-Z a-z 0-9 . _ ~ + / = -; look for a line feed at its end',
  ),
  'bad-token': error('what {reference} holds is not a token').hint(
    'a token has only the characters A-Z a-z 0-9 . _ ~ + / = -; look for quotes and line breaks; a word before it, such as Bearer, is tokenScheme of the upstream; one that Vault issued is kept until its lease is nearly over, or .postern-leases.json is removed',
  ),
  'bad-basic': error('what {reference} holds is not user:password').hint(
    'write user:password, such as an e-mail address and an API token; render makes base64 of it',
  ),
  'key-is-token': error('the key in {reference} is also the upstream token in {other}{capitals}').hint(
    'give the caller a key of its own; the upstream token must never leave',
  ),
  'same-key': error('{reference} holds the same key as key "{key}"').hint(
    'each caller needs a key of its own, or nobody can tell them apart',
  ),
  'not-ignored': error('secrets are not written here: {problem}').hint(
    'run "postern generate" first, which writes a .gitignore, or choose a folder outside of the work tree with --out',
  ),
  'git-silent': error('secrets are not written here: {problem}').hint(
    'run "git status" in that folder and do what it asks for, or choose a folder outside of the work tree with --out',
  ),
  'other-spec': error('this folder is of the spec "{other}", whose secrets would be overwritten').hint(
    'choose another folder with --out; if that is the old name of this spec, remove {file} from it',
  ),
  'no-key-files': error('no target of this spec keeps keys in a file without tokens').hint(
    'leave out --keys, or let what brings the tokens bring the keys too',
  ),
  'nothing-to-do': warning('no target of this spec needs a secret'),
});
