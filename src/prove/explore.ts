import {
  both,
  either,
  includes,
  isEmptyLanguage,
  type Language,
  settled,
  shortest,
  splitBy,
  stateAfter,
  without,
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

/** Calls `visit` once for each combination of choices that it makes, and returns the number of calls. */
export function explore(visit: (run: Run) => void): number {
  const path: { chosen: number; readonly count: number }[] = [];
  for (let runs = 1; ; runs++) {
    let depth = 0;
    visit({
      pieces: new Map(),
      choose<T>(options: readonly T[]): T {
        const step = path[depth] ?? { chosen: 0, count: options.length };
        path[depth++] = step;
        const option = options[step.chosen];
        if (option === undefined) throw new Error('nothing to choose from');
        return option;
      },
    });
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

function isPossible(piece: Piece): boolean {
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

/** Sorted keys of a table, in lower case, as nginx compares them. */
export interface ExactRows {
  readonly keys: readonly string[];
}

export function exactRows(keys: Iterable<string>): ExactRows {
  return { keys: [...new Set(keys)].sort() };
}

/** Returns the range of rows whose keys start with `prefix`: the index of the first, and the index after the last. */
function rangeOf(
  { keys }: ExactRows,
  prefix: string,
  [low, high]: readonly [number, number],
): readonly [number, number] {
  const first = (isBehind: (key: string) => boolean): number => {
    let [from, to] = [low, high];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (isBehind(keys[middle] ?? '')) to = middle;
      else from = middle + 1;
    }
    return from;
  };
  return [first((key) => key >= prefix), first((key) => key >= prefix && !key.startsWith(prefix))];
}

/**
 * Returns the key of the row for a text, ignoring the case of ASCII letters. Pieces in the text are narrowed until the
 * row is the same for all texts that are left.
 */
export function exactRow(run: Run, parts: readonly Part[], rows: ExactRows): string | undefined {
  let prefix = '';
  let range: readonly [number, number] = [0, rows.keys.length];
  const left = [...parts];
  while (left.length > 0) {
    if (range[0] >= range[1]) return undefined;
    const part = left.shift() ?? '';
    if (part === '') continue;
    if (typeof part === 'object' && 'later' in part) {
      left.unshift(...part.later());
      continue;
    }
    if (typeof part === 'string') prefix += lower(part);
    else if ('secret' in part) {
      // A secret is never empty, and nothing else is known about it.
      if (rows.keys.slice(...range).some((key) => key.length > prefix.length))
        throw new CannotTell('a table looks up a secret');
      return undefined;
    } else {
      const rest = left.filter((each) => each !== '');
      const taken = takePiece(run, part.piece, { rows, prefix, range, rest });
      if (taken === undefined) return undefined;
      prefix += lower(taken);
    }
    range = rangeOf(rows, prefix, range);
  }
  const key = rows.keys[range[0]];
  return range[0] < range[1] && key === prefix ? key : undefined;
}

interface Look {
  readonly rows: ExactRows;
  readonly prefix: string;
  readonly range: readonly [number, number];
  readonly rest: readonly Part[];
}

interface Taken {
  readonly text: string | undefined;
  readonly piece: Piece;
}

const looks = new WeakMap<ExactRows, Map<string, readonly Taken[]>>();
const pieceIds = new WeakMap<ReadonlySet<string>, number>();
let sets = 0;

function takePiece(run: Run, name: string, look: Look): string | undefined {
  const piece = pieceOf(run, name);
  if (piece.only !== undefined) return piece.only;
  const known = looks.get(look.rows) ?? new Map<string, readonly Taken[]>();
  looks.set(look.rows, known);
  const key = `${nameOf(piece)} ${look.rest.map((part) => restName(run, part)).join()} ${look.prefix}`;
  const options = known.get(key) ?? takings(run, piece, look);
  known.set(key, options);
  const option = run.choose(options);
  run.pieces.set(name, option.piece);
  return option.text;
}

/** Returns a name for the texts that a piece may be. */
function nameOf({ language, except, only }: Piece): string {
  if (only !== undefined) return JSON.stringify(only);
  const id = pieceIds.get(except) ?? ++sets;
  pieceIds.set(except, id);
  return `${language.id}-${id}`;
}

/** Returns a name for all that `mayFollow` looks at in a part. */
function restName(run: Run, part: Part): string {
  if (typeof part === 'string') return JSON.stringify(part);
  if ('piece' in part) return nameOf(pieceOf(run, part.piece));
  return 'later' in part ? 'later' : 'secret';
}

/** Returns the choices for a piece in a look-up: each text with which the key of a row goes on, and all other texts. */
function takings(run: Run, piece: Piece, { rows, prefix, range, rest }: Look): readonly Taken[] {
  const texts = new Set<string>();
  const after = rest.map((part) => (typeof part === 'string' ? lower(part) : part));
  const next = typeof after[0] === 'string' ? after[0] : '';
  for (const key of rows.keys.slice(...range)) {
    const left = key.slice(prefix.length);
    if (after.length === 0) texts.add(left);
    else
      for (let length = left.indexOf(next); length >= 0; length = indexAfter(left, next, length))
        if (mayFollow(run, left.slice(length), after)) texts.add(left.slice(0, length));
  }
  let { language } = piece;
  const except = new Set(piece.except);
  const options: Taken[] = [];
  for (const text of texts) {
    const spelled = spellings(language, text).filter((each) => !piece.except.has(each));
    if (spelled.length <= MOST_SPELLINGS) {
      for (const each of spelled) {
        options.push({ text: each, piece: { ...piece, only: each } });
        except.add(each);
      }
      continue;
    }
    const folded = foldedText(text);
    options.push({ text, piece: { ...piece, language: both(language, folded) } });
    language = without(language, folded);
  }
  const others: Piece = { language, except: except.size === piece.except.size ? piece.except : except };
  return isPossible(others) ? [...options, { text: undefined, piece: others }] : options;
}

const MOST_SPELLINGS = 4;

/** Returns where a text occurs next behind a place; -1 for nowhere. */
function indexAfter(text: string, part: string, place: number): number {
  return place < text.length ? text.indexOf(part, place + 1) : -1;
}

/** Returns whether the rest of a key can be the parts after a piece, whose literal text is in lower case. */
function mayFollow(run: Run, left: string, [next, ...others]: readonly Part[]): boolean {
  if (next === undefined) return left === '';
  if (typeof next === 'string') return left.startsWith(next) && mayFollow(run, left.slice(next.length), others);
  if ('secret' in next) return false;
  if ('later' in next) return left === '' || left.startsWith('/');
  const { only, language } = pieceOf(run, next.piece);
  if (only !== undefined) return left.startsWith(lower(only)) && mayFollow(run, left.slice(only.length), others);
  for (let length = 0; length <= left.length; length++)
    if (spellings(language, left.slice(0, length)).length > 0 && mayFollow(run, left.slice(length), others))
      return true;
  return false;
}

/**
 * Returns the texts of a language that differ from this one in the case of letters only. Where there are many, their
 * number is right, and not their case.
 */
function spellings(language: Language, text: string): string[] {
  let found: { readonly text: string; readonly state: number }[] = [{ text: '', state: 0 }];
  for (const character of text) {
    const both = character === character.toUpperCase() ? [character] : [character, character.toUpperCase()];
    found = found
      .flatMap((each) =>
        both.map((next) => ({ text: each.text + next, state: stateAfter(language, next, each.state) })),
      )
      .filter(({ state }) => settled(language, state) !== false);
    if (found.length === 0) return [];
    if (found.length > 4 * MOST_SPELLINGS) return found.map(() => text);
  }
  return found.filter(({ state }) => language.accepts[state] === 1).map((each) => each.text);
}

function foldedText(text: string): Language {
  return wholly(`(?i)${text.replace(/[^A-Za-z0-9]/g, '\\$&')}`);
}

export function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
