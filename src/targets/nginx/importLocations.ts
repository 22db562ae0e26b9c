import { type Machine, machineOf } from '../../import/machine.ts';
import { sequence } from '../../import/paths.ts';
import { literalBytes, parseRegex, type Regex } from '../../import/regex.ts';
import type { Written } from './importTree.ts';

export interface Place {
  readonly at: Written;
  readonly kind: 'exact' | 'prefix' | 'stop' | 'regex';
  readonly text: string;
  /** What its paths are; absent where that cannot be read. */
  readonly regex?: Regex;
  readonly machine?: Machine;
  /** Takes the paths of which the expression says every character. */
  readonly whole?: Machine;
  /** Blocks around it, outermost first, itself last. */
  readonly scope: readonly Written[];
  readonly children: readonly Place[];
}

/** The locations of a server, or of one of them. Named ones are only for answers of nginx itself. */
export function placesIn(block: readonly Written[], scope: readonly Written[]): Place[] {
  return block.flatMap((at): Place[] => {
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
        children: placesIn(at.block ?? [], inner),
      },
    ];
  });
}

function prefixOf(text: string, isWhole: boolean): Regex {
  return sequence([{ kind: 'start' }, ...literalBytes(text), ...(isWhole ? [{ kind: 'end' as const }] : [])]);
}

export function allPlaces(places: readonly Place[]): Place[] {
  return places.flatMap((place) => [place, ...allPlaces(place.children)]);
}

/** A location, nothing where none takes the path, or `unknown` where an expression that nobody can read is asked first. */
export type Chosen = Place | undefined | 'unknown';

/** As nginx chooses: an exact one, else the longest prefix and what lies in it, then expressions in their order. */
export function choose(places: readonly Place[], takes: (place: Place) => boolean): Chosen {
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

function isBelowRegex(inner: Place, outer: Place | undefined): boolean {
  const from = outer?.scope.length ?? 0;
  return inner.scope.slice(from).some(({ args }) => args[0]?.startsWith('~'));
}
