import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { AddressEntrySpec } from '../spec/rangeSchema.ts';
import type { Spec } from '../spec/schema.ts';
import {
  type AddressRange,
  ANY_ADDRESS,
  type CidrPart,
  type CidrSet,
  partsOf,
  subtract,
  unionOf,
  unionOfParts,
  wholeFamily,
} from './cidr.ts';
import { policyCodes } from './codes.ts';
import { epochSeconds } from './dates.ts';
import { parseItem, type ReadFile, rangesOfFile } from './rangeFiles.ts';
import type { AddressNote, AddressSet } from './types.ts';

export type { ReadFile };

/** Turns lists of CIDRs and `@names` into sets; every problem lands in `problems`. */
export interface RangeResolver {
  resolve(items: 'any' | readonly string[], at: SpecPath): CidrSet;
  /** Every named set, also one that nobody uses, in alphabetical order. */
  all(): AddressSet[];
}

const NOTHING: CidrSet = { ranges: [] };

export function rangeResolver(spec: Spec, read: ReadFile, problems: Diagnostic[]): RangeResolver {
  const definitions = new Map(Object.entries(spec.ipRanges ?? {}));
  const names = [...definitions.keys()];
  /** Without a value while what a set takes in is being looked up. */
  const sets = new Map<string, CidrSet | undefined>();
  const notes = new Map<string, AddressNote[]>();
  /** The sets that take in each other, the outermost first. A list, because sets may nest deeper than calls can. */
  const open: { readonly name: string; readonly waiting: string[] }[] = [];

  const each = (items: readonly AddressEntrySpec[], at: SpecPath, name?: string): CidrSet => {
    const { own, parts, less, said } = gather(items, { at, named, problems });
    if (name !== undefined && said.length > 0) notes.set(name, said);
    const whole = together(own, parts, name);
    // What is left of the sets that it takes in is none of them any more.
    return less.length === 0 ? whole : together(subtract(whole, unionOf(less)).ranges, [], name);
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
        : together(rangesOfFile({ definition, at: origin }, read, problems), [], top.name);
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
    all() {
      names.forEach(settle);
      return names.toSorted().map((id) => ({ id, ...settled(id, sets, notes), origin: ['ipRanges', id] }));
    },
  };
}

function settled(
  id: string,
  sets: ReadonlyMap<string, CidrSet | undefined>,
  notes: ReadonlyMap<string, AddressNote[]>,
) {
  return { set: sets.get(id) ?? NOTHING, notes: notes.get(id) ?? [] };
}

interface Gathering {
  readonly at: SpecPath;
  /** The set of a name. */
  readonly named: (name: string, at: SpecPath) => CidrSet;
  readonly problems: Diagnostic[];
}

/** What a list holds itself, the lists in it, what is taken away, and what is said of its entries. */
function gather(items: readonly AddressEntrySpec[], { at, named, problems }: Gathering) {
  const own: AddressRange[] = [];
  const parts: CidrPart[] = [];
  const less: AddressRange[] = [];
  const said: AddressNote[] = [];
  const lookUp = (text: string, place: SpecPath): AddressRange | readonly CidrPart[] => {
    const range = text.startsWith('@') ? undefined : parseItem(text);
    if (range === undefined) return partsOf(named(text.slice(1), place));
    if (!('problem' in range)) return range;
    problems.push(policyCodes.report('bad-range', place, { text, ...range }));
    return [];
  };
  for (const [index, item] of items.entries()) {
    if (typeof item === 'string') {
      // A place is written out where it is needed: there may be a hundred thousand items.
      const found = item.startsWith('@') ? undefined : parseItem(item);
      if (found && !('problem' in found)) own.push(found);
      else parts.push(...listsIn(lookUp(item, [...at, index])));
    } else if ('not' in item) {
      const found = lookUp(item.not, [...at, index, 'not']);
      less.push(...('family' in found ? [found] : found.flatMap((part) => part.own.ranges)));
    } else if (item.cidr.startsWith('@'))
      problems.push(policyCodes.report('bad-range', [...at, index, 'cidr'], { text: item.cidr, ...NO_SET_HERE }));
    else {
      const found = lookUp(item.cidr, [...at, index, 'cidr']);
      if (!('family' in found)) continue;
      own.push(found);
      said.push(noteOf(found, item, [...at, index], problems));
    }
  }
  return { own, parts, less, said };
}

function listsIn(found: AddressRange | readonly CidrPart[]): readonly CidrPart[] {
  return 'family' in found ? [] : found;
}

const NO_SET_HERE = {
  problem: 'is a set, of which nothing more can be said here',
  hint: 'write "@name" alone, and what there is to say at the entries of that set',
};

type Annotated = Extract<AddressEntrySpec, { readonly cidr: string }>;

function noteOf(range: AddressRange, item: Annotated, origin: SpecPath, problems: Diagnostic[]): AddressNote {
  const { owner, expires: written, reason } = item;
  const expires = written === undefined ? undefined : epochSeconds(written);
  if (written !== undefined && expires === undefined)
    problems.push(policyCodes.report('bad-date', [...origin, 'expires'], { text: written }));
  return {
    range,
    ...(owner === undefined ? {} : { owner }),
    ...(expires === undefined ? {} : { expires }),
    ...(reason === undefined ? {} : { reason }),
    origin,
  };
}

/** What an item of a list is about: `10.0.0.0/8`, `@set`. */
function textOf(item: AddressEntrySpec): string {
  if (typeof item === 'string') return item;
  return 'not' in item ? item.not : item.cidr;
}

/** The names of the sets that a list refers to, in either way: `["@a", { not: "@b" }, 10.0.0.0/8]` → `a`, `b`. */
export function referencesIn(items: readonly AddressEntrySpec[]): string[] {
  return items.map(textOf).flatMap((text) => (text.startsWith('@') ? text.slice(1) : []));
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
