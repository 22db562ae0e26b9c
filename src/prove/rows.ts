import { grouped } from '../policy/grouped.ts';
import { CannotTell, isPossible, lower, type Part, type Piece, pieceOf, type Run } from './explore.ts';
import { both, type Language, settled, stateAfter, without } from './language.ts';
import { literally, wholly } from './matching.ts';
import { numberOf } from './numberOf.ts';
import { pieceOfTexts, textsOfPiece } from './texts.ts';

/** Sorted keys of a table, in lower case, as nginx compares them, and a name for the value of each. */
export interface ExactRows {
  readonly keys: readonly string[];
  readonly valueName: (key: string) => string;
}

export function exactRows(keys: Iterable<string>, valueName: ExactRows['valueName']): ExactRows {
  return { keys: [...new Set(keys)].sort(), valueName };
}

/** Returns the range of sorted keys that start with `prefix`: the index of the first, and the index after the last. */
function rangeOf(
  keys: readonly string[],
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
 * row, or another with the same value, is that of all texts that are left.
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
      left.unshift(...part.later(run));
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
    range = rangeOf(rows.keys, prefix, range);
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

function takePiece(run: Run, name: string, look: Look): string | undefined {
  const piece = pieceOf(run, name);
  if (piece.only !== undefined) return piece.only;
  const question = `take ${name} ${numberOf(look.rows)} ${look.rest.map(partName).join()} ${look.prefix}`;
  return run.once(question, () => {
    const known = looks.get(look.rows) ?? new Map<string, readonly Taken[]>();
    looks.set(look.rows, known);
    const key = `${nameOf(piece)} ${look.rest.map((part) => restName(run, part)).join()} ${look.prefix}`;
    const options = known.get(key) ?? takings(run, piece, look);
    known.set(key, options);
    const option = run.choose(options);
    run.pieces.set(name, option.piece);
    return option.text;
  });
}

function partName(part: Part): string {
  if (typeof part === 'string') return JSON.stringify(part);
  return 'piece' in part ? part.piece : 'later' in part ? 'later' : 'secret';
}

/** Returns a name for the texts that a piece may be. */
export function nameOf({ language, except, only }: Piece): string {
  if (only !== undefined) return JSON.stringify(only);
  return `${language.id}-${numberOf(except)}`;
}

/** Returns a name for all that `mayFollow` looks at in a part. */
function restName(run: Run, part: Part): string {
  if (typeof part === 'string') return JSON.stringify(part);
  if ('piece' in part) return nameOf(pieceOf(run, part.piece));
  return 'later' in part ? 'later' : 'secret';
}

/** Returns the choices for a piece in a look-up: each text with which the key of a row goes on, and all other texts. */
function takings(run: Run, piece: Piece, look: Look): readonly Taken[] {
  const few = look.rest.length === 0 ? textsOfPiece(piece) : undefined;
  return few ? takingsOf(few, look) : takingsOfAny(run, piece, look);
}

/** Of a piece at the end that may be one of few texts, those that lead to the same value are one choice. */
function takingsOf(texts: readonly string[], { rows, prefix, range }: Look): readonly Taken[] {
  const there = new Set(rows.keys.slice(...range));
  const groups = grouped(texts, (text) => {
    const key = prefix + lower(text);
    return there.has(key) ? rows.valueName(key) : undefined;
  });
  return [...groups].map(([value, own]) => ({
    text: value === undefined ? undefined : own[0],
    piece: pieceOfTexts(own),
  }));
}

function takingsOfAny(run: Run, piece: Piece, { rows, prefix, range, rest }: Look): readonly Taken[] {
  const texts = textsBefore(run, { rows, prefix, range, rest });
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
    const own = { ...piece, language: both(language, folded) };
    if (isPossible(own)) options.push({ text, piece: own });
    language = without(language, folded);
  }
  const others: Piece = { language, except: except.size === piece.except.size ? piece.except : except };
  return isPossible(others) ? [...options, { text: undefined, piece: others }] : options;
}

/** Returns the texts behind the prefix with which the key of a row can go on before the rest. */
function textsBefore(run: Run, { rows, prefix, range, rest }: Look): ReadonlySet<string> {
  const after = rest.map((part) => (typeof part === 'string' ? lower(part) : part));
  const [next = ''] = after;
  if (after.every((part) => typeof part === 'string')) {
    const end = after.join('');
    const keys = keysWith(rows, range, end).filter(
      (key) => key.startsWith(prefix) && key.length >= prefix.length + end.length,
    );
    return new Set(keys.map((key) => key.slice(prefix.length, key.length - end.length)));
  }
  const first = typeof next === 'string' ? next : '';
  const texts = new Set<string>();
  for (const key of rows.keys.slice(...range)) {
    const left = key.slice(prefix.length);
    for (let length = left.indexOf(first); length >= 0; length = indexAfter(left, first, length))
      if (mayFollow(run, left.slice(length), after)) texts.add(left.slice(0, length));
  }
  return texts;
}

/** Returns the keys of a range that end with a text, perhaps with others of the table that do. */
function keysWith(rows: ExactRows, range: readonly [number, number], end: string): readonly string[] {
  if (end === '' || range[1] - range[0] < MANY) return rows.keys.slice(...range).filter((key) => key.endsWith(end));
  const known = backwards.get(rows) ?? rows.keys.map(backward).sort();
  backwards.set(rows, known);
  return known.slice(...rangeOf(known, backward(end), [0, known.length])).map(backward);
}

/** Fewer keys are looked at one by one. */
const MANY = 32;
/** The keys of tables from their ends, sorted. */
const backwards = new WeakMap<ExactRows, readonly string[]>();

function backward(text: string): string {
  let found = '';
  for (let at = text.length - 1; at >= 0; at--) found += text[at];
  return found;
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
  return wholly(`(?i)${literally(text)}`);
}
