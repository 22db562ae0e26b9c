import { type Machine, machineOf } from '../../import/machine.ts';
import { sequence } from '../../import/paths.ts';
import { literalBytes, parseRegex, type Regex } from '../../import/regex.ts';
import type { Written } from './importTree.ts';

export interface Location {
  readonly at: Written;
  readonly kind: 'exact' | 'prefix' | 'stop' | 'regex';
  readonly text: string;
  /** The expression of its paths; absent where it cannot be read. */
  readonly regex?: Regex;
  readonly machine?: Machine;
  /** Accepts the paths that the expression matches from their first character to their last. */
  readonly whole?: Machine;
  /** Blocks around it, outermost first, itself last. */
  readonly scope: readonly Written[];
  readonly children: readonly Location[];
}

/** Returns the locations in a block. Those with a name (`@name`) are left out, because no path leads to them. */
export function locationsIn(block: readonly Written[], scope: readonly Written[]): Location[] {
  return block.flatMap((at): Location[] => {
    const [first = '', second] = at.args;
    if (at.name !== 'location' || first.startsWith('@')) return [];
    const [sign, text] = second === undefined ? ['', first] : [first, second];
    const kind = sign === '=' ? 'exact' : sign === '^~' ? 'stop' : sign.startsWith('~') ? 'regex' : 'prefix';
    const regex = kind === 'regex' ? parseRegex(text, sign === '~*') : prefixOf(text, kind === 'exact');
    const machine = regex && machineOf(regex);
    const whole =
      kind === 'regex' && regex ? machineOf(sequence([{ kind: 'start' }, regex, { kind: 'end' }])) : machine;
    const inner = [...scope, at];
    return [
      {
        at,
        kind,
        text,
        ...(regex && { regex }),
        ...(machine && { machine }),
        ...(whole && { whole }),
        scope: inner,
        children: locationsIn(at.block ?? [], inner),
      },
    ];
  });
}

function prefixOf(text: string, isWhole: boolean): Regex {
  return sequence([{ kind: 'start' }, ...literalBytes(text), ...(isWhole ? [{ kind: 'end' as const }] : [])]);
}

export function allLocations(places: readonly Location[]): Location[] {
  return places.flatMap((place) => [place, ...allLocations(place.children)]);
}

/**
 * The location that serves a path; `undefined` where none does, `unknown` where an expression that cannot be read comes
 * first.
 */
export type Chosen = Location | undefined | 'unknown';

/**
 * Returns the location that nginx chooses: an exact one, else the longest prefix and the locations in it, then
 * expressions in their order.
 */
export function choose(places: readonly Location[], takes: (place: Location) => boolean): Chosen {
  const exact = places.find((place) => place.kind === 'exact' && takes(place));
  if (exact) return exact;
  const prefixes = places.filter(({ kind }) => kind === 'prefix' || kind === 'stop').filter(takes);
  const longest = prefixes.toSorted((a, b) => b.text.length - a.text.length)[0];
  const inner = longest && choose(longest.children, takes);
  if (inner === 'unknown') return inner;
  // An expression inside of the longest prefix, or an exact location in it, ends the search.
  if (inner && (inner.kind === 'exact' || inner.kind === 'regex' || isBelowRegex(inner, longest))) return inner;
  const best = inner ?? longest;
  const stops = [longest, inner].some((one) => one?.kind === 'stop');
  if (stops) return best;
  for (const place of places) {
    if (place.kind !== 'regex') continue;
    if (!place.machine) return 'unknown';
    if (!takes(place)) continue;
    const deeper = choose(place.children, takes);
    return deeper === 'unknown' ? deeper : (deeper ?? place);
  }
  return best;
}

function isBelowRegex(inner: Location, outer: Location | undefined): boolean {
  const from = outer?.scope.length ?? 0;
  return inner.scope.slice(from).some(({ args }) => args[0]?.startsWith('~'));
}
