import type { Diagnostic, Related, SpecPath, TextSpan } from '../../diagnostics/diagnostic.ts';
import { writtenName } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import { inlineLimit } from './blocks.ts';
import { corednsCodes } from './codes.ts';
import type { Edit } from './container.ts';
import { type ExistingRule, existingRules, isSameRule, meets } from './existing.ts';
import {
  type Corefile,
  type Directive,
  type Effective,
  effectiveDirectives,
  lastLine,
  parseCorefile,
  type ServerBlock,
  type SyntaxProblem,
} from './grammar.ts';
import type { Word } from './lexer.ts';
import { literalLine } from './quote.ts';
import { comparedName, rulesOf, wordsOf } from './rules.ts';
import { answerer, sampleName, unknownKeys, zonesOf, zonesWithin } from './zones.ts';

interface MergeInput {
  /** Name of the spec, by which its own lines are recognized. */
  readonly name: string;
  readonly rewrites: readonly DomainRewrite[];
  readonly text: string;
  readonly at: SpecPath;
  /** Returns where a part of the Corefile is in the user's file. */
  readonly placeOf: (span: { readonly start: number; readonly end: number }) => TextSpan;
}

/** Returns the edits of a Corefile after which it rewrites these names, and no others of ours. */
export function mergeCorefile(input: MergeInput, problems: Diagnostic[]): Edit[] {
  const { text, name, at } = input;
  const corefile = parseCorefile(text);
  if ('problem' in corefile) {
    problems.push(unbalanced(input, corefile));
    return [];
  }
  const lines = text.split('\n');
  const regions = regionsOf(lines, name, corefile);
  if ('problem' in regions) {
    problems.push(brokenMarker(input, lines, regions));
    return [];
  }
  const wanted = placeRules(input, corefile, problems);
  const rules = Math.max(0, ...[...wanted.values()].map((own) => rulesOf(own).length));
  if (rules > inlineLimit) problems.push(corednsCodes.report('long-scan', at, { rules, limit: inlineLimit }));
  const merged = [...new Set([...wanted.keys(), ...regions.map(({ block }) => block)])].map((block) => {
    const own = wanted.get(block) ?? [];
    const region = regions.find((one) => one.block === block);
    return { input, lines, corefile, block, own, region, adopted: region ? [] : adoptedRules(block, own, lines) };
  });
  for (const block of merged) if (wanted.has(block.block)) checkBlock(block, problems);
  problems.push(...merged.flatMap(({ adopted }) => adoptions(input, adopted)));
  const moved = regions.filter(({ block }) => !wanted.has(block));
  const [right] = wanted.keys();
  if (right) problems.push(...movedRegions(input, lines, { moved, right }));
  return merged.flatMap((block) => editOf(block, problems));
}

/**
 * Checks how the rest of a server affects names whose rules are elsewhere. The first block is that of all names, and
 * our rules come before its line `line`.
 */
export function checkAround(input: MergeInput, line: number, problems: Diagnostic[]): void {
  const corefile = parseCorefile(input.text);
  if ('problem' in corefile) {
    problems.push(unbalanced(input, corefile));
    return;
  }
  placeRules(input, corefile, problems);
  const [block] = corefile.blocks;
  const region = block && { start: line, end: line, block };
  if (block) checkBlock({ input, corefile, block, region, own: input.rewrites, adopted: [] }, problems);
}

function unbalanced({ at, placeOf }: MergeInput, { at: word, problem }: SyntaxProblem): Diagnostic {
  return corednsCodes.report('unbalanced', at, { word: word.text, problem }, { place: placeOf(word) });
}

/** Returns the rewrites by the server block that answers their names. */
function placeRules(input: MergeInput, corefile: Corefile, problems: Diagnostic[]): Map<ServerBlock, DomainRewrite[]> {
  const { at, placeOf, rewrites } = input;
  const wanted = new Map<ServerBlock, DomainRewrite[]>();
  const unknown = rewrites.length > 0 ? unknownKeys(corefile) : [];
  for (const key of unknown) {
    problems.push(corednsCodes.report('unknown-zone', at, { zone: key.text }, { place: placeOf(key) }));
  }
  for (const pattern of rewrites.length > 0 ? corefile.imports : []) {
    problems.push(corednsCodes.report('unseen-import', at, { pattern: pattern.text }, { place: placeOf(pattern) }));
  }
  const zones = zonesOf(corefile);
  const blocksFor = answerer(zones);
  for (const rewrite of rewrites) {
    const name = writtenName(rewrite, 'from');
    const related = [{ at: [...rewrite.origin, 'from'], message: 'rewritten here' }];
    const owner = zonesWithin(zones, rewrite)[0]?.key;
    if (owner)
      problems.push(
        corednsCodes.report('owned-name', at, { name, zone: owner.text }, { place: placeOf(owner), related }),
      );
    const blocks = blocksFor(sampleName(rewrite));
    if (blocks.length === 0)
      problems.push(corednsCodes.report('unanswered-name', [...rewrite.origin, 'from'], { name }));
    for (const block of blocks) wanted.set(block, [...(wanted.get(block) ?? []), rewrite]);
  }
  return wanted;
}

function adoptions({ at, placeOf }: MergeInput, adopted: readonly Directive[]): Diagnostic[] {
  const [first] = adopted;
  if (!first) return [];
  return [corednsCodes.report('adopted-rule', at, { rules: adopted.length }, { place: placeOf(first.name) })];
}

/** Reports our lines in server blocks where they have no effect, with the block that they belong into. */
function movedRegions(input: MergeInput, lines: readonly string[], { moved, right }: Moved): Diagnostic[] {
  const problem = 'stands in a server block that answers none of the names';
  const [key] = right.keys;
  const related = key ? [{ at: input.at, place: input.placeOf(key), message: 'they are answered here' }] : [];
  return moved.map(({ start }) => brokenMarker(input, lines, { line: start, problem, related }));
}

interface Moved {
  readonly moved: readonly Region[];
  readonly right: ServerBlock;
}

interface Broken extends MarkerProblem {
  readonly related?: readonly Related[];
}

function brokenMarker(
  input: MergeInput,
  lines: readonly string[],
  { line, problem, other, related }: Broken,
): Diagnostic {
  const params = { line: lines[line]?.trim() ?? '', problem };
  const marker =
    other === undefined ? [] : [{ at: input.at, place: placeOfLine(input, lines, other), message: 'the other one' }];
  return corednsCodes.report('broken-marker', input.at, params, {
    place: placeOfLine(input, lines, line),
    related: [...marker, ...(related ?? [])],
  });
}

function placeOfLine({ placeOf }: MergeInput, lines: readonly string[], line: number): TextSpan {
  const start = lines.slice(0, line).reduce((length, text) => length + text.length + 1, 0);
  return placeOf({ start, end: start + (lines[line] ?? '').length });
}

/**
 * Returns rules of a block that equal ours and have no markers around them. kubeadm drops comments when it upgrades
 * CoreDNS, so that such rules would double with each upgrade. Only rules alone on a line are adopted.
 */
function adoptedRules(
  block: ServerBlock,
  own: readonly DomainRewrite[],
  lines: readonly string[],
): readonly Directive[] {
  const expected = new Map(own.map((rewrite) => [comparedName(rewrite), wordsOf(rewrite)]));
  const marked = insideMarkers(lines);
  const isOwn = ({ from, words }: ExistingRule) => isSameRule(words, expected.get(from) ?? []);
  return block.directives.filter((directive) => {
    const rules = existingRules(directive);
    if (rules.length === 0 || !rules.every(isOwn)) return false;
    const { line } = directive.name;
    const alone = [directive.name, ...directive.words].map(({ text }) => text).join(' ');
    return !marked.has(line) && lines[line]?.trim().replace(/[ \t]+/g, ' ') === alone;
  });
}

interface BlockCheck {
  readonly input: MergeInput;
  readonly corefile: Corefile;
  readonly block: ServerBlock;
  readonly region: Region | undefined;
  readonly own: readonly DomainRewrite[];
  /** Rules that ours replace. */
  readonly adopted: readonly Directive[];
}

/** Checks how the other directives of a server block affect the names that are rewritten there. */
function checkBlock(check: BlockCheck, problems: Diagnostic[]): void {
  const { input, region, adopted } = check;
  const inRegion = ({ line }: Effective) => region !== undefined && line >= region.start && line < region.end;
  for (const effective of effectiveDirectives(check.block, check.corefile)) {
    if (inRegion(effective) || adopted.includes(effective.directive)) continue;
    const { name } = effective.directive;
    const place = input.placeOf(name);
    if (name.text === 'autopath') {
      const related = check.own
        .slice(0, 1)
        .map(({ origin }) => ({ at: [...origin, 'from'], message: 'rewritten here' }));
      problems.push(corednsCodes.report('autopath', input.at, {}, { place, related }));
    }
    if (name.text === 'import') {
      const pattern = effective.directive.words[0]?.text ?? '';
      problems.push(corednsCodes.report('unseen-import', input.at, { pattern }, { place }));
    }
    checkRule(check, effective, problems);
  }
}

function checkRule({ input, region, own }: BlockCheck, { directive, line }: Effective, problems: Diagnostic[]): void {
  const rules = existingRules(directive);
  // New rules of ours come first in a block, so only rules above existing ones of ours can come before them.
  const comesFirst = region !== undefined && line < region.start;
  const [rule] = rules;
  const met = own.find((rewrite) => rules.some((one) => meets(one, rewrite)));
  if (!rule || !met || (rule.changes !== 'name' && !comesFirst)) return;
  const name = writtenName(met, 'from');
  const params = { name, rule: `rewrite ${directive.words.map(({ text }) => text).join(' ')}` };
  const related = [{ at: [...met.origin, 'from'], message: 'rewritten here' }];
  const code = comesFirst ? 'shadowed-rule' : 'second-rule';
  problems.push(corednsCodes.report(code, input.at, params, { place: input.placeOf(rule.at), related }));
}

interface ManagedBlock {
  readonly input: MergeInput;
  readonly lines: readonly string[];
  readonly block: ServerBlock;
  /** Our present lines, if any. */
  readonly region: Region | undefined;
  readonly own: readonly DomainRewrite[];
  /** Rules that ours replace, each alone on its line. */
  readonly adopted: readonly Directive[];
}

/**
 * Returns the edits of one block. Our lines stay where they are. New ones become the first of their block, where no
 * directive can stop a query before them.
 */
function editOf(managed: ManagedBlock, problems: Diagnostic[]): Edit[] {
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

/** Returns the indentation of the lines around. */
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
    rules: rulesOf(rewrites),
    end: literalLine(endMarker(name)),
  });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}

/** The lines between our markers, the markers included; lines from 0, end exclusive. */
interface Region {
  readonly start: number;
  readonly end: number;
  readonly block: ServerBlock;
}

interface MarkerProblem {
  readonly line: number;
  readonly problem: string;
  /** Line of the marker that it conflicts with. */
  readonly other?: number;
}

const beginMarker = (name: string) => `# BEGIN postern ${name}`;
const endMarker = (name: string) => `# END postern ${name}`;

/** Returns our regions, at most one per server block, or the first problem with our markers. */
function regionsOf(lines: readonly string[], name: string, corefile: Corefile): Region[] | MarkerProblem {
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

/** Returns the lines between markers of any spec. */
function insideMarkers(lines: readonly string[]): ReadonlySet<number> {
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
    // Other lines in a region would be lost: most likely the END marker was moved below them.
    if (within > 0 && !isOurs(directive)) {
      return { line: directive.name.line, problem: `encloses "${directive.name.text}", which postern did not write` };
    }
  }
  return { ...span, block };
}

function isOurs(directive: Directive): boolean {
  const rules = existingRules(directive);
  const isOf = ({ words, match }: ExistingRule) =>
    words[0] === 'stop' && words[1] === 'name' && (match === 'exact' || match === 'suffix');
  return rules.length > 0 && rules.every(isOf);
}
