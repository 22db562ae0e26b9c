import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { MAX_MEBIBYTES } from '../source/limits.ts';
import type { Spec } from '../spec/schema.ts';
import {
  type AddressRange,
  ANY_ADDRESS,
  type CidrPart,
  type CidrProblem,
  type CidrSet,
  networkOf,
  parseCidr,
  partsOf,
  unionOf,
  unionOfParts,
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

const NOTHING: CidrSet = { ranges: [] };

export function rangeResolver(spec: Spec, read: ReadFile, problems: Diagnostic[]): RangeResolver {
  const definitions = new Map(Object.entries(spec.ipRanges ?? {}));
  const names = [...definitions.keys()];
  /** Without a value while what a set takes in is being looked up. */
  const sets = new Map<string, CidrSet | undefined>();
  /** The sets that take in each other, the outermost first. A list, because sets may nest deeper than calls can. */
  const open: { readonly name: string; readonly waiting: string[] }[] = [];

  const each = (items: readonly string[], at: SpecPath, name?: string): CidrSet => {
    const own: AddressRange[] = [];
    const parts: CidrPart[] = [];
    for (const [index, text] of items.entries()) {
      const range = text.startsWith('@') ? undefined : parseItem(text);
      if (range === undefined) parts.push(...partsOf(named(text.slice(1), [...at, index])));
      else if ('problem' in range) problems.push(policyCodes.report('bad-range', [...at, index], { text, ...range }));
      else own.push(range);
    }
    return together(own, parts, name);
  };

  /** A set that has been settled, or is about to be. */
  const named = (name: string, at: SpecPath): CidrSet => {
    const known = sets.get(name);
    if (known) return known;
    if (sets.has(name)) {
      const path = open.map((one) => one.name);
      problems.push(policyCodes.report('range-cycle', at, { names: [...path.slice(path.indexOf(name)), name] }));
    } else {
      problems.push(policyCodes.report('unknown-reference', at, { kind: 'address set', name, known: names }));
    }
    return NOTHING;
  };

  const enter = (name: string): void => {
    const definition = definitions.get(name);
    if (definition === undefined || sets.has(name)) return;
    sets.set(name, undefined);
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
        ? each(definition, place, top.name)
        : together(fromFile({ file: definition.file, at: place }, read, problems), [], top.name);
      sets.set(top.name, checked(found, place, problems));
      open.pop();
    }
  };

  return {
    resolve(items, at) {
      if (items === 'any') return ANY_ADDRESS;
      referencesIn(items).forEach(settle);
      return checked(each(items, at), at, problems);
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
function checked(set: CidrSet, at: SpecPath, problems: Diagnostic[]): CidrSet {
  const family = wholeFamily(set.ranges);
  if (family === undefined) return set;
  problems.push(policyCodes.report('whole-family', at, { family, anybody: at.at(-1) !== 'trustedProxies' }));
  return NOTHING;
}

/** What a list holds itself, and the lists in it. A list without an address of its own is no part. */
function together(own: readonly AddressRange[], others: readonly CidrPart[], name?: string): CidrSet {
  const byName = new Map(others.map((part) => [part.name, part]));
  const mine: CidrPart = { ...(name === undefined ? {} : { name }), own: unionOf(own) };
  return unionOfParts(own.length === 0 ? [...byName.values()] : [...byName.values(), mine]);
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
  if (/^(?:any|all|\*)$/i.test(text))
    return {
      problem: 'is not an address',
      hint: 'where everybody may call a proxy, write "ipRanges: any" there, without brackets; all other lists name addresses',
    };
  const range = parseCidr(text);
  if (range === 'host bits') return { problem: 'has host bits set', hint: `the network is ${networkOf(text)}` };
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
