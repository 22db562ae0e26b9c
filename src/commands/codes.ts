import { defineCodes, error, warning } from '../diagnostics/codes.ts';

/** What can be wrong with what a command was given, rather than with the spec. */
export const commandCodes = defineCodes('command', {
  'unreadable-spec': error('cannot read the spec: {problem}').hint(
    'name the spec or its folder, or start one with "postern init"',
  ),
  'unknown-target': error('the spec has no target "{target}"').hint(({ known }: { known: readonly string[] }) =>
    known.length === 0 ? 'add one under targets' : `it has: ${known.join(', ')}`,
  ),
  'unknown-finding': error(
    ({ code, meant }: { code: string; meant: string | undefined }) =>
      `--accept ${code}: lint has no such warning${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
  ).hint(({ known }: { known: readonly string[] }) => `it has: ${known.join(', ')}`),
  'no-target': warning('the spec names no target, so nothing is rendered').hint(
    'add one under targets, for example "targets: { nginx: {} }"',
  ),
});

export const testCodes = defineCodes('test', {
  failed: error('{subject}: expected {expected}, got {actual} ({why})'),
  impossible: error('{problem}').hint('{hint}'),
});
