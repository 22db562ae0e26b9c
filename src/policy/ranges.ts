import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { AddressEntrySpec } from '../spec/rangeSchema.ts';
import type { Spec } from '../spec/schema.ts';
import {
  type AddressRange,
  ANY_ADDRESS,
  type CidrPart,
  type CidrSet,
  NOBODY,
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

/** Turns lists of CIDRs and `@names` into sets, and collects problems. */
export interface RangeResolver {
  resolve(items: 'any' | readonly string[], at: SpecPath): CidrSet;
  /** Returns all named sets, used or not, in alphabetical order. */
  all(): AddressSet[];
}

export function rangeResolver(spec: Spec, read: ReadFile, problems: Diagnostic[]): RangeResolver {
  const definitions = new Map(Object.entries(spec.ipRanges ?? {}));
  const names = [...definitions.keys()];
  /** Sets by name. A set whose `@names` are not resolved yet has an entry without a value. */
  const sets = new Map<string, CidrSet | undefined>();
  const notes = new Map<string, AddressNote[]>();
  /**
   * The sets that are being resolved; each is named by the one before it. It is a list, because sets may be nested
   * deeper than calls can.
   */
  const open: { readonly name: string; readonly waiting: string[] }[] = [];

  const each = (items: readonly AddressEntrySpec[], at: SpecPath, name?: string): CidrSet => {
    const { own, others, less, said } = gather(items, { at, named, problems });
    if (name !== undefined && said.length > 0) notes.set(name, said);
    const whole = together(own, others, name);
    // A set with something taken away is no longer the union of its parts, so it becomes one part of its own.
    return less.length === 0 ? whole : together(subtract(whole, unionOf(less)).ranges, [], name);
  };

  /** Returns a set that `settle` has resolved. A set that is still open refers to itself, which is an error. */
  const named = (name: string, at: SpecPath): CidrSet => {
    const known = sets.get(name);
    if (known) return known;
    if (sets.has(name)) {
      const path = open.map((one) => one.name);
      problems.push(policyCodes.report('range-cycle', at, { names: [...path.slice(path.indexOf(name)), name] }));
    } else {
      problems.push(policyCodes.report('unknown-reference', at, { kind: 'address set', name, known: names }));
    }
    return NOBODY;
  };

  const enter = (name: string): void => {
    const definition = definitions.get(name);
    if (definition === undefined || sets.has(name)) return;
    sets.set(name, undefined);
    open.push({ name, waiting: Array.isArray(definition) ? referencesIn(definition).reverse() : [] });
  };

  /** Resolves a set, after all sets that it names. */
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
  return { set: sets.get(id) ?? NOBODY, notes: notes.get(id) ?? [] };
}

interface Gathering {
  readonly at: SpecPath;
  /** Returns the set of a name. */
  readonly named: (name: string, at: SpecPath) => CidrSet;
  readonly problems: Diagnostic[];
}

/**
 * Returns the parts of a list: its own addresses, the sets that it names, the addresses that `not` removes, and the
 * notes on entries.
 */
function gather(items: readonly AddressEntrySpec[], { at, named, problems }: Gathering) {
  const own: AddressRange[] = [];
  const others: CidrSet[] = [];
  const less: AddressRange[] = [];
  const said: AddressNote[] = [];
  const lookUp = (text: string, place: SpecPath): AddressRange | CidrSet => {
    const range = text.startsWith('@') ? undefined : parseItem(text);
    if (range === undefined) return named(text.slice(1), place);
    if (!('problem' in range)) return range;
    problems.push(policyCodes.report('bad-range', place, { text, ...range }));
    return NOBODY;
  };
  for (const [index, item] of items.entries()) {
    if (typeof item === 'string') {
      // The place of an item is made only for a problem or a note: there may be a hundred thousand items.
      const found = item.startsWith('@') ? undefined : parseItem(item);
      if (found && !('problem' in found)) own.push(found);
      else others.push(...setsIn(lookUp(item, [...at, index])));
    } else if ('not' in item) {
      const found = lookUp(item.not, [...at, index, 'not']);
      less.push(...('family' in found ? [found] : found.ranges));
    } else if (item.cidr.startsWith('@'))
      problems.push(policyCodes.report('bad-range', [...at, index, 'cidr'], { text: item.cidr, ...NO_SET_HERE }));
    else {
      const found = lookUp(item.cidr, [...at, index, 'cidr']);
      if (!('family' in found)) continue;
      own.push(found);
      said.push(noteOf(found, item, [...at, index], problems));
    }
  }
  return { own, others, less, said };
}

function setsIn(found: AddressRange | CidrSet): readonly CidrSet[] {
  return 'family' in found ? [] : [found];
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

/** Returns the address or set name of an item, in any of its forms: `10.0.0.0/8`, `@set`. */
function textOf(item: AddressEntrySpec): string {
  if (typeof item === 'string') return item;
  return 'not' in item ? item.not : item.cidr;
}

/** Returns the names of the sets that a list refers to: `["@a", { not: "@b" }, 10.0.0.0/8]` → `a`, `b`. */
function referencesIn(items: readonly AddressEntrySpec[]): string[] {
  return items.map(textOf).flatMap((text) => (text.startsWith('@') ? text.slice(1) : []));
}

/** Refuses a set that holds all of IPv4 or IPv6, because readers would not see that its parts add up to everybody. */
function checked(set: CidrSet, at: SpecPath, problems: Diagnostic[]): CidrSet {
  const family = wholeFamily(set.ranges);
  if (family === undefined) return set;
  problems.push(policyCodes.report('whole-family', at, { family, anybody: at.at(-1) !== 'trustedProxies' }));
  return NOBODY;
}

/** Returns the union of a list's own addresses and the sets that it names. */
function together(own: readonly AddressRange[], others: readonly CidrSet[], name?: string): CidrSet {
  const mine: CidrPart = { ...(name === undefined ? {} : { name }), own: unionOf(own) };
  return unionOfParts(own.length === 0 ? undefined : mine, others);
}
