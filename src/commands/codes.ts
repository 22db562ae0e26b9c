import { code, defineCodes } from '../diagnostics/codes.ts';

/** What can be wrong with what a command was given, rather than with the spec. */
export const commandCodes = defineCodes('command', {
  'unreadable-spec': code<{ problem: string }>({
    severity: 'error',
    message: ({ problem }) => `cannot read the spec: ${problem}`,
    hint: () => 'name the spec or its folder, or start one with "postern init"',
  }),
  'unknown-target': code<{ target: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ target }) => `the spec has no target "${target}"`,
    hint: ({ known }) => (known.length === 0 ? 'add one under targets' : `it has: ${known.join(', ')}`),
  }),
  'unknown-finding': code<{ code: string; meant: string | undefined; known: readonly string[] }>({
    severity: 'error',
    message: ({ code, meant }) =>
      `--accept ${code}: lint has no such warning${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
    hint: ({ known }) => `it has: ${known.join(', ')}`,
  }),
  'no-target': code<Record<never, never>>({
    severity: 'warning',
    message: () => 'the spec names no target, so nothing is rendered',
    hint: () => 'add one under targets, for example "targets: { nginx: {} }"',
  }),
});

export const testCodes = defineCodes('test', {
  failed: code<{ subject: string; expected: string; actual: string; why: string }>({
    severity: 'error',
    message: ({ subject, expected, actual, why }) => `${subject}: expected ${expected}, got ${actual} (${why})`,
  }),
  impossible: code<{ problem: string; hint: string }>({
    severity: 'error',
    message: ({ problem }) => problem,
    hint: ({ hint }) => hint,
  }),
});
