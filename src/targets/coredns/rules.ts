import { inMatchOrder } from '../../policy/names.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { type CorednsToken, ruleWords } from './quote.ts';

/** Returns a name as a regular expression. A bracket instead of a backslash needs no escape inside of quotes. */
export function escaped(name: string): string {
  return name.replaceAll('.', '[.]');
}

/**
 * Returns the words of the rule for a rewrite. Each name has the dot of the root, without which `prefix` would mean
 * something else. The dot before a suffix excludes names that only end in the same letters.
 */
export function wordsOf({ from, to, wildcard, oneTarget }: DomainRewrite): readonly string[] {
  if (oneTarget) return ['stop', 'name', 'regex', `^.+${escaped(`.${from}.`)}$`, `${to}.`, 'answer', 'auto'];
  if (wildcard) return ['stop', 'name', 'suffix', `.${from}.`, `.${to}.`, 'answer', 'auto'];
  return ['stop', 'name', 'exact', `${from}.`, `${to}.`];
}

/** Returns the name that a rule for this rewrite compares with. A name that starts with a dot is the end of names. */
export function comparedName({ from, wildcard }: DomainRewrite): string {
  return `${wildcard ? '.' : ''}${from}.`;
}

/**
 * Fewest names of a list. For fewer names with the same target a line each is easier to read, and costs a query little.
 */
const FEWEST = 20;
/** CoreDNS 1.14.7 refuses an expression of more than 10,000 characters. */
const MOST_CHARACTERS = 9_900;

/** Names that differ in their beginnings, have the same ending and become the same target. */
interface Listing {
  /** The part of each name before the ending. */
  readonly beginnings: readonly string[];
  readonly ending: string;
  /** Target in CoreDNS's syntax; `{1}` is the beginning. */
  readonly target: string;
  readonly rewrites: readonly DomainRewrite[];
}

interface Sorted {
  /** Whole names with a rule each. */
  readonly single: readonly DomainRewrite[];
  readonly listings: readonly Listing[];
  readonly wildcards: readonly DomainRewrite[];
}

/**
 * Returns which rewrites share a rule. CoreDNS tries one rule after another, and an expression that lists a thousand
 * names costs a query little more than one rule, whatever its name.
 */
export function sortRewrites(rewrites: readonly DomainRewrite[]): Sorted {
  const whole = rewrites.filter(({ wildcard }) => !wildcard);
  const swaps = listingsOf(whole, swapOf);
  const rest = without(whole, swaps);
  const gathered = listingsOf(rest, gatheringOf);
  return {
    single: inMatchOrder(without(rest, gathered)),
    listings: [...swaps, ...gathered],
    wildcards: inMatchOrder(rewrites.filter(({ wildcard }) => wildcard)),
  };
}

function without(rewrites: readonly DomainRewrite[], listings: readonly Listing[]): DomainRewrite[] {
  const listed = new Set(listings.flatMap((listing) => listing.rewrites));
  return rewrites.filter((rewrite) => !listed.has(rewrite));
}

interface Way {
  readonly beginning: string;
  readonly ending: string;
  readonly target: string;
}

/**
 * Returns the rewrite as a change of the ending: in `a.b.example.com` to `a.b.link.example.com`, `.example.com` becomes
 * `.link.example.com`. `undefined` where the first labels differ.
 */
function swapOf({ from, to }: DomainRewrite): Way | undefined {
  const [left, right] = [from.split('.'), to.split('.')];
  const first = left.findIndex((label, index) => label !== right[index]);
  const same = first < 0 ? left.length : first;
  if (same === 0) return undefined;
  const rest = (labels: readonly string[]) =>
    labels
      .slice(same)
      .map((label) => `.${label}`)
      .join('');
  return { beginning: left.slice(0, same).join('.'), ending: rest(left), target: `{1}${rest(right)}.` };
}

/**
 * Returns the rewrite as one of several names below a domain with one target: `a.b.example.com` to
 * `ingress.example.net`.
 */
function gatheringOf({ from, to }: DomainRewrite): Way {
  const labels = from.split('.');
  const beginning = labels.slice(0, Math.max(1, labels.length - 2)).join('.');
  return { beginning, ending: from.slice(beginning.length), target: `${to}.` };
}

function listingsOf(
  rewrites: readonly DomainRewrite[],
  wayOf: (rewrite: DomainRewrite) => Way | undefined,
): readonly Listing[] {
  const groups = new Map<string, { readonly way: Way; readonly names: Map<string, DomainRewrite> }>();
  for (const rewrite of rewrites) {
    const way = wayOf(rewrite);
    if (!way) continue;
    const key = `${way.ending} ${way.target}`;
    const group = groups.get(key) ?? { way, names: new Map() };
    groups.set(key, group);
    group.names.set(way.beginning, rewrite);
  }
  return [...groups]
    .filter(([, { names }]) => names.size >= FEWEST)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { way, names }]) => {
      const room = MOST_CHARACTERS - escaped(way.ending).length;
      const hasRoom = (some: readonly string[]) => listOf(some).length <= room;
      return bucketsOf([...names.keys()].sort(), hasRoom).map((beginnings) => ({
        ...way,
        beginnings,
        rewrites: beginnings.flatMap((name) => names.get(name) ?? []),
      }));
    });
}

/** Characters of names; " " stands for the end of one. */
const LETTERS = '-.0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * Divides sorted names into lists of which each is small enough. Letters decide where a list ends, not the number of
 * names before: names that start with a to m, for example, or with a to f where these are too many. So one name more
 * changes its own list, or divides it into two.
 */
export function bucketsOf(
  names: readonly string[],
  isSmall: (some: readonly string[]) => boolean,
): readonly (readonly string[])[] {
  const split = (some: readonly string[], depth: number, first: number, last: number): (readonly string[])[] => {
    if (some.length === 0) return [];
    if (some.length === 1 || isSmall(some)) return [some];
    if (first === last) return split(some, depth + 1, -1, LETTERS.length - 1);
    const middle = (first + last) >> 1;
    const isLater = (name: string) => LETTERS.indexOf(name[depth] ?? ' ') > middle;
    const at = some.findIndex(isLater);
    if (at < 0) return split(some, depth, first, middle);
    return [...split(some.slice(0, at), depth, first, middle), ...split(some.slice(at), depth, middle + 1, last)];
  };
  return split(names, 0, -1, LETTERS.length - 1);
}

/** Fewest letters of a common beginning that is written only once. */
const FEWEST_LETTERS = 3;

/** Returns an alternation of sorted names: `a|b`, or `api-(?:a|b)` with a common beginning. */
function listOf(names: readonly string[]): string {
  const [first = '', last = ''] = [names[0], names.at(-1)];
  const shortest = Math.min(...names.map(({ length }) => length));
  const differs = [...first].findIndex((letter, index) => letter !== last[index] || index === shortest - 1);
  const rests = (from: number) => names.map((name) => escaped(name.slice(from))).join('|');
  return names.length > 1 && differs >= FEWEST_LETTERS
    ? `${escaped(first.slice(0, differs))}(?:${rests(differs)})`
    : rests(0);
}

/** Returns the rules of some rewrites in the order in which they are tried, without the word `rewrite`. */
export function rulesOf(rewrites: readonly DomainRewrite[]): CorednsToken[] {
  const { single, listings, wildcards } = sortRewrites(rewrites);
  return [...single.map(wordsOf), ...listings.map(listingWords), ...wildcards.map(wordsOf)].map(ruleWords);
}

/**
 * Returns the words of a rule that lists names. RE2 does not backtrack, and this expression, with anchors on both sides
 * and without a repetition, would not in other engines either.
 */
function listingWords({ beginnings, ending, target }: Listing): readonly string[] {
  return ['stop', 'name', 'regex', `^(${listOf(beginnings)})${escaped(ending)}[.]$`, target, 'answer', 'auto'];
}
