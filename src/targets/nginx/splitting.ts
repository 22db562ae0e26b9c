import { Comparing, capturing } from '../../prove/capturing.ts';
import { CannotTell, matches, type Part, type Piece, type Run } from '../../prove/explore.ts';
import { both, either, isEmptyLanguage, type Language, stateAfter, without } from '../../prove/language.ts';
import { lazily } from '../../prove/lazily.ts';
import { ANYTHING, matching, onlyText, wholly } from '../../prove/matching.ts';
import type { Cuts } from '../../prove/model.ts';
import type { SymbolicRequest } from '../../prove/request.ts';
import { nameOf } from '../../prove/rows.ts';
import { allPlainSource, languageOf, NOT_A_METHOD, splitSource, stopsIn } from './shapes.ts';
import type { MapTable, RegexRow, Table, Template } from './tables.ts';

/** A row of the table that splits request lines: an expression that is known, or is compared with such a one. */
export interface Split {
  readonly methods: Language;
  /** Number of segments. */
  readonly depth: number;
  readonly value: Template;
  readonly other: OtherSplit | undefined;
}

interface Known {
  /** The methods, and all behind the blank after them. */
  readonly method: string;
  readonly depth: number;
  readonly stops: readonly number[];
}

const ANY_METHOD = '[A-Z_-]++';
const HEAD = /^\^\(\?<method>((?:[A-Z|_-]|\[[^\]]*\]\+{0,2})+)\) /;

function methodsIn(source: string): string | undefined {
  const method = HEAD.exec(source)?.[1];
  const own = method === undefined ? undefined : matching(`^(?:${method})\\z`, 'pcre');
  return own && !('problem' in own) && isEmptyLanguage(both(own, NOT_A_METHOD())) ? method : undefined;
}

/** An expression whose captured groups have the values that `SymbolicRequest` gives to segments. */
function knownSplit({ source, ignoreCase }: RegexRow): Known | undefined {
  const method = methodsIn(source);
  const depth = [...source.matchAll(/\(\?<segment_/g)].length;
  const stops = stopsIn(source);
  const isKnown = !ignoreCase && method !== undefined && source === sourceOf({ method, depth, stops });
  return isKnown ? { method, depth, stops } : undefined;
}

function sourceOf({ method, depth, stops }: Known, split = splitSource): string {
  return `^(?<method>${method}) ${split(depth, stops)}`;
}

const splits = new WeakMap<MapTable, readonly Split[]>();

export function splitsOf(table: MapTable): readonly Split[] {
  const found = splits.get(table) ?? readSplits(table);
  splits.set(table, found);
  return found;
}

function readSplits(table: MapTable): readonly Split[] {
  const { title, values, regexes } = table;
  // A request line has a blank behind its method, so that no other key is one.
  if ([...values.keys()].some((key) => key === '' || key.includes(' ')))
    throw new CannotTell(`${title} has whole request lines`);
  const known = regexes.map(knownSplit);
  if (splitsDecoded(table) && known.includes(undefined)) throw new CannotTell(`${title} splits the decoded path`);
  const usual = known.find((each) => each !== undefined);
  return regexes.map((row, index): Split => {
    const own = known[index] ?? likeOf(row, usual);
    const methods = matching(`^(?:${own.method})\\z`, 'pcre');
    if ('problem' in methods) throw new CannotTell(`${title} has methods that are not known`);
    const other = known[index] ? undefined : new OtherSplit(row, own, title);
    return { methods, depth: own.depth, value: row.value, other };
  });
}

/** The known expression that another one is compared with: that of another row, which differs in methods. */
function likeOf({ source }: RegexRow, usual: Known | undefined): Known {
  const depth = new Set([...source.matchAll(/\(\?<segment_(\d+)>/g)].map(([, number]) => number)).size;
  const { stops } = usual ?? { stops: stopsIn(source).filter((stop) => stop <= depth) };
  return { method: methodsIn(source) ?? usual?.method ?? ANY_METHOD, depth: usual?.depth ?? Math.max(1, depth), stops };
}

/** Whatever nginx may take for a request line, with more blanks and other versions than most. */
const LINE = lazily(() => wholly('[A-Z_-]+ +[!-~\\x80-\\xff]*(?: +HTTP/[0-9]+[.][0-9]+)? *'));
const METHOD = '[A-Z_-]+';
const SEGMENTS = '(?:(?:/[!-.0->@-~\\x80-\\xff]+)+/?|/)';
const QUERY = '(?:[?][!-~\\x80-\\xff]*)?';
/** Those that `SymbolicRequest` tells apart. */
const USUAL_LINE = lazily(() => wholly(`${METHOD} ${SEGMENTS}${QUERY} HTTP/1[.][01]`));

/** An expression that splits request lines otherwise than the one that it is compared with. */
export class OtherSplit {
  readonly title: string;
  private readonly row: RegexRow;
  private readonly like: Known;
  private readonly usual: Comparing;
  private plain: Comparing | undefined;
  private readonly beyond = new Set<string>();

  constructor(row: RegexRow, like: Known, title: string) {
    this.row = row;
    this.like = like;
    this.title = title;
    this.usual = this.comparedWith(sourceOf(like));
    const differing = both(either(this.differing('all'), this.foundOtherwise()), LINE());
    if (!isEmptyLanguage(without(differing, USUAL_LINE()))) this.beyond.add(this.problem);
  }

  private comparedWith(source: string): Comparing {
    return new Comparing(capturing(this.row.source, this.row.ignoreCase), capturing(source), LINE());
  }

  private get problem(): string {
    return `${this.title} splits the request line in a way that is not known`;
  }

  /** What is not known about request lines that `SymbolicRequest` does not tell apart. */
  get problems(): readonly string[] {
    return [...this.beyond];
  }

  /** The request lines in which one is found and not the other. */
  foundOtherwise(): Language {
    return this.checked(this.usual.differing({ kind: 'found' }));
  }

  /** Those where a group captures something else. */
  differing(group: string): Language {
    return this.checked(this.usual.differing({ kind: 'captures', groups: group === 'all' ? group : new Set([group]) }));
  }

  /** Those where it captures anything. */
  capturing(group: string): Language {
    return this.checked(this.usual.differing({ kind: 'nothing', group }));
  }

  /** Those where a group for plain segments captures anything but the segment. */
  differingFromSegment(group: string): Language {
    this.plain ??= this.comparedWith(sourceOf(this.like, allPlainSource));
    return this.checked(this.plain.differing({ kind: 'captures', groups: new Set([group]) }));
  }

  /** Neither the version nor a question mark before nothing should matter, which requests have not. */
  private checked(language: Language): Language {
    const isSame = language.accepts.every((_, state) => {
      const after = stateAfter(language, ' HTTP/1.1', state);
      return [' HTTP/1.0', '? HTTP/1.1'].every((end) => stateAfter(language, end, state) === after);
    });
    if (!isSame) this.beyond.add(this.problem);
    return language;
  }
}

/** What is not known about some requests, of the tables that were asked. */
export function unclearSplits(tables: Iterable<Table>): readonly string[] {
  return [...tables].flatMap((table) => {
    const asked = table.kind === 'map' ? splits.get(table) : undefined;
    return asked?.flatMap(({ other }) => other?.problems ?? []) ?? [];
  });
}

/** Returns the number of segments that tables look up one by one; that of a group which is far beyond is a mistake. */
export function depthIn(tables: Iterable<Table>): number {
  const all = [...tables];
  const sources = all.flatMap((table) => (table.kind === 'map' ? table.regexes.map(({ source }) => source) : []));
  const numbers = sources.flatMap((source) =>
    [...source.matchAll(/\(\?<segment_(\d+)>/g)].map(([, number]) => Number(number)),
  );
  return Math.max(1, ...numbers.filter((number) => number < BEYOND));
}

const BEYOND = 50;

/** Key of a cut that names the queries which were told from others when the request line was split. */
const QUERIES = 'queries';
const queries = new Map<string, Piece>();

export function queriesOf({ pieces }: Run): Cuts {
  const piece = pieces.get('query');
  if (!piece) return new Map();
  queries.set(nameOf(piece), piece);
  return new Map([[QUERIES, nameOf(piece)]]);
}

export function narrowQueries(run: Run, cuts: Cuts): void {
  const among = queries.get(cuts.get(QUERIES) ?? '');
  if (among) run.once(QUERIES, () => run.pieces.set('query', among));
}

/** Whether a table looks at the request line, or at one of the decoded path. */
export function splitsRequests(table: MapTable): boolean {
  const [only, ...more] = table.source;
  return (typeof only === 'object' && only.variable === 'request' && more.length === 0) || splitsDecoded(table);
}

export function splitsDecoded({ source }: MapTable): boolean {
  const text = source.map((part) => (typeof part === 'string' ? part : `$${part.variable}`)).join('');
  return /^\$request_method \$(?:document_)?uri HTTP\/1[.][01]$/.test(text);
}

/** Paths that nginx leaves as they are where it decodes them. */
const PLAIN = lazily(() => wholly('(?:/[A-Za-z0-9_~-]+)*/?'));

/** The decoded path, which is understood where there is nothing to decode. */
export function decodedPath(request: SymbolicRequest, depth: number): readonly Part[] {
  const path = request.path(depth);
  if (!path || !matches(request.run, path, PLAIN())) throw new CannotTell('a path is looked at that nginx has decoded');
  return path;
}

/** nginx decodes what stands before the first "#", and refuses what it cannot decode, and zeros. */
const TAKEN = lazily(() => wholly(`(?:[^%#]|%(?:[1-9A-Fa-f][0-9A-Fa-f]|0[1-9A-Fa-f]))*(?:#${ANYTHING})?`));

export function takesPath(request: SymbolicRequest, depth: number): boolean {
  const path = request.path(depth);
  return path === undefined || (matches(request.run, path, TAKEN()) && !climbs(request, depth));
}

const TWO_DOTS = '/(?:[.]|%2[Ee]){2}';
const UP = lazily(() => wholly(`${TWO_DOTS}(?:#${ANYTHING})?`));
const STAYING = lazily(() => wholly('/(?:[.]|%2[Ee])?'));
/** Here the decoding ends, or a segment is several. */
const UNSURE = lazily(() => wholly(`${ANYTHING}(?:#|%2[Ff])${ANYTHING}`));

/** Whether the segments of a path lead above its root for sure, as nginx decodes them: it refuses such a path. */
function climbs(request: SymbolicRequest, depth: number): boolean {
  const shape = request.shape(depth);
  const count = shape.kind === 'segments' ? shape.count : depth;
  let level = 0;
  for (let number = 1; number <= count && level <= count - number; number++) {
    const segment = request.segment(number, depth);
    const is = (language: () => Language) => matches(request.run, segment, language());
    if (is(UP)) level--;
    else if (is(UNSURE)) return false;
    else if (!is(STAYING)) level++;
    if (level < 0) return true;
    if (is(UNSURE)) return false;
  }
  return false;
}

interface Asking {
  /** The expression of the decoded paths that are sent to a location. */
  readonly rewritten: string;
  readonly locations: ReadonlyMap<string, unknown>;
}

/** Returns the location that a request comes to by its path, "/" for any other; `undefined` where it is sent to one. */
export function askedLocation(
  { rewritten, locations }: Asking,
  request: SymbolicRequest,
  depth: number,
): string | undefined {
  // nginx takes these segments out of every path.
  if (rewritten === '^(?!/[.]/)') return undefined;
  const path = decodedPath(request, depth);
  const all = languageOf({ source: rewritten, ignoreCase: false, value: [] }, 'rewrite');
  if (matches(request.run, path, all)) return undefined;
  return [...locations.keys()].find((name) => name !== '/' && matches(request.run, path, onlyText(name))) ?? '/';
}
