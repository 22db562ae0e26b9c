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

interface NamedSet {
  ranges: readonly AddressRange[];
  resolving: boolean;
}

export function rangeResolver(spec: Spec, read: ReadFile, problems: Diagnostic[]): RangeResolver {
  const sets = new Map<string, NamedSet>();
  const path: string[] = [];

  const each = (items: readonly string[], at: SpecPath): readonly AddressRange[] =>
    items.flatMap((text, index) => {
      if (text.startsWith('@')) return named(text.slice(1), [...at, index]);
      const range = parseItem(text);
      if (!('problem' in range)) return range;
      problems.push(policyCodes.report('bad-range', [...at, index], { text, ...range }));
      return [];
    });

  const fromFile = (file: string, at: SpecPath): readonly AddressRange[] => {
    const text = read(file);
    if (text !== undefined) return rangesIn({ file, text, at }, problems);
    const problem = `it is no regular file of ${MAX_MEBIBYTES} MiB at most that this user may read`;
    problems.push(policyCodes.report('unreadable-file', at, { file, problem }));
    return [];
  };

  /** Nobody sees from the parts that they add up to everybody. */
  const union = (found: readonly AddressRange[], at: SpecPath): CidrSet => {
    const set = unionOf(found);
    const family = wholeFamily(set.ranges);
    if (family === undefined) return set;
    problems.push(policyCodes.report('whole-family', at, { family, anybody: at.at(-1) !== 'trustedProxies' }));
    return { ranges: [] };
  };

  const named = (name: string, at: SpecPath): readonly AddressRange[] => {
    const known = sets.get(name);
    if (known?.resolving) {
      problems.push(policyCodes.report('range-cycle', at, { names: [...path.slice(path.indexOf(name)), name] }));
      return [];
    }
    if (known) return known.ranges;
    const definition = Object.hasOwn(spec.ipRanges ?? {}, name) ? spec.ipRanges?.[name] : undefined;
    if (definition === undefined) {
      const names = Object.keys(spec.ipRanges ?? {});
      problems.push(policyCodes.report('unknown-reference', at, { kind: 'address set', name, known: names }));
      return [];
    }
    const set: NamedSet = { ranges: [], resolving: true };
    sets.set(name, set);
    path.push(name);
    const origin: SpecPath = ['ipRanges', name];
    const place = Array.isArray(definition) ? origin : [...origin, 'file'];
    const found = Array.isArray(definition) ? each(definition, place) : fromFile(definition.file, place);
    path.pop();
    set.ranges = union(found, place).ranges;
    set.resolving = false;
    return set.ranges;
  };

  return {
    resolve: (items, at) => (items === 'any' ? ANY_ADDRESS : union(each(items, at), at)),
    checkAll() {
      for (const name of Object.keys(spec.ipRanges ?? {})) named(name, ['ipRanges', name]);
    },
  };
}
