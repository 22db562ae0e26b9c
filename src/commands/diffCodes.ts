import { code, defineCodes } from '../diagnostics/codes.ts';

/** What can be wrong with what a spec is to be compared with. */
export const diffCodes = defineCodes('diff', {
  'no-base': code<{ base: string; problem: string; hint: string }>({
    severity: 'error',
    message: ({ base, problem }) => `cannot compare with ${base}: ${problem}`,
    hint: ({ hint }) => hint,
  }),
  'invalid-base': code<{ base: string }>({
    severity: 'error',
    message: ({ base }) => `cannot compare with ${base}: it is no valid spec`,
    hint: () => 'compare with a revision that "postern validate" passes',
  }),
  'bad-live': code<{ text: string; problem: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ text, problem }) => `--live ${text}: ${problem}`,
    hint: ({ known }) => `write TARGET=FILE, or TARGET=- for standard input; targets: ${known.join(', ')}`,
  }),
  'bad-share': code<{ text: string }>({
    severity: 'error',
    message: ({ text }) => `--max-changes ${text} is no share`,
    hint: () => 'write a percentage such as 30%',
  }),
  'wrong-mode': code<{ option: string; mode: string }>({
    severity: 'error',
    message: ({ option, mode }) => `${option} has no meaning beside ${mode}`,
    hint: () => 'run diff once for each comparison',
  }),
});
