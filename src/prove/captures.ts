import { CannotTell, exampleOf, type Part, pieceOf, type Run } from './explore.ts';
import { includes, isEmptyLanguage, type Language, settled, stateAfter, without } from './language.ts';
import { CLOSES, literally, markedProgram, OPENS, wholly } from './matching.ts';
import { columnsOf, type Program } from './program.ts';

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

/** What a group captures, which has to be the same part of all the texts that may stand there. */
export function capturedIn(run: Run, { source, parts, goesOn }: Found, group: number): readonly Part[] {
  const items = parts.filter((part) => part !== '').map((part) => itemOf(run, part));
  const key = `${goesOn} ${group} ${JSON.stringify(items.map(({ text, language }) => language?.id ?? text))} ${source}`;
  const span = spans.get(key) ?? spanOf(items, { source, group, goesOn });
  spans.set(key, span);
  return span === 'none' ? [] : between(items, span);
}

const spans = new Map<string, Span | 'none'>();

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

function between(items: readonly Item[], { opens, closes }: Span): readonly Part[] {
  return items.flatMap(({ part }, index): Part[] => {
    if (index < opens.item || index > closes.item) return [];
    const first = index === opens.item ? opens.offset : 0;
    if (typeof part === 'string') return [part.slice(first, index === closes.item ? closes.offset : part.length)];
    return index < closes.item ? [part] : [];
  });
}

/** Before which character of which item. */
interface Place {
  readonly item: number;
  readonly offset: number;
}

/** Somewhere in a piece, which is another place for each text. */
const INSIDE: Place = { item: -1, offset: 0 };

interface Span {
  readonly opens: Place;
  readonly closes: Place;
}

/** One of the ways that a matcher tries, with the marks that it has passed. */
interface Thread extends Partial<Span> {
  readonly at: number;
}

/** Where a matcher is that goes all ways at once; the first of them that succeeds counts. */
interface Walker {
  readonly item: number;
  readonly offset: number;
  /** In the automaton of a piece. */
  readonly inside: number;
  readonly threads: readonly Thread[];
  /** What counts if none of them succeeds. */
  readonly best: Thread | undefined;
}

interface Question {
  readonly source: string;
  readonly group: number;
  readonly goesOn: boolean;
}

function spanOf(items: readonly Item[], { source, group, goesOn }: Question): Span | 'none' {
  const program = markedProgram(source, 're2', group);
  if ('problem' in program) throw new CannotTell(`an expression ${program.problem}`);
  const results = new Map<string, Thread>();
  for (const result of new Matcher(program, items, goesOn).results()) results.set(JSON.stringify(result), result);
  const [result, ...others] = results.values();
  if (!result || others.length > 0 || [result.opens, result.closes].includes(INSIDE))
    throw new CannotTell(`it is not certain what an expression captures: ${beginning(source)}`);
  const { opens, closes } = result;
  return opens && closes ? { opens, closes } : 'none';
}

/** Expressions may be longer than anybody reads. */
function beginning(source: string): string {
  return source.length > 80 ? `${source.slice(0, 80)}…` : source;
}

const MOST_WALKERS = 100_000;

class Matcher {
  private readonly program: Program;
  private readonly items: readonly Item[];
  private readonly goesOn: boolean;
  private readonly columnOf: Uint8Array;

  constructor(program: Program, items: readonly Item[], goesOn: boolean) {
    this.program = program;
    this.items = items;
    this.goesOn = goesOn;
    this.columnOf = columnsOf(program);
  }

  /** What succeeds first in each of the texts that may stand there. */
  *results(): Iterable<Thread> {
    const start = { item: 0, offset: 0, inside: 0 };
    const threads = this.reached([{ at: this.program.start }], { ...start, atBegin: true });
    const seen = new Set<string>();
    const open: Walker[] = [{ ...start, threads, best: undefined }];
    for (let next = open.pop(); next; next = open.pop()) {
      const key = JSON.stringify(next);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > MOST_WALKERS) throw new CannotTell('there are too many ways to capture something');
      if (next.item === this.items.length) {
        const found = this.reached(next.threads, { ...next, atEnd: true }).find(({ at }) => this.isMatch(at));
        const result = found ?? next.best;
        if (result) yield { ...result, at: 0 };
      }
      open.push(...this.steps(next));
    }
  }

  private isMatch(at: number): boolean {
    return this.program.steps[at]?.kind === 'match';
  }

  private steps(from: Walker): Walker[] {
    const own = this.items[from.item];
    if (!own) return this.goesOn ? this.bytes().map((byte) => this.after(from, byte, { ...from, offset: 1 })) : [];
    const { text, language } = own;
    const beyond = { item: from.item + 1, offset: 0, inside: 0 };
    if (!language) {
      const isLast = from.offset + 1 === text.length;
      return [this.after(from, text[from.offset] ?? '', isLast ? beyond : { ...from, offset: from.offset + 1 })];
    }
    const further = this.bytes(language).flatMap((byte) => {
      const inside = stateAfter(language, byte, from.inside);
      return settled(language, inside) === false ? [] : [this.after(from, byte, { ...from, offset: 1, inside })];
    });
    const isEnd = from.offset === 1 && language.accepts[from.inside] === 1;
    return isEnd ? [...further, { ...this.moved(from, from, beyond), ...beyond }] : further;
  }

  /** The same with marks behind the last character of a piece set to another place. */
  private moved({ threads, best }: Walker, from: Place, to: Place): Pick<Walker, 'threads' | 'best'> {
    const isThere = (place: Place | undefined) => place?.item === from.item && place.offset === from.offset;
    const own = (thread: Thread): Thread => ({
      at: thread.at,
      ...(thread.opens && { opens: isThere(thread.opens) ? to : thread.opens }),
      ...(thread.closes && { closes: isThere(thread.closes) ? to : thread.closes }),
    });
    return { threads: threads.map(own), best: best && own(best) };
  }

  private after(from: Walker, byte: string, to: Pick<Walker, 'item' | 'offset' | 'inside'>): Walker {
    const inPiece = from.offset === 1 && (!this.items[from.item] || this.items[from.item]?.language);
    const { threads, best } = inPiece ? this.moved(from, from, INSIDE) : from;
    const code = byte.charCodeAt(0);
    const passed = threads.flatMap((thread): Thread[] => {
      const step = this.program.steps[thread.at];
      return step?.kind === 'byte' && step.bytes[code] === 1 ? [{ ...thread, at: step.next }] : [];
    });
    const done = threads.find(({ at }) => this.isMatch(at));
    const place = { item: to.item, offset: to.offset };
    return { ...to, ...place, threads: this.reached(passed, place), best: done ?? best };
  }

  /** The steps that wait for a byte or for the end, up to the first that succeeds whatever follows. */
  private reached(
    threads: readonly Thread[],
    { item, offset, atBegin = false, atEnd = false }: Place & { readonly atBegin?: boolean; readonly atEnd?: boolean },
  ): readonly Thread[] {
    const found: Thread[] = [];
    const seen = new Set<number>();
    const place: Place = { item, offset };
    const open = threads.toReversed();
    for (let next = open.pop(); next; next = open.pop()) {
      if (seen.has(next.at)) continue;
      seen.add(next.at);
      const step = this.program.steps[next.at];
      if (step?.kind === 'match') return [...found, next];
      if (step?.kind === 'either') open.push({ ...next, at: step.second }, { ...next, at: step.first });
      else if (step?.kind === 'begin' && atBegin) open.push({ ...next, at: step.next });
      else if (step?.kind === 'end' && atEnd) open.push({ ...next, at: step.next });
      else if (step?.kind === 'end') found.push(next);
      else if (step?.kind === 'byte' && isMark(step.bytes, OPENS)) open.push({ ...next, at: step.next, opens: place });
      else if (step?.kind === 'byte' && isMark(step.bytes, CLOSES))
        open.push({ ...next, at: step.next, closes: place });
      else if (step?.kind === 'byte') found.push(next);
      else if (step?.kind !== 'begin') throw new CannotTell('an expression captures in a way that is not known');
    }
    return found;
  }

  /** A byte of each kind that is told apart, but for the marks. */
  private bytes(other?: Language): string[] {
    const found = new Map<string, string>();
    for (let byte = CLOSES.charCodeAt(0) + 1; byte < 256; byte++)
      found.set(`${this.columnOf[byte]} ${other?.columnOf[byte]}`, String.fromCharCode(byte));
    return [...found.values()];
  }
}

function isMark(bytes: Uint8Array, mark: string): boolean {
  return bytes[mark.charCodeAt(0)] === 1 && bytes[0x20] === 0 && bytes[mark === OPENS ? 1 : 0] === 0;
}
