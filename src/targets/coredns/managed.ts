import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { inMatchOrder } from '../../policy/names.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import { corednsCodes } from './codes.ts';
import { ruleOf } from './corefile.ts';
import type { Edit } from './edits.ts';
import { type Directive, lastLine, type ServerBlock } from './grammar.ts';
import { beginMarker, endMarker, type Region } from './markers.ts';
import type { MergeInput } from './merge.ts';
import { literalLine } from './quote.ts';

export interface ManagedBlock {
  readonly input: MergeInput;
  readonly lines: readonly string[];
  readonly block: ServerBlock;
  /** Where our lines stand already. */
  readonly region: Region | undefined;
  readonly own: readonly DomainRewrite[];
  /** Rules that ours take the place of, each alone on its line. */
  readonly adopted: readonly Directive[];
}

/** Our lines stay where they are; new ones become the first of their block, where nothing can stop a query before them. */
export function editOf(managed: ManagedBlock, problems: Diagnostic[]): Edit[] {
  const { input, lines, block, region, own, adopted } = managed;
  const head = block.open ?? block.keys.at(-1);
  const first = block.directives[0]?.name ?? block.close;
  const line = region?.start ?? (head ? lastLine(head) : 0) + 1;
  if (
    region === undefined &&
    (head === undefined || line >= lines.length || (first !== undefined && first.line < line))
  ) {
    const place = input.placeOf(head ?? first ?? { start: 0, end: 0 });
    problems.push(corednsCodes.report('no-room', input.at, {}, { place }));
    return [];
  }
  const lineEnd = lines[line - 1]?.endsWith('\r') ? '\r' : '';
  const indent = indentOf(managed);
  const insert = own.length === 0 ? [] : managedLines(input.name, own).map((text) => indent + text + lineEnd);
  const replaced = adopted.map(({ name }) => ({ line: name.line, remove: 1, insert: [] }));
  return [...replaced, { line, remove: region ? region.end - region.start : 0, insert }];
}

/** As the lines around it are indented. */
function indentOf({ lines, block, region }: ManagedBlock): string {
  const [sample] = block.directives.filter(
    ({ name }) => region === undefined || name.line >= region.end || name.line < region.start,
  );
  const line = lines[region?.start ?? sample?.name.line ?? -1];
  return line === undefined ? '    ' : (/^[ \t]*/.exec(line)?.[0] ?? '');
}

function managedLines(name: string, rewrites: readonly DomainRewrite[]): string[] {
  const text = renderTemplate('coredns', 'managed.njk', {
    begin: literalLine(beginMarker(name)),
    rules: inMatchOrder(rewrites).map(ruleOf),
    end: literalLine(endMarker(name)),
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}
