import { type Machine, machineOf, type Rank } from '../../import/machine.ts';
import { sequence } from '../../import/paths.ts';
import { literalBytes, parseRegex, type Regex } from '../../import/regex.ts';
import type { Written } from './importTree.ts';

/** The locations of one block. */
export interface Places {
  readonly number: number;
  readonly all: readonly Location[];
  /** Those with an expression that cannot be read, so that nobody knows what they take. */
  readonly unreadable: readonly Location[];
}

export interface Location {
  readonly at: Written;
  readonly kind: 'exact' | 'prefix' | 'stop' | 'regex';
  readonly text: string;
  /** Its place among those of its block. */
  readonly order: number;
  readonly inside: Places;
  /** The expression of its paths; absent where it cannot be read. */
  readonly regex?: Regex;
  readonly machine?: Machine;
  /** Accepts the paths that the expression matches from their first character to their last. */
  readonly whole?: Machine;
  /** Accepts the path that nginx answers itself, with the one that has the slash at its end. */
  readonly redirected?: Machine;
  /** The ranks of the expressions around it, and its own. */
  readonly ranks: readonly Rank[];
  /** Blocks around it, outermost first, itself last. */
  readonly scope: readonly Written[];
  readonly children: Places;
}

interface Around {
  readonly scope: readonly Written[];
  readonly ranks: readonly Rank[];
  readonly next: () => number;
}

/** Returns the locations of a server. */
export function locationsOf(server: Written, scope: readonly Written[]): Places {
  let last = 0;
  return placesIn(server.block ?? [], { scope, ranks: [], next: () => ++last });
}

/** Returns the locations in a block. Those with a name (`@name`) are left out, because no path leads to them. */
function placesIn(block: readonly Written[], around: Around): Places {
  const all: Location[] = [];
  const unreadable: Location[] = [];
  const places: Places = { number: around.next(), all, unreadable };
  const heads = block.filter(({ name, args }) => name === 'location' && !args[0]?.startsWith('@')).map(headOf);
  const texts = new Set(heads.flatMap(({ kind, text }) => (kind === 'regex' ? [] : [text])));
  for (const [order, { at, kind, text, ignoreCase }] of heads.entries()) {
    const regex = kind === 'regex' ? parseRegex(text, ignoreCase) : prefixOf(text, kind === 'exact');
    const machine = regex && machineOf(regex);
    const whole =
      kind === 'regex' && regex ? machineOf(sequence([{ kind: 'start' }, regex, { kind: 'end' }])) : machine;
    const bare = kind === 'regex' || !isRedirecting(at, text) ? undefined : text.slice(0, -1);
    const redirected = bare === undefined || texts.has(bare) ? undefined : machineOf(prefixOf(bare, true));
    const ranks = kind === 'regex' ? [...around.ranks, { list: places.number, order }] : around.ranks;
    const scope = [...around.scope, at];
    const place: Location = {
      at,
      kind,
      text,
      order,
      inside: places,
      ...(regex && { regex }),
      ...(machine && { machine }),
      ...(whole && { whole }),
      ...(redirected && { redirected }),
      ranks,
      scope,
      children: placesIn(at.block ?? [], { ...around, scope, ranks }),
    };
    all.push(place);
    if (!machine) unreadable.push(place);
  }
  return places;
}

function headOf(at: Written) {
  const [first = '', second] = at.args;
  const [sign, text] = second === undefined ? ['', first] : [first, second];
  const kind = sign === '=' ? 'exact' : sign === '^~' ? 'stop' : sign.startsWith('~') ? 'regex' : 'prefix';
  return { at, kind, text, ignoreCase: sign === '~*' } as const;
}

/** Whether nginx answers the path without the last slash by itself: for locations that something serves. */
function isRedirecting({ block = [] }: Written, text: string): boolean {
  return text.endsWith('/') && text !== '/' && block.some(({ name }) => name.endsWith('_pass'));
}

function prefixOf(text: string, isWhole: boolean): Regex {
  return sequence([{ kind: 'start' }, ...literalBytes(text), ...(isWhole ? [{ kind: 'end' as const }] : [])]);
}

export function allLocations({ all }: Places): Location[] {
  return all.flatMap((place) => [place, ...allLocations(place.children)]);
}

/**
 * The location that serves a path; `undefined` where none does, `redirect` where nginx answers with another path,
 * `unknown` where an expression that cannot be read comes first.
 */
export type Chosen = Location | undefined | 'redirect' | 'unknown';

/** What takes a path, by the blocks that locations stand in. */
export interface Taken {
  readonly by: ReadonlyMap<Places, readonly Location[]>;
  readonly redirected: ReadonlySet<Places>;
}

/**
 * Returns the location that nginx chooses: an exact one, else the longest prefix and the locations in it, then
 * expressions in their order.
 */
export function choose(places: Places, taken: Taken): Chosen {
  return searched(places, taken).chosen;
}

interface Searched {
  readonly chosen: Chosen;
  /** Whether no expression of the blocks around can take its place. */
  readonly isFinal: boolean;
}

function searched(places: Places, taken: Taken): Searched {
  const here = taken.by.get(places) ?? [];
  const exact = here.find(({ kind }) => kind === 'exact');
  if (exact) return { chosen: exact, isFinal: true };
  if (taken.redirected.has(places)) return { chosen: 'redirect', isFinal: true };
  const prefixes = here.filter(({ kind }) => kind === 'prefix' || kind === 'stop');
  const longest = prefixes.reduce<Location | undefined>(
    (best, one) => (best && best.text.length >= one.text.length ? best : one),
    undefined,
  );
  const inner = longest ? searched(longest.children, taken) : undefined;
  if (inner?.isFinal) return inner;
  const best = { chosen: inner?.chosen ?? longest, isFinal: false };
  if (longest?.kind === 'stop') return best;
  const first = here.filter(({ kind }) => kind === 'regex').sort((a, b) => a.order - b.order)[0];
  const [unreadable] = places.unreadable;
  if (unreadable && unreadable.order < (first?.order ?? Number.POSITIVE_INFINITY))
    return { chosen: 'unknown', isFinal: true };
  if (!first) return best;
  return { chosen: searched(first.children, taken).chosen ?? first, isFinal: true };
}
