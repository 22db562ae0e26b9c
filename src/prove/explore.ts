import {
  either,
  includes,
  isEmptyLanguage,
  type Language,
  settled,
  shortest,
  splitBy,
  stateAfter,
} from './language.ts';
import { wholly } from './matching.ts';

/**
 * A part of a text that is known only partly: literal text, a piece of the request, a secret, or a part that is
 * computed later.
 */
export type Part = string | { readonly piece: string } | { readonly secret: string } | Later;

/** A part that is computed only when a comparison comes to it. It is "", or starts with a slash. */
export interface Later {
  readonly later: (run: Run) => readonly Part[];
}

/** The texts that a piece of the request may be: those of `language` without those of `except`. */
export interface Piece {
  readonly language: Language;
  readonly except: ReadonlySet<string>;
  /** Set where only one text is left. */
  readonly only?: string;
}

/** Thrown where a file holds something that is not understood, so that nothing can be proved. */
export class CannotTell extends Error {}

/** Evaluates a text, for which a piece called `what` stands where it is not understood. */
export function orUnknown(what: string, evaluate: () => readonly Part[]): readonly Part[] {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof CannotTell) return [{ piece: what }];
    throw error;
  }
}

/** Thrown by a visit that has learnt something which changes the choices of the runs before. */
export class StartOver extends Error {}

/**
 * One run of an exploration. Code that looks at a piece chooses what the piece is, so that all requests of a run are
 * treated alike.
 */
export interface Run {
  /**
   * Returns one of the options, and each of them in some run. Which options are offered may depend on earlier choices,
   * and on nothing else. What is asked again has one option left then, or is asked by `once`.
   */
  choose<T>(options: readonly T[]): T;
  /** Returns the answer to a question, which is looked for once and is the same in all that goes on from there. */
  once<T>(question: string, find: () => T): T;
  readonly pieces: Map<string, Piece>;
  /** Answers, by question. */
  readonly notes: Map<string, unknown>;
}

/** A choice that some run came to, with all that was known by then. */
interface Crossing {
  readonly pieces: ReadonlyMap<string, Piece>;
  readonly notes: ReadonlyMap<string, unknown>;
  /** What was to be answered. */
  readonly question: string | undefined;
  readonly count: number;
  taken: number;
}

/** What a visit says where no others are needed. */
export const ENOUGH = Symbol('enough');

/**
 * Calls `visit` once for each combination of choices that it makes, or until it says `ENOUGH`, and returns
 * the number of calls.
 */
export function explore(visit: (run: Run) => unknown): number {
  const open: Crossing[] = [];
  for (let runs = 1; ; runs++) {
    try {
      const way = new Way(open);
      if (visit(way) === ENOUGH) return runs;
      way.checkGoneOn();
    } catch (error) {
      if (!(error instanceof StartOver)) throw error;
      open.length = 0;
      continue;
    }
    for (let last = open.at(-1); last && last.taken === last.count; last = open.at(-1)) open.pop();
    if (open.length === 0) return runs;
  }
}

/** Where a way does not come to the crossing that it goes on from, some options would never be chosen. */
const ASTRAY = 'what there is to choose depends on more than earlier choices';

/**
 * Goes on from the last of the open crossings: what was known there is known, so that the visit comes to it without
 * another choice.
 */
class Way implements Run {
  readonly pieces: Map<string, Piece>;
  readonly notes: Map<string, unknown>;
  private readonly open: Crossing[];
  private readonly asked: string[] = [];
  private from: Crossing | undefined;

  constructor(open: Crossing[]) {
    this.open = open;
    this.from = open.at(-1);
    this.pieces = new Map(this.from?.pieces);
    this.notes = new Map(this.from?.notes);
  }

  choose<T>(options: readonly T[]): T {
    const [first] = options;
    if (first === undefined) throw new Error('nothing to choose from');
    if (options.length === 1) return first;
    const { from } = this;
    const count = options.length;
    const question = this.asked.at(-1);
    if (!from) {
      this.open.push({ pieces: new Map(this.pieces), notes: new Map(this.notes), question, count, taken: 1 });
      return first;
    }
    if (from.count !== count || from.question !== question) throw new Error(ASTRAY);
    this.from = undefined;
    return options[from.taken++] ?? first;
  }

  checkGoneOn(): void {
    if (this.from) throw new Error(ASTRAY);
  }

  once<T>(question: string, find: () => T): T {
    // Each question has answers of one type.
    if (this.notes.has(question)) return this.notes.get(question) as T;
    this.asked.push(question);
    try {
      const answer = find();
      this.notes.set(question, answer);
      return answer;
    } finally {
      this.asked.pop();
    }
  }
}

const NONE: ReadonlySet<string> = new Set();

export function anyOf(language: Language): Piece {
  return { language, except: NONE };
}

export function just(text: string): Piece {
  return { language: wholly(''), except: NONE, only: text };
}

const examples = new WeakMap<Piece, { readonly text: string | undefined }>();

/** Returns a shortest text that a piece may be; `undefined` where there is none. */
export function exampleOf(piece: Piece): string | undefined {
  const found = examples.get(piece) ?? { text: findExample(piece) };
  examples.set(piece, found);
  return found.text;
}

function findExample({ language, except, only }: Piece): string | undefined {
  if (only !== undefined) return only;
  if (isEmptyLanguage(language)) return undefined;
  for (const text of shortest(language)) if (!except.has(text)) return text;
  return undefined;
}

/** Returns the smallest number that a piece may be, of numbers that do not begin with zero; `undefined` for none. */
export function leastOf({ language, except, only }: Piece): number | undefined {
  if (only !== undefined) return Number(only);
  if (isEmptyLanguage(language)) return undefined;
  for (const text of shortest(language, DIGITS)) if (!except.has(text)) return Number(text);
  return undefined;
}

const DIGITS = [...'0123456789'].map((digit) => digit.charCodeAt(0));

/** Returns whether a piece may be this text. */
export function isText({ language, except, only }: Piece, text: string): boolean {
  return only === undefined ? includes(language, text) && !except.has(text) : only === text;
}

export function pieceOf(run: Run, name: string): Piece {
  const piece = run.pieces.get(name);
  // It only stands for something that goes upstream, such as an address.
  if (!piece) throw new CannotTell(`${name} is looked into`);
  return piece;
}

export function isPossible(piece: Piece): boolean {
  if (piece.only === undefined && piece.except.size === 0) return !isEmptyLanguage(piece.language);
  return exampleOf(piece) !== undefined;
}

/**
 * Returns whether a text is in a language. Pieces in the text are narrowed until the answer is the same for all texts
 * that are left.
 */
export function matches(run: Run, parts: readonly Part[], language: Language): boolean {
  let state = 0;
  const left = [...parts];
  while (left.length > 0) {
    const known = settled(language, state);
    if (known !== undefined) return known;
    const part = left.shift() ?? '';
    if (typeof part === 'object' && 'later' in part) left.unshift(...part.later(run));
    else if (typeof part === 'string') state = stateAfter(language, part, state);
    else if ('secret' in part) throw new CannotTell('an expression looks at a secret');
    else {
      let then = '';
      while (typeof left[0] === 'string') then += left.shift();
      const next = left[0];
      const first = typeof next === 'object' && 'piece' in next ? firstByteOf(run, next.piece) : '';
      state = passPiece(run, part.piece, { language, state, then, first, isLast: left.length === 0 });
    }
  }
  return language.accepts[state] === 1;
}

const firstBytes = new WeakMap<Language, string>();

/** The byte that all texts of a piece begin with; "" where there is none. */
function firstByteOf(run: Run, name: string): string {
  const { language, only } = pieceOf(run, name);
  if (only !== undefined) return only.slice(0, 1);
  const known = firstBytes.get(language) ?? findFirstByte(language);
  firstBytes.set(language, known);
  return known;
}

function findFirstByte(language: Language): string {
  if (language.accepts[0] === 1) return '';
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const alive = bytes.filter((byte) => settled(language, stateAfter(language, byte)) !== false);
  return alive.length === 1 ? (alive[0] ?? '') : '';
}

interface Pass {
  readonly language: Language;
  readonly state: number;
  /** Literal text after the piece. */
  readonly then: string;
  readonly first: string;
  readonly isLast: boolean;
}

function passPiece(run: Run, name: string, pass: Pass): number {
  const { language, state, then, first, isLast } = pass;
  const piece = pieceOf(run, name);
  if (piece.only !== undefined) return stateAfter(language, piece.only + then, state);
  const question = `${language.id} ${state} ${isLast} ${first} ${then}`;
  return run.once(`pass ${name} ${question}`, () => {
    const known = passes.get(piece.except) ?? new Map<string, readonly Passed[]>();
    passes.set(piece.except, known);
    const key = `${piece.language.id} ${question}`;
    const options = known.get(key) ?? passed(piece, pass);
    known.set(key, options);
    const option = run.choose(options);
    run.pieces.set(name, option.piece);
    return option.end;
  });
}

interface Passed {
  readonly end: number;
  readonly piece: Piece;
}

const passes = new WeakMap<ReadonlySet<string>, Map<string, readonly Passed[]>>();

/**
 * Returns the ways to pass a piece: the state after it, and the texts that lead there. If nothing follows, only whether
 * that state accepts matters.
 */
function passed(piece: Piece, { language, state, then, first, isLast }: Pass): readonly Passed[] {
  const groups = new Map<string, { readonly end: number; own: Language }>();
  for (const [before, own] of splitBy(piece.language, language, state)) {
    const end = stateAfter(language, then, before);
    const key = isLast ? `${language.accepts[end]}` : `${stateAfter(language, first, end)}`;
    const group = groups.get(key);
    if (group) group.own = either(group.own, own);
    else groups.set(key, { end, own });
  }
  return [...groups.values()]
    .map(({ end, own }) => ({ end, piece: { ...piece, language: own } }))
    .filter((each) => isPossible(each.piece));
}

export function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
