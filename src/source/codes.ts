import { code, defineCodes } from '../diagnostics/codes.ts';

/** What is wrong with a text before anything is known about its meaning. */
export const yamlCodes = defineCodes('yaml', {
  syntax: code<{ problem: string; hint: string }>({
    severity: 'error',
    message: ({ problem }) => problem,
    hint: ({ hint }) => hint,
  }),
  'tab-indentation': code<Record<never, never>>({
    severity: 'error',
    message: () => 'a tab stands where YAML takes only spaces',
    hint: () => 'indent with spaces',
  }),
  'duplicate-key': code<{ key: string }>({
    severity: 'error',
    message: ({ key }) => `key "${key}" is written twice in one mapping`,
    hint: () => 'keep one of the two, or merge what they say',
  }),
  'unknown-alias': code<{ name: string }>({
    severity: 'error',
    message: ({ name }) => `"*${name}" is an alias, but no anchor "&${name}" stands before it`,
    hint: ({ name }) => `if it is meant as text, quote it: "*${name}"`,
  }),
  'alias-cycle': code<{ name: string }>({
    severity: 'error',
    message: ({ name }) => `alias "*${name}" stands inside the value that it refers to`,
    hint: () => 'write the value out',
  }),
  'alias-bomb': code<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `aliases repeat more than ${limit} values`,
    hint: () => 'write shared parts as named sets or groups of the spec instead of YAML aliases',
  }),
  'forbidden-key': code<{ key: string }>({
    severity: 'error',
    message: ({ key }) => `the key "${key}" is not allowed`,
    hint: () => 'choose another name; this one has a meaning of its own in JavaScript',
  }),
  'bad-key': code<Record<never, never>>({
    severity: 'error',
    message: () => 'a key must be a text, not a list or a mapping',
    hint: () => 'quote it if it is meant as text',
  }),
  'unsupported-tag': code<{ tag: string }>({
    severity: 'error',
    message: ({ tag }) => `"${tag}" is a YAML tag, and a spec has none`,
    hint: () => 'take it out; if it is meant as text, quote it',
  }),
  'second-document': code<Record<never, never>>({
    severity: 'error',
    message: () => 'a second document starts here',
    hint: () => 'one file holds one spec; take the "---" out or split the file',
  }),
  empty: code<Record<never, never>>({
    severity: 'error',
    message: () => 'the file holds no value',
    hint: () => 'the least that a spec needs is "version: 1" and "name: …"',
  }),
  'bad-character': code<{ character: string; escaped: boolean }>({
    severity: 'error',
    message: ({ character, escaped }) => (escaped ? `an escape spells ${character}` : `the text holds ${character}`),
    hint: () => 'take it out; no part of a spec needs it',
  }),
  'bad-encoding': code<{ encoding: string }>({
    severity: 'error',
    message: ({ encoding }) => `the file is ${encoding}`,
    hint: () => 'save it as UTF-8',
  }),
  'too-large': code<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `the file is larger than ${limit} MiB`,
    hint: () => 'move long address lists into files of their own: { file: … }',
  }),
  'too-deep': code<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `values are nested more than ${limit} deep`,
    hint: () => 'no part of a spec needs that',
  }),
});
