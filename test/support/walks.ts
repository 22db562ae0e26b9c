import { exampleTarget } from '../../src/prove/compare.ts';
import { exampleRequest } from '../../src/prove/decision.ts';
import { explore, just, type Piece, type Run } from '../../src/prove/explore.ts';
import { type Language, settled } from '../../src/prove/language.ts';
import type { Cuts, FileModel } from '../../src/prove/model.ts';
import { isOddLine } from '../../src/prove/refusable.ts';
import { type ExampleRequest, SymbolicRequest, type World } from '../../src/prove/request.ts';
import { type Said, saidOf } from '../../src/prove/said.ts';
import type { Random } from '../../src/verify/random.ts';

/** A request, and what the reader says that the engine does with it. */
export interface Walked {
  readonly request: ExampleRequest;
  readonly said: Said;
  readonly place: string;
}

/**
 * Makes up requests, so many for each place of the files that answers or forwards, and each kind of target that comes to
 * it; `each` is the number.
 */
export function walks(model: FileModel, world: World, { random, each }: { random: Random; each: number }): Walked[] {
  const lines = new Map<string, Chosen<Line>>();
  const { depth } = model;
  someWays(random, (run) => {
    const request = new SymbolicRequest(run, world);
    const cuts = model.cuts(request);
    const key = JSON.stringify([...cuts]);
    const line = lines.get(key) ?? new Chosen<Line>(random, each);
    lines.set(key, line);
    if (depth === undefined) request.wholePath();
    for (let number = 1; number <= (depth ?? 0); number++) request.segment(number, depth ?? 0);
    if (depth !== undefined) request.further(depth);
    const pieces = [...run.pieces];
    const make = (): Line | undefined => {
      for (let tries = 0; tries < TRIES; tries++) {
        for (const [name, piece] of pieces) run.pieces.set(name, piece);
        const made = settle(run, random) ? { cuts, ...exampleTarget(request, depth) } : undefined;
        if (made && !isOddLine(made)) return made;
      }
      return undefined;
    };
    // Where paths are looked at as a whole, there are few ways, and many paths for each.
    for (let number = 0; number < (depth === undefined ? each : 1); number++) line.offer(make);
  });
  const found: Walked[] = [];
  for (const { all } of random.shuffled([...lines.values()]).slice(0, MOST_LINES)) {
    const byPlace = new Map<string, Chosen<Walked>>();
    const [first] = all;
    if (!first) continue;
    someWays(random, (run) => {
      const request = new SymbolicRequest(run, world);
      const outcome = model.decide(request, first.cuts);
      if (!outcome) return;
      const place = `${outcome.place.what} of line ${outcome.place.line}`;
      const chosen = byPlace.get(place) ?? new Chosen<Walked>(random, each);
      byPlace.set(place, chosen);
      chosen.offer(() => {
        if (!settle(run, random)) return undefined;
        const example = exampleRequest(request, random.pick(all));
        return { request: example, said: saidOf(outcome, run, example), place };
      });
    });
    found.push(...[...byPlace.values()].flatMap((chosen) => chosen.all));
  }
  return random.shuffled(found);
}

/** Most kinds of target, and most ways through the tables for each; more take too long. */
const MOST_LINES = 40;
const MOST_WAYS = 600;

class Enough extends Error {}

/** Like `explore`, but for the order, and for an end after some ways. */
function someWays(random: Random, visit: (run: Run) => void): void {
  const turns = new Map<number, number>();
  let ways = 0;
  const visitTurned = (run: Run) => {
    if (++ways > MOST_WAYS) throw new Enough();
    const choose = <T>(options: readonly T[]): T => {
      // As much is known wherever ways part, and where one of them goes on.
      const known = run.notes.size;
      const own = turns.get(known) ?? random.below(1_000);
      turns.set(known, own);
      const turn = own % Math.max(1, options.length);
      return run.choose([...options.slice(turn), ...options.slice(0, turn)]);
    };
    const { pieces, notes } = run;
    visit({ pieces, notes, choose, once: (question, find) => run.once(question, find) });
  };
  try {
    explore(visitTurned);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
}

type Line = { readonly cuts: Cuts; readonly method: string; readonly path: string };

/** Some of all that is offered, each as likely as any other. */
class Chosen<T> {
  readonly all: T[] = [];
  private readonly random: Random;
  private readonly most: number;
  private offered = 0;

  constructor(random: Random, most: number) {
    this.random = random;
    this.most = most;
  }

  offer(make: () => T | undefined): void {
    this.offered++;
    const at = this.all.length < this.most ? this.all.length : this.random.below(this.offered);
    const made = at < this.most ? make() : undefined;
    if (made !== undefined) this.all[at] = made;
  }
}

/** Settles on one text for each piece; false where one cannot be anything. */
function settle(run: Run, random: Random): boolean {
  for (const [name, piece] of run.pieces) {
    if (name === 'length') continue;
    const text = textOf(piece, random);
    if (text === undefined) return false;
    run.pieces.set(name, just(text));
  }
  return true;
}

const TRIES = 20;

function textOf(piece: Piece, random: Random): string | undefined {
  if (piece.only !== undefined) return piece.only;
  for (let tries = 0; tries < TRIES; tries++) {
    const text = textIn(piece.language, random);
    if (text === undefined) return undefined;
    if (!piece.except.has(text)) return text;
  }
  return undefined;
}

const ALL = Array.from({ length: 256 }, (_, byte) => byte);
const COMMON = [...'aA0z9-._~/?=&%;,+: \t$@![]'].map((character) => character.charCodeAt(0));

/** Walks from the start to a state that accepts, and turns to the nearest one after some steps. */
function textIn(language: Language, random: Random): string | undefined {
  const { columns, next, columnOf, accepts } = language;
  const distances = distancesOf(language);
  if (distances[0] === -1) return undefined;
  const most = random.pick([0, 1, 2, 3, 5, 8, 13, 30]);
  let [state, text] = [0, ''];
  for (let length = 0; ; length++) {
    if (accepts[state] === 1 && (length >= most || random.chance(0.15))) return text;
    const to = (byte: number) => next[state * columns + (columnOf[byte] ?? 0)] ?? 0;
    const left = distances[state] ?? 0;
    const good = (byte: number) => {
      const distance = distances[to(byte)] ?? -1;
      return distance >= 0 && (length < most || distance < left);
    };
    const common = random.chance(0.8) ? COMMON.filter(good) : [];
    const bytes = common.length > 0 ? common : ALL.filter(good);
    // A state that accepts may lead nowhere else.
    if (bytes.length === 0) return accepts[state] === 1 ? text : undefined;
    // Each kind of byte is as likely as any other.
    const kind = random.pick([...new Set(bytes.map((byte) => columnOf[byte]))]);
    const byte = random.pick(bytes.filter((each) => columnOf[each] === kind));
    state = to(byte);
    text += String.fromCharCode(byte);
  }
}

const known = new WeakMap<Language, readonly number[]>();

/** For each state the length of a shortest text that is accepted from there; -1 for none. */
function distancesOf(language: Language): readonly number[] {
  const found = known.get(language) ?? findDistances(language);
  known.set(language, found);
  return found;
}

function findDistances(language: Language): readonly number[] {
  const { columns, next, accepts } = language;
  const distances = [...accepts].map((each): number => (each === 1 ? 0 : -1));
  for (let distance = 0, changed = true; changed; distance++) {
    changed = false;
    for (const [state, own] of distances.entries()) {
      if (own !== -1 || settled(language, state) === false) continue;
      for (let column = 0; column < columns; column++)
        if (distances[next[state * columns + column] ?? 0] === distance) distances[state] = distance + 1;
      changed ||= distances[state] !== -1;
    }
    changed ||= distances.includes(distance + 1);
    if (distance > accepts.length) break;
  }
  return distances;
}
