import { isNullable } from '../../src/prove/program.ts';
import { type ByteSet, bytesOf, parseRegex, type Regex } from '../../src/prove/regex.ts';

type Node =
  | { readonly kind: 'byte'; readonly bytes: ByteSet; readonly next: number }
  | { readonly kind: 'fork'; readonly nexts: number[] }
  | { readonly kind: 'begin' | 'end'; readonly next: number }
  /** Steps of its own count where they have no bound: not where a possessive loop is over, or for a short text. */
  | {
      readonly kind: 'look';
      readonly body: number;
      readonly negative: boolean;
      readonly isAttempt: boolean;
      readonly next: number;
    }
  | { readonly kind: 'match' | 'seen' };

export interface Ways {
  /** Most ways on which a matcher can come to one place of a text, over all texts. */
  readonly most: number;
}

export interface TooMany {
  readonly problem: string;
  /** One of the shortest texts that can be read on more than `MOST_WAYS` ways. */
  readonly text?: string;
}

/** More ways than any expression needs whose ways do not grow with the text. */
const MOST_WAYS = 200;
export const TOO_MANY_STATES = 'has too many states to tell';
const FEW_STATES = 5_000;
const MOST_STATES = 120_000;

/**
 * Returns on how many ways a backtracking matcher can read one same beginning of a text, if that number has a bound
 * that holds for all texts. Then it takes at most so many steps for each byte, whatever it is given; otherwise there are
 * texts for which its steps grow with a power of their length. Ways count whether they lead to a match or not, as a
 * matcher that finds none tries all of them. All texts are tried at once, by an automaton whose states count the ways.
 *
 * It errs to the safe side: a look behind at one byte always succeeds, and a
 * reference to a group may stand for any text. nginx accepts neither line ends nor zeros in what it matches, so that a rest without line ends always succeeds.
 */
export function waysOf(source: string, ignoreCase = false, mostStates = MOST_STATES): Ways | TooMany {
  const known = source
    .replace(/\(\?<\w+>(?:[.]|\[\^\r\n\])\*\)\\z$/, '')
    .replace(/\(\?<!\[[^\]]*\]\)/g, '')
    .replace(/\\k<\w+>/g, '(?:.|\n)*');
  const regex = parseRegex(known, 'pcre', ignoreCase);
  if ('problem' in regex) return regex;
  // From each place alternatives are tried one after the other, so that their ways add up.
  const parts = (regex.kind === 'either' ? regex.items : [regex]).map((part) => waysOfPart(part, mostStates));
  const problem = parts.find((part) => 'problem' in part);
  return problem ?? { most: parts.reduce((sum, part) => sum + ('most' in part ? part.most : 0), 0) };
}

function waysOfPart(regex: Regex, mostStates: number): Ways | TooMany {
  const graph = new Graph(regex);
  if (graph.problem !== undefined) return { problem: graph.problem };
  const counting = new Counting(graph);
  const unordered = counting.count(false, mostStates);
  return 'problem' in unordered ? counting.count(true, Math.min(mostStates, FEW_STATES)) : unordered;
}

/** An expression as a graph of steps, found anywhere in a text. */
class Graph {
  readonly nodes: Node[] = [];
  readonly start: number;
  problem: string | undefined;
  private readonly seen = this.add({ kind: 'seen' });

  constructor(regex: Regex) {
    const nexts: number[] = [];
    this.start = this.add({ kind: 'fork', nexts });
    nexts.push(
      this.write(regex, this.add({ kind: 'match' })),
      this.add({ kind: 'byte', bytes: bytesOf(() => true), next: this.start }),
    );
  }

  private add(node: Node): number {
    return this.nodes.push(node) - 1;
  }

  private write(regex: Regex, next: number): number {
    switch (regex.kind) {
      case 'bytes':
        return this.add({ kind: 'byte', bytes: regex.bytes, next });
      case 'begin':
      case 'end':
        return this.add({ kind: regex.kind, next });
      case 'group':
        return this.write(regex.item, next);
      case 'sequence':
        return regex.items.reduceRight((after, item) => this.write(item, after), next);
      case 'either':
        return this.add({ kind: 'fork', nexts: regex.items.map((item) => this.write(item, next)) });
      case 'look':
        return this.look(regex.item, regex.negative, repeatsForever(regex.item), next);
      case 'repeat':
        return this.repeat(regex, next);
    }
  }

  private look(item: Regex, negative: boolean, isAttempt: boolean, next: number): number {
    return this.add({ kind: 'look', body: this.write(item, this.seen), negative, isAttempt, next });
  }

  private repeat({ item: whole, least, most, mode }: Extract<Regex, { kind: 'repeat' }>, next: number): number {
    if (most > 1 && isNullable(whole)) this.problem = 'repeats what may be empty';
    const leave = mode === 'possessive' ? this.look(whole, true, false, next) : next;
    const item = mode === 'possessive' ? committed(whole) : whole;
    const inOrder = (more: number) => (mode === 'lazy' ? [leave, more] : [more, leave]);
    let at = next;
    if (most === Number.POSITIVE_INFINITY) {
      const nexts: number[] = [];
      at = this.add({ kind: 'fork', nexts });
      nexts.push(...inOrder(this.write(item, at)));
    } else
      for (let count = most; count > least; count--)
        at = this.add({ kind: 'fork', nexts: inOrder(this.write(item, at)) });
    for (let count = 0; count < least; count++) at = this.write(item, at);
    return at;
  }
}

/** Within a possessive repetition an alternative is tried only where those before it fail: it is never gone back to. */
function committed(regex: Regex): Regex {
  if (regex.kind === 'group') return { ...regex, item: committed(regex.item) };
  if (regex.kind !== 'either') return regex;
  const without = (item: Regex): Regex => ({ kind: 'look', item, negative: true });
  const items = regex.items.map(
    (item, index): Regex => ({ kind: 'sequence', items: [...regex.items.slice(0, index).map(without), item] }),
  );
  return { ...regex, items };
}

function repeatsForever(regex: Regex): boolean {
  if (regex.kind === 'repeat' && regex.most === Number.POSITIVE_INFINITY) return true;
  if ('items' in regex) return regex.items.some(repeatsForever);
  return 'item' in regex && repeatsForever(regex.item);
}

/** What is known of the rest of a text: which steps succeed in front of it. Only those of looks are asked for. */
interface Rest {
  readonly succeeds: (at: number, atBegin: boolean) => boolean;
  readonly isEnd: boolean;
  /** For each class of bytes the rests in front of which such a byte gives this one. */
  readonly shorter: Rest[][];
}

/** The steps before a byte at which ways stand, in the order in which a matcher tries them. */
type Front = readonly number[];

class Counting {
  private readonly nodes: readonly Node[];
  private readonly start: number;
  private readonly examples: readonly number[];
  private readonly rests: readonly Rest[];

  constructor({ nodes, start }: Graph) {
    this.nodes = nodes;
    this.start = start;
    this.examples = examplesOf(nodes);
    this.rests = this.allRests();
  }

  /** In no order there are fewer fronts, and in order a success ends the ways behind it. */
  count(inOrder: boolean, mostStates: number): Ways | TooMany {
    const seen = new Map<Rest, Set<string>>(this.rests.map((rest) => [rest, new Set()]));
    const waiting: { readonly rest: Rest; readonly front: Front; readonly text: string }[] = [];
    let most = 0;
    const visit = (rest: Rest, front: Front, text: string): void => {
      const key = (inOrder ? front : front.toSorted()).join(' ');
      if (seen.get(rest)?.has(key)) return;
      seen.get(rest)?.add(key);
      most = Math.max(most, front.length);
      waiting.push({ rest, front, text });
    };
    for (const rest of this.rests) visit(rest, this.front([this.start], rest, inOrder, true), '');
    for (let at = 0; at < waiting.length; at++) {
      const { rest, front, text } = waiting[at] as (typeof waiting)[number];
      if (front.length > MOST_WAYS)
        return { problem: `can read ${JSON.stringify(text)} on more than ${MOST_WAYS} ways`, text };
      if (at > mostStates) return { problem: TOO_MANY_STATES };
      for (const [column, byte] of this.examples.entries()) {
        const after = front.flatMap((one) => this.behind(one, byte));
        if (after.length === 0) continue;
        for (const shorter of rest.shorter[column] ?? [])
          visit(shorter, this.front(after, shorter, inOrder, false), text + String.fromCharCode(byte));
      }
    }
    return { most };
  }

  private behind(at: number, byte: number): readonly number[] {
    const node = this.nodes[at];
    return node?.kind === 'byte' && node.bytes[byte] === 1 ? [node.next] : [];
  }

  /** Follows all ways up to the next byte. Behind one that succeeds no other is tried. */
  private front(ways: readonly number[], rest: Rest, inOrder: boolean, atBegin: boolean): Front {
    const front: number[] = [];
    /** Returns whether it succeeded. */
    const follow = (at: number): boolean => {
      const node = this.nodes[at];
      switch (node?.kind) {
        case 'byte':
          front.push(at);
          return false;
        case 'fork':
          return node.nexts.some(follow);
        case 'look':
          if (node.isAttempt) follow(node.body);
          return rest.succeeds(node.body, atBegin) !== node.negative && follow(node.next);
        case 'begin':
          return atBegin && follow(node.next);
        case 'end':
          return rest.isEnd && follow(node.next);
        default:
          return inOrder && node?.kind === 'match';
      }
    };
    ways.some(follow);
    return front;
  }

  private allRests(): readonly Rest[] {
    const asked = this.behindBytesOfLooks();
    const found = new Map<string, Rest>();
    const rests: Rest[] = [];
    const restOf = (byte: number | undefined, behind: Rest | undefined): Rest => {
      const succeeds = this.outcomes(byte, behind);
      const key =
        asked.map((at) => (succeeds(at, false) ? 1 : 0)).join('') +
        this.looks(succeeds) +
        (byte === undefined ? '$' : '');
      const known = found.get(key);
      if (known) return known;
      const rest: Rest = { succeeds, isEnd: byte === undefined, shorter: this.examples.map(() => []) };
      found.set(key, rest);
      rests.push(rest);
      return rest;
    };
    restOf(undefined, undefined);
    for (let at = 0; at < rests.length; at++) {
      const behind = rests[at] as Rest;
      for (const [column, byte] of this.examples.entries()) restOf(byte, behind).shorter[column]?.push(behind);
    }
    return rests;
  }

  /** What matters of a rest beside the steps that look farther: whether looks succeed right here. */
  private looks(succeeds: Rest['succeeds']): string {
    return this.nodes
      .flatMap((node) =>
        node.kind === 'look' ? [succeeds(node.body, false), succeeds(node.body, true)].map((one) => (one ? 1 : 0)) : [],
      )
      .join('');
  }

  private outcomes(byte: number | undefined, behind: Rest | undefined): Rest['succeeds'] {
    const known = new Map<number, boolean>();
    const succeeds = (at: number, atBegin: boolean): boolean => {
      const key = atBegin ? -1 - at : at;
      const found = known.get(key) ?? outcome(at, atBegin);
      known.set(key, found);
      return found;
    };
    const outcome = (at: number, atBegin: boolean): boolean => {
      const node = this.nodes[at];
      switch (node?.kind) {
        case 'byte':
          return byte !== undefined && node.bytes[byte] === 1 && behind?.succeeds(node.next, false) === true;
        case 'fork':
          return node.nexts.some((next) => succeeds(next, atBegin));
        case 'look':
          return succeeds(node.body, atBegin) !== node.negative && succeeds(node.next, atBegin);
        case 'begin':
          return atBegin && succeeds(node.next, atBegin);
        case 'end':
          return byte === undefined && succeeds(node.next, atBegin);
        default:
          return true;
      }
    };
    return succeeds;
  }

  private behindBytesOfLooks(): readonly number[] {
    const inside = new Set(this.nodes.flatMap((node) => (node.kind === 'look' ? [node.body] : [])));
    for (const at of inside) {
      const node = this.nodes[at];
      if (node?.kind === 'fork') for (const next of node.nexts) inside.add(next);
      else if (node && 'next' in node) inside.add(node.next);
    }
    return [...inside].flatMap((at) => {
      const node = this.nodes[at];
      return node?.kind === 'byte' ? [node.next] : [];
    });
  }
}

/** Returns one byte of each class of bytes that the steps tell apart. */
function examplesOf(nodes: readonly Node[]): readonly number[] {
  const sets = nodes.flatMap((node) => (node.kind === 'byte' ? [node.bytes] : []));
  const classes = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) {
    if ([0, 10, 13].includes(byte)) continue;
    const key = sets.map((set) => set[byte]).join('');
    if (!classes.has(key) || (byte > 32 && byte < 127)) classes.set(key, byte);
  }
  return [...classes.values()];
}
