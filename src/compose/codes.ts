import { defineCodes, error } from '../diagnostics/codes.ts';

/** What can be wrong with how files become one spec. */
export const composeCodes = defineCodes('compose', {
  unreadable: error('cannot include "{path}": {problem}').hint(({ path }: { path: string }) =>
    /^[a-z][a-z0-9+.-]*:\/\//i.test(path)
      ? 'nothing is fetched: check the file in below the project, and write its path'
      : /[*?[]/.test(path)
        ? 'list the files one by one: a pattern would take in what nobody has listed'
        : 'the path is relative to the file that includes it',
  ),
  outside: error('cannot include "{path}": it {how} out of the project').hint(
    'a spec includes only files below the nearest folder with .git; where there is none, below its own: run "git init" at the top of the project, or move the spec there',
  ),
  'outside-file': error('cannot read "{path}": it {how} out of the project').hint(
    'a fragment names only files below the nearest folder with .git; where there is none, below that of the spec: run "git init" at the top of the project, or move the spec there',
  ),
  cycle: error(({ names }: { names: readonly string[] }) => `files include each other: ${names.join(' → ')}`).hint(
    'take one of these includes out; what two files share belongs into a third',
  ),
  'too-deep': error('files are included more than {limit} deep').hint('include them from the spec itself'),
  'not-a-fragment': error('"{path}" is a spec of its own and no fragment').hint(
    'move what is to be shared into a file that says "fragment: true" in place of "name: …", and include that',
  ),
  'fragment-alone': error('this is a fragment, of which nothing is made alone').hint(
    'name the spec that includes it, or write "name: …" in place of "fragment: true"',
  ),
  'unknown-preset': error(
    ({ name, near }: { name: string; near: string | undefined }) =>
      `there is no preset "${name}"${near === undefined ? '' : `, did you mean "${near}"?`}`,
  ).hint(({ known }: { known: readonly string[] }) => `there are: ${known.join(', ')}`),
  'unknown-hole': error('preset "{preset}" refers to no "{name}" that it does not define').hint(
    ({ holes }: { holes: readonly string[] }) =>
      holes.length === 0 ? 'it refers to nothing else: take this out' : `what it refers to: ${holes.join(', ')}`,
  ),
  conflict: error('{section} "{name}" is defined twice, and not alike').hint(
    'keep one of the two, or give one of them another name; an include only adds and never overrides',
  ),
  'implicit-routes': error('an include adds routes, so proxy "{proxy}" must list those that it serves').hint(
    ({ groups }: { groups: readonly string[] }) => `write what is meant of: routes: [${groups.join(', ')}]`,
  ),
});
