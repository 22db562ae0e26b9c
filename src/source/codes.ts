import { defineCodes, error } from '../diagnostics/codes.ts';

/** Problems of a text that are independent of its meaning. */
export const yamlCodes = defineCodes('yaml', {
  syntax: error('{problem}').hint('{hint}'),
  'tab-indentation': error('a tab stands where YAML takes only spaces').hint('indent with spaces'),
  'duplicate-key': error('key "{key}" is written twice in one mapping').hint(
    'keep one of the two, or merge what they say',
  ),
  'unknown-alias': error('"*{name}" is an alias, but no anchor "&{name}" stands before it').hint(
    'if it is meant as text, quote it: "*{name}"',
  ),
  'alias-cycle': error('alias "*{name}" stands inside the value that it refers to').hint('write the value out'),
  'alias-bomb': error('aliases repeat more than {limit} values').hint(
    'write shared parts as named sets or groups of the spec instead of YAML aliases',
  ),
  'forbidden-key': error('the key "{key}" is not allowed').hint(
    'choose another name; this one has a meaning of its own in JavaScript',
  ),
  'bad-key': error('a key must be a text, not a list or a mapping').hint('quote it if it is meant as text'),
  'unsupported-tag': error('"{tag}" is a YAML tag, and a spec has none').hint(
    'take it out; if it is meant as text, quote it',
  ),
  'second-document': error('a second document starts here').hint(
    'one file holds one spec; take the "---" out or split the file',
  ),
  empty: error('the file holds no value').hint('the least that a spec needs is "version: 1" and "name: …"'),
  'bad-character': error(({ character, escaped }: { character: string; escaped: boolean }) =>
    escaped ? `an escape spells ${character}` : `the text holds ${character}`,
  ).hint('take it out; no part of a spec needs it'),
  'bad-encoding': error('the file is {encoding}').hint('save it as UTF-8'),
  'too-large': error('the file is larger than {limit} MiB').hint(
    'move long address lists into files of their own: { file: … }',
  ),
  'too-deep': error('values are nested more than {limit} deep').hint('no part of a spec needs that'),
});
