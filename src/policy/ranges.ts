import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { MAX_MEBIBYTES } from '../source/limits.ts';
import type { Spec } from '../spec/schema.ts';
import {
  type AddressRange,
  ANY_ADDRESS,
  type CidrProblem,
  type CidrSet,
  networkOf,
  parseCidr,
  unionOf,
  wholeFamily,
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
  const problem = `it is not there, or not a file of ${MAX_MEBIBYTES} MiB at most that this user may read`;
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

const HINTS: Readonly<Record<CidrProblem, string>> = {
  'not an address': 'write an IPv4 or IPv6 address or CIDR, or @name of a set under ipRanges',
  'bad prefix': 'the prefix is 0 to 32 for IPv4, 0 to 128 for IPv6, without leading zeros',
  'host bits': '',
};

interface RangeProblem {
  readonly problem: string;
  readonly hint: string;
}

/** One address or CIDR, which must not be everybody by another name. */
function parseItem(text: string): AddressRange | RangeProblem {
  const range = parseCidr(text);
  if (range === 'host bits') return { problem: 'has host bits set', hint: `the network is ${networkOf(text)}` };
  if (/^(?:any|all|\*)$/i.test(text))
    return {
      problem: 'is not an address',
      hint: 'where everybody may call a proxy, write "ipRanges: any" there, without brackets; all other lists name addresses',
    };
  if (typeof range === 'string')
    return { problem: range === 'bad prefix' ? 'has a bad prefix' : 'is not an address', hint: HINTS[range] };
  if (wholeFamily([range])) return { problem: 'admits everybody', hint: 'where that is meant, write "ipRanges: any"' };
  return range;
}

interface RangeFile {
  readonly file: string;
  readonly text: string;
  /** Where the spec names it. */
  readonly at: SpecPath;
}

/**
 * The ranges of a file, one a line. Whoever writes a spec may name any file, and whoever reads the report may not be
 * allowed to read that file: of a line that is no address nothing is shown.
 */
function rangesIn({ file, text, at }: RangeFile, problems: Diagnostic[]): AddressRange[] {
  const ranges: AddressRange[] = [];
  const bad: { readonly entry: string; readonly problem: RangeProblem; readonly start: number }[] = [];
  const shown: string[] = [];
  let offset = 0;
  for (const line of text.split('\n')) {
    const cut = line.replace(/#.*/, '').trimEnd();
    const entry = cut.trim();
    const range = entry === '' ? undefined : parseItem(entry);
    const visible = range && 'problem' in range && looksLikeAddress(entry) ? cut : '';
    if (range && 'problem' in range)
      bad.push({ entry, problem: range, start: offset + Math.max(visible.indexOf(entry), 0) });
    else if (range) ranges.push(range);
    shown.push(visible);
    offset += visible.length + 1;
  }
  const place = { file, text: bad.length === 0 ? '' : shown.join('\n') };
  for (const { entry, problem, start } of bad) {
    const end = start + entry.length;
    if (looksLikeAddress(entry))
      problems.push(
        policyCodes.report('bad-range', at, { text: entry, ...problem }, { place: { ...place, start, end } }),
      );
    else problems.push(policyCodes.report('bad-line', at, { file }, { place: { ...place, start, end: start } }));
  }
  return ranges;
}

/** Mistyped addresses and nothing that could be a word or a key: those have more digits without a break. */
function looksLikeAddress(entry: string): boolean {
  return /^[0-9a-f.:/, -]{1,64}$/i.test(entry) && /[.:]/.test(entry) && !/[0-9a-f]{5}/i.test(entry);
}
