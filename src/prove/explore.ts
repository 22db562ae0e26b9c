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
  readonly later: () => readonly Part[];
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

/** Thrown by a visit that has learnt something which changes the choices of the runs before. */
export class StartOver extends Error {}

/**
 * One run of an exploration. Code that looks at a piece chooses what the piece is, so that all requests of a run are
 * treated alike.
 */
export interface Run {
  /**
   * Returns one of the options, and each of them in some run. Which options are offered may depend on earlier choices,
   * and on nothing else.
   */
  choose<T>(options: readonly T[]): T;
  readonly pieces: Map<string, Piece>;
}

interface Step {
  chosen: number;
  readonly count: number;
}

/** Calls `visit` once for each combination of choices that it makes, and returns the number of calls. */
export function explore(visit: (run: Run) => void): number {
  let path: Step[] = [];
  for (let runs = 1; ; runs++) {
    try {
      visit(runOn(path));
    } catch (error) {
      if (!(error instanceof StartOver)) throw error;
      path = [];
      continue;
    }
    while (path.length > 0) {
      const last = path.at(-1);
      if (last && last.chosen + 1 < last.count) {
        last.chosen++;
        break;
      }
      path.pop();
    }
    if (path.length === 0) return runs;
  }
}

function runOn(path: Step[]): Run {
  let depth = 0;
  return {
    pieces: new Map(),
    choose<T>(options: readonly T[]): T {
      const step = path[depth] ?? { chosen: 0, count: options.length };
      path[depth++] = step;
      // With others, some would never be chosen.
      if (step.count !== options.length)
        throw new Error('what there is to choose depends on more than earlier choices');
      const option = options[step.chosen];
      if (option === undefined) throw new Error('nothing to choose from');
      return option;
    },
  };
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

/** Returns whether a piece may be this text. */
export function isText({ language, except, only }: Piece, text: string): boolean {
  return only === undefined ? includes(language, text) && !except.has(text) : only === text;
}

export function pieceOf(run: Run, name: string): Piece {
  const piece = run.pieces.get(name);
  if (!piece) throw new Error(`no piece ${name}`);
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
    if (typeof part === 'object' && 'later' in part) left.unshift(...part.later());
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
  const known = passes.get(piece.except) ?? new Map<string, readonly Passed[]>();
  passes.set(piece.except, known);
  const key = `${piece.language.id} ${language.id} ${state} ${isLast} ${first} ${then}`;
  const options = known.get(key) ?? passed(piece, pass);
  known.set(key, options);
  const option = run.choose(options);
  run.pieces.set(name, option.piece);
  return option.end;
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
