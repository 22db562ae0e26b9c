import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { MAX_MEBIBYTES } from '../source/limits.ts';
import type { Spec } from '../spec/schema.ts';
import { type AddressRange, ANY_ADDRESS, type CidrSet, unionOf, wholeFamily } from './cidr.ts';
import { policyCodes } from './codes.ts';
import { parseItem, rangesIn } from './rangeFile.ts';

/** Reads a file that the spec names, relative to the spec; `undefined` where it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** Turns lists of CIDRs and `@names` into sets; every problem lands in `problems`. */
export interface RangeResolver {
  resolve(items: 'any' | readonly string[], at: SpecPath): CidrSet;
  /** Resolves every named set, so that one nobody uses is checked too. */
  checkAll(): void;
}

/** A set; without ranges while what it takes in is being looked up. */
interface NamedSet {
  ranges: readonly AddressRange[] | undefined;
}

export function rangeResolver(spec: Spec, read: ReadFile, problems: Diagnostic[]): RangeResolver {
  const definitions = new Map(Object.entries(spec.ipRanges ?? {}));
  const names = [...definitions.keys()];
  const sets = new Map<string, NamedSet>();
  /** The sets that take in each other, the outermost first. A list, because sets may nest deeper than calls can. */
  const open: { readonly name: string; readonly waiting: string[] }[] = [];

  const each = (items: readonly string[], at: SpecPath): readonly AddressRange[] =>
    items.flatMap((text, index) => {
      if (text.startsWith('@')) return rangesOf(text.slice(1), [...at, index]);
      const range = parseItem(text);
      if (!('problem' in range)) return range;
      problems.push(policyCodes.report('bad-range', [...at, index], { text, ...range }));
      return [];
    });

  /** The ranges of a set that has been settled, or is about to be. */
  const rangesOf = (name: string, at: SpecPath): readonly AddressRange[] => {
    const known = sets.get(name);
    if (known?.ranges) return known.ranges;
    if (known) {
      const path = open.map((one) => one.name);
      problems.push(policyCodes.report('range-cycle', at, { names: [...path.slice(path.indexOf(name)), name] }));
    } else {
      problems.push(policyCodes.report('unknown-reference', at, { kind: 'address set', name, known: names }));
    }
    return [];
  };

  const enter = (name: string): void => {
    const definition = definitions.get(name);
    if (definition === undefined || sets.has(name)) return;
    sets.set(name, { ranges: undefined });
    open.push({ name, waiting: Array.isArray(definition) ? referencesIn(definition).reverse() : [] });
  };

  /** Works out a set after all that it takes in. */
  const settle = (name: string): void => {
    enter(name);
    for (let top = open.at(-1); top; top = open.at(-1)) {
      const next = top.waiting.pop();
      if (next !== undefined) {
        enter(next);
        continue;
      }
      const definition = definitions.get(top.name) ?? [];
      const origin: SpecPath = ['ipRanges', top.name];
      const place = Array.isArray(definition) ? origin : [...origin, 'file'];
      const found = Array.isArray(definition)
        ? each(definition, place)
        : fromFile({ file: definition.file, at: place }, read, problems);
      sets.set(top.name, union(found, place, problems));
      open.pop();
    }
  };

  return {
    resolve(items, at) {
      if (items === 'any') return ANY_ADDRESS;
      referencesIn(items).forEach(settle);
      return union(each(items, at), at, problems);
    },
    checkAll: () => names.forEach(settle),
  };
}

function fromFile(
  { file, at }: { readonly file: string; readonly at: SpecPath },
  read: ReadFile,
  problems: Diagnostic[],
): readonly AddressRange[] {
  const text = read(file);
  if (text !== undefined) return rangesIn({ file, text, at }, problems);
  const problem = `it is no regular file of ${MAX_MEBIBYTES} MiB at most that this user may read`;
  problems.push(policyCodes.report('unreadable-file', at, { file, problem }));
  return [];
}

/** Nobody sees from the parts that they add up to everybody. */
function union(found: readonly AddressRange[], at: SpecPath, problems: Diagnostic[]): CidrSet {
  const set = unionOf(found);
  const family = wholeFamily(set.ranges);
  if (family === undefined) return set;
  problems.push(policyCodes.report('whole-family', at, { family, anybody: at.at(-1) !== 'trustedProxies' }));
  return { ranges: [] };
}

function referencesIn(items: readonly string[]): string[] {
  return items.filter((text) => text.startsWith('@')).map((text) => text.slice(1));
}
