import { defineCodes, error } from '../diagnostics/codes.ts';

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
  'bad-share': error('--max-changes {text} is no share').hint('write a percentage such as 30%'),
  'wrong-mode': error('{option} has no meaning beside {mode}').hint('run diff once for each comparison'),
});
