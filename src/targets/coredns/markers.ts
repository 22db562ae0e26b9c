import { existingRule } from './existing.ts';
import type { Corefile, Directive, ServerBlock } from './grammar.ts';
import type { Word } from './lexer.ts';

/** The lines between our markers, the markers included; lines from 0, end exclusive. */
export interface Region {
  readonly start: number;
  readonly end: number;
  readonly block: ServerBlock;
}

export interface MarkerProblem {
  readonly line: number;
  readonly problem: string;
  /** Where the marker is that it gets in conflict with. */
  readonly other?: number;
}

export const beginMarker = (name: string) => `# BEGIN postern ${name}`;
export const endMarker = (name: string) => `# END postern ${name}`;

/** Our regions, one for each server block at most; or what is wrong with the first that is not as we left it. */
export function regionsOf(lines: readonly string[], name: string, corefile: Corefile): Region[] | MarkerProblem {
  const regions: Region[] = [];
  let begin: number | undefined;
  for (const [line, text] of lines.entries()) {
    const kind = markerKind(text, name);
    if (kind === undefined) continue;
    if (kind === 'inside') return { line, problem: 'does not stand on a line of its own' };
    if (kind === 'begin' && begin !== undefined)
      return { line: begin, problem: 'has no END before the next BEGIN', other: line };
    if (kind === 'end' && begin === undefined) return { line, problem: 'has no BEGIN before it' };
    if (kind === 'begin') {
      begin = line;
      continue;
    }
    const region = regionBetween({ start: begin ?? line, end: line + 1 }, corefile);
    if ('problem' in region) return region;
    const first = regions.find(({ block }) => block === region.block);
    if (first) return { line, problem: 'is the second in its server block', other: first.end - 1 };
    regions.push(region);
    begin = undefined;
  }
  return begin === undefined ? regions : { line: begin, problem: 'has no END after it' };
}

/** Lines between the markers of any spec. */
export function insideMarkers(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>();
  let inside = false;
  for (const [line, text] of lines.entries()) {
    if (text.trim().startsWith(beginMarker(''))) inside = true;
    if (text.trim().startsWith(endMarker(''))) inside = false;
    if (inside) found.add(line);
  }
  return found;
}

function markerKind(line: string, name: string): 'begin' | 'end' | 'inside' | undefined {
  const text = line.trim();
  if (text === beginMarker(name)) return 'begin';
  if (text === endMarker(name)) return 'end';
  return [beginMarker(name), endMarker(name)].some((marker) => line.includes(`${marker} `) || text.endsWith(marker))
    ? 'inside'
    : undefined;
}

type Span = Pick<Region, 'start' | 'end'>;

function regionBetween(span: Span, { blocks }: Corefile): Region | MarkerProblem {
  const inside = (word: Word | undefined) => word !== undefined && word.line >= span.start && word.line < span.end;
  const block = blocks.find(({ open, close, keys, directives }) => {
    const first = open ?? keys.at(-1);
    const last = close ?? directives.at(-1)?.words.at(-1) ?? directives.at(-1)?.name;
    return first !== undefined && first.line < span.start && (close === undefined || (last?.line ?? 0) >= span.end);
  });
  if (!block || [block.open, block.close, ...block.keys].some(inside)) {
    return { line: span.start, problem: 'stands outside of every server block' };
  }
  for (const directive of block.directives) {
    const words = [directive.name, ...directive.words];
    const within = words.filter(inside).length;
    const around = directive.name.line < span.start && (words.at(-1)?.line ?? 0) >= span.end;
    if (around || (within > 0 && within < words.length))
      return { line: span.start, problem: 'cuts a directive in two' };
    // Whatever else stands there would be lost: most likely the END marker was moved down over it.
    if (within > 0 && !isOurs(directive)) {
      return { line: directive.name.line, problem: `encloses "${directive.name.text}", which postern did not write` };
    }
  }
  return { ...span, block };
}

function isOurs(directive: Directive): boolean {
  const rule = existingRule(directive);
  return rule?.words[1] === 'name' && (rule.match === 'exact' || rule.match === 'suffix') && rule.words[0] === 'stop';
}
