import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import {
  type AddressRange,
  ANY_ADDRESS,
  type CidrProblem,
  type CidrSet,
  networkOf,
  parseCidr,
  unionOf,
} from './cidr.ts';
import { policyCodes } from './codes.ts';

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

const HINTS: Readonly<Record<CidrProblem, string>> = {
  'not an address': 'write an IPv4 or IPv6 address or CIDR, or @name of a set under ipRanges',
  'bad prefix': 'the prefix is 0 to 32 for IPv4, 0 to 128 for IPv6, without leading zeros',
  'host bits': '',
};

function parseItem(text: string): AddressRange | { problem: string; hint: string } {
  const range = parseCidr(text);
  if (range === 'host bits') return { problem: 'has host bits set', hint: `the network is ${networkOf(text)}` };
  if (typeof range === 'string')
    return { problem: range === 'bad prefix' ? 'has a bad prefix' : 'is not an address', hint: HINTS[range] };
  if (/\/0$/.test(text)) return { problem: 'admits everybody', hint: 'where that is meant, write "ipRanges: any"' };
  return range;
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
    if (text === undefined) {
      problems.push(policyCodes.report('unreadable-file', at, { file, problem: 'no such file, or no permission' }));
      return [];
    }
    const ranges: AddressRange[] = [];
    let offset = 0;
    for (const line of text.split('\n')) {
      const entry = line.replace(/#.*/, '').trim();
      const start = offset + line.indexOf(entry);
      offset += line.length + 1;
      if (entry === '') continue;
      const range = parseItem(entry);
      if (!('problem' in range)) ranges.push(range);
      else {
        const place = { file, text, start, end: start + entry.length };
        problems.push(policyCodes.report('bad-range', at, { text: entry, ...range }, { place }));
      }
    }
    return ranges;
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
    const found = Array.isArray(definition) ? each(definition, origin) : fromFile(definition.file, [...origin, 'file']);
    path.pop();
    set.ranges = unionOf(found).ranges;
    set.resolving = false;
    return set.ranges;
  };

  return {
    resolve: (items, at) => (items === 'any' ? ANY_ADDRESS : unionOf(each(items, at))),
    checkAll() {
      for (const name of Object.keys(spec.ipRanges ?? {})) named(name, ['ipRanges', name]);
    },
  };
}
