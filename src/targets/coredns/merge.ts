import type { Diagnostic, Place, Related, SpecPath } from '../../diagnostics/diagnostic.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { adoptedRules } from './adopt.ts';
import { inlineLimit } from './blocks.ts';
import { checkBlock } from './checks.ts';
import { corednsCodes } from './codes.ts';
import type { Edit } from './edits.ts';
import { type Corefile, type Directive, parseCorefile, type ServerBlock } from './grammar.ts';
import { editOf } from './managed.ts';
import { type MarkerProblem, type Region, regionsOf } from './markers.ts';
import { answerer, sampleName, unknownKeys, zonesOf, zonesWithin } from './zones.ts';

export interface MergeInput {
  /** Name of the spec, by which it knows its own lines again. */
  readonly name: string;
  readonly rewrites: readonly DomainRewrite[];
  readonly text: string;
  readonly at: SpecPath;
  /** Where a stretch of the Corefile stands, in the file that the user knows. */
  readonly placeOf: (span: { readonly start: number; readonly end: number }) => Place;
}

/** What has to change in a Corefile so that it rewrites these names and no others of ours. */
export function mergeCorefile(input: MergeInput, problems: Diagnostic[]): Edit[] {
  const { text, name, at, placeOf } = input;
  const corefile = parseCorefile(text);
  if ('problem' in corefile) {
    const { at: word, problem } = corefile;
    problems.push(corednsCodes.report('unbalanced', at, { word: word.text, problem }, { place: placeOf(word) }));
    return [];
  }
  const lines = text.split('\n');
  const regions = regionsOf(lines, name, corefile);
  if ('problem' in regions) {
    problems.push(brokenMarker(input, lines, regions));
    return [];
  }
  const wanted = placeRules(input, corefile, problems);
  const names = Math.max(0, ...[...wanted.values()].map((own) => own.length));
  if (names > inlineLimit) problems.push(corednsCodes.report('long-scan', at, { names, limit: inlineLimit }));
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

/** For each server block the rewrites whose names it answers. */
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
    const name = (rewrite.wildcard ? '*.' : '') + rewrite.from;
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

/** Our lines in server blocks where they do nothing, beside the block that they belong into. */
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

function placeOfLine({ placeOf }: MergeInput, lines: readonly string[], line: number): Place {
  const start = lines.slice(0, line).reduce((length, text) => length + text.length + 1, 0);
  return placeOf({ start, end: start + (lines[line] ?? '').length });
}
