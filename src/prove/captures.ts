import { CannotTell, exampleOf, type Part, pieceOf, type Run } from './explore.ts';
import { includes, isEmptyLanguage, type Language, settled, stateAfter, without } from './language.ts';
import { CLOSES, literally, matchingMarked, OPENS, wholly } from './matching.ts';

/** An RE2 expression that begins with `^`, and a text that it was found in. */
export interface Found {
  readonly source: string;
  readonly parts: readonly Part[];
  /** Whether more of the text follows, which did not matter to whether it is found. */
  readonly goesOn: boolean;
}

interface Item {
  readonly part: Part;
  /** An example of what stands there; all of it where there is nothing else. */
  readonly text: string;
  /** What else may stand there. */
  readonly language: Language | undefined;
}

/** Between which items, and before which character of one. */
interface Place {
  readonly item: number;
  readonly offset: number;
}

/** What a group captures, which has to be the same part of all the texts that may stand there. */
export function capturedIn(run: Run, { source, parts, goesOn }: Found, group: number): readonly Part[] {
  const items = parts.filter((part) => part !== '').map((part) => itemOf(run, part));
  const text = items.map((item) => item.text).join('');
  const span = new RegExp(source.replace('(?i)', ''), `d${source.startsWith('(?i)') ? 'i' : ''}`).exec(text)?.indices;
  if (!span) throw new CannotTell(`${source} was found and is not there`);
  const [from, to] = span[group] ?? [];
  if (from !== undefined && to !== undefined && items.every(({ language }) => !language) && !goesOn)
    return [text.slice(from, to)];
  const marked = matchingMarked(source, 're2', group);
  if ('problem' in marked) throw new CannotTell(`an expression ${marked.problem}`);
  const ends = [placeAt(items, from), placeAt(items, to)] as const;
  const [open, close] = ends;
  const key = `${marked.id} ${goesOn} ${from} ${to} ${items.map((item) => item.language?.id ?? JSON.stringify(item.text)).join()}`;
  const isUnsure = !open || !close || (unsure.get(key) ?? mayDiffer({ items, marked, ends: [open, close], goesOn }));
  unsure.set(key, isUnsure);
  if (isUnsure) throw new CannotTell(`it is not certain what ${source} captures`);
  return between(items, from ?? 0, to ?? 0);
}

const unsure = new Map<string, boolean>();

function itemOf(run: Run, part: Part): Item {
  if (typeof part === 'string') return { part, text: part, language: undefined };
  if (!('piece' in part)) throw new CannotTell('an expression captures what is not known');
  const piece = pieceOf(run, part.piece);
  const text = exampleOf(piece) ?? '';
  const isAll = piece.only !== undefined || isEmptyLanguage(without(piece.language, wholly(literally(text))));
  if (isAll) return { part: text, text, language: undefined };
  if (includes(piece.language, '') && !piece.except.has(''))
    throw new CannotTell('an expression captures next to what may be empty');
  return { part, text, language: piece.language };
}

function placeAt(items: readonly Item[], at: number | undefined): Place | undefined {
  if (at === undefined) return undefined;
  let left = at;
  for (const [item, { text, language }] of items.entries()) {
    if (left === 0 || (left < text.length && !language)) return { item, offset: left };
    if (left < text.length) return undefined;
    left -= text.length;
  }
  return left === 0 ? { item: items.length, offset: 0 } : undefined;
}

function between(items: readonly Item[], from: number, to: number): readonly Part[] {
  let at = 0;
  return items.flatMap(({ part, text }): Part[] => {
    const [first, last] = [Math.max(from, at) - at, Math.min(to, at + text.length) - at];
    at += text.length;
    if (last <= first) return [];
    return typeof part === 'string' ? [part.slice(first, last)] : [part];
  });
}

interface Question {
  readonly items: readonly Item[];
  readonly marked: Language;
  readonly ends: readonly [Place, Place];
  readonly goesOn: boolean;
}

interface Walker {
  readonly item: number;
  readonly offset: number;
  /** In the automaton of a piece. */
  readonly inside: number;
  /** In that of the marked expression. */
  readonly state: number;
  readonly placed: number;
  readonly elsewhere: boolean;
}

/** Whether some text has the marks in another place than this and is found too. */
function mayDiffer({ items, marked, ends, goesOn }: Question): boolean {
  const seen = new Set<string>();
  const open: Walker[] = [{ item: 0, offset: 0, inside: 0, state: 0, placed: 0, elsewhere: false }];
  for (let next = open.pop(); next; next = open.pop()) {
    const key = Object.values(next).join();
    if (seen.has(key) || settled(marked, next.state) === false) continue;
    seen.add(key);
    if (seen.size > MOST_STEPS) throw new CannotTell('there are too many ways to capture something');
    const isAtEnd = next.item === items.length;
    if (isAtEnd && next.placed === 2 && next.elsewhere && marked.accepts[next.state] === 1) return true;
    open.push(...steps(next, items, marked, goesOn), ...markings(next, items, marked, ends));
  }
  return false;
}

const MOST_STEPS = 200_000;

/** In a piece, behind a mark that would stand behind the piece if nothing more of it followed. */
const BEFORE_MORE = 2;

function markings(from: Walker, items: readonly Item[], marked: Language, ends: Question['ends']): Walker[] {
  const end = ends[from.placed];
  if (!end) return [];
  const isThere = end.item === from.item && end.offset === from.offset;
  const state = stateAfter(marked, from.placed === 0 ? OPENS : CLOSES, from.state);
  const offset = items[from.item]?.language && from.offset > 0 ? BEFORE_MORE : from.offset;
  return [{ ...from, offset, state, placed: from.placed + 1, elsewhere: from.elsewhere || !isThere }];
}

function steps(from: Walker, items: readonly Item[], marked: Language, goesOn: boolean): Walker[] {
  const { item, offset, inside, state } = from;
  const own = items[item];
  if (!own)
    return goesOn
      ? bytesFor(marked).map((byte) => ({ ...from, offset: 1, state: stateAfter(marked, byte, state) }))
      : [];
  const beyond = { ...from, item: item + 1, offset: 0, inside: 0 };
  const { language, text } = own;
  if (!language) {
    const after = stateAfter(marked, text[offset] ?? '', state);
    return [offset + 1 < text.length ? { ...from, offset: offset + 1, state: after } : { ...beyond, state: after }];
  }
  const further = bytesFor(marked, language).map((byte) => ({
    ...from,
    offset: 1,
    inside: stateAfter(language, byte, inside),
    state: stateAfter(marked, byte, state),
  }));
  const alive = further.filter((each) => settled(language, each.inside) !== false);
  return language.accepts[inside] === 1 && offset === 1 ? [...alive, beyond] : alive;
}

/** A byte of each kind that they tell apart, but for the marks. */
function bytesFor(marked: Language, other?: Language): string[] {
  const found = new Map<string, string>();
  for (let byte = CLOSES.charCodeAt(0) + 1; byte < 256; byte++)
    found.set(`${marked.columnOf[byte]} ${other?.columnOf[byte]}`, String.fromCharCode(byte));
  return [...found.values()];
}
