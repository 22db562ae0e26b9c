import type { Regex } from '../../import/regex.ts';
import type { PathPattern, PatternSegment } from '../../policy/pattern.ts';
import { ACCEPTED_BY } from '../../policy/segment.ts';
import type { Location } from './importLocations.ts';

/** A part of a path in an expression. */
type Part =
  | { readonly kind: 'text'; readonly text: string }
  /** A part that may be many texts; `wide` where it may hold slashes. */
  | { readonly kind: 'hole'; readonly wide: boolean; readonly digits: boolean };

const MOST_FORMS = 24;
const MOST_PATTERNS = 48;
/** Types of parameters that are tried. A narrow type may avoid what other locations accept. */
const TYPES = ['segment', 'slug'];
const LAST_TYPES = ['segment', 'slug', 'hex', 'uuid', 'int'];

/** Returns patterns that may describe a location, widest first. Whether they do is checked by the caller. */
export function candidatesOf(place: Location): readonly string[] {
  const { kind, text, regex } = place;
  if (kind === 'exact') return [wireText(text)];
  if (kind !== 'regex') {
    const plain = wireText(text);
    return plain.endsWith('/') ? [`${plain}{rest*}`, `${plain}{rest}`, plain] : [`${plain}/{rest*}`, plain];
  }
  const forms = regex ? formsOf(regex).map(joined) : [];
  const all = forms.flatMap((form) => [...patternsOf(form), ...(endsOpen(text) ? tailOf(form) : [])]);
  return [...new Set(all)].slice(0, MOST_PATTERNS);
}

function endsOpen(source: string): boolean {
  return !/(?:\$|\\z|\*\)?)$/.test(source);
}

function tailOf(form: readonly Part[]): string[] {
  const [first] = patternsOf(form).toReversed();
  return first === undefined || first.endsWith('*}')
    ? []
    : [first.endsWith('/') ? `${first}{rest*}` : `${first}/{rest*}`];
}

/** Returns a path as it is written in a request line. */
function wireText(text: string): string {
  return wireBytes(Buffer.from(text, 'utf8'));
}

function wireBytes(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~!$&'()+,;=:@/-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

/** Returns the sequences of parts that an expression may be, with each choice made. */
function formsOf(regex: Regex): Part[][] {
  switch (regex.kind) {
    case 'start':
    case 'end':
      return [[]];
    case 'bytes':
      return [
        [
          regex.literal === undefined
            ? holeOf(regex, false)
            : { kind: 'text', text: wireBytes(Buffer.from(regex.literal, 'latin1')) },
        ],
      ];
    case 'group':
      return formsOf(regex.part);
    case 'choice':
      return regex.parts.flatMap(formsOf).slice(0, MOST_FORMS);
    case 'sequence':
      return regex.parts.reduce<Part[][]>(
        (heads, part) => heads.flatMap((head) => formsOf(part).map((tail) => [...head, ...tail])).slice(0, MOST_FORMS),
        [[]],
      );
    case 'repeat':
      if (regex.most === 1) return [...formsOf(regex.part), []];
      return [[holeOf(regex.part, true)]];
  }
}

function holeOf(part: Regex, many: boolean): Part {
  const inner =
    part.kind === 'group' ? part.part : part.kind === 'sequence' && part.parts.length === 1 ? part.parts[0] : part;
  if (inner?.kind !== 'bytes') return { kind: 'hole', wide: true, digits: false };
  return {
    kind: 'hole',
    wide: many && inner.bytes.has(0x2f),
    digits: inner.bytes.size === 10 && inner.bytes.has(0x30),
  };
}

function joined(parts: readonly Part[]): Part[] {
  const found: Part[] = [];
  for (const part of parts) {
    const last = found.at(-1);
    if (part.kind === 'text' && last?.kind === 'text')
      found[found.length - 1] = { kind: 'text', text: last.text + part.text };
    else if (part.kind === 'hole' && last?.kind === 'hole')
      found[found.length - 1] = { kind: 'hole', wide: last.wide || part.wide, digits: last.digits && part.digits };
    else found.push(part);
  }
  return found;
}

/** Returns the patterns of a sequence. There is none where a part that may be many texts is less than a segment. */
function patternsOf(form: readonly Part[]): string[] {
  let [patterns, holes] = [[''], 0];
  for (const [index, part] of form.entries()) {
    if (part.kind === 'text') {
      patterns = patterns.map((head) => head + part.text);
      continue;
    }
    const [before, after] = [form[index - 1], form[index + 1]];
    const opens = before?.kind === 'text' && before.text.endsWith('/');
    const closes = after === undefined || (after.kind === 'text' && after.text.startsWith('/'));
    if (!opens || !closes) return [];
    holes += 1;
    const name = after === undefined ? 'rest' : holes === 1 ? 'id' : `id${holes}`;
    const isLast = form.slice(index + 1).every(({ kind }) => kind === 'text');
    const types = part.digits ? ['int'] : isLast ? LAST_TYPES : TYPES;
    const kinds = types.map((type) => (type === 'segment' ? `{${name}}` : `{${name}:${type}}`));
    if (part.wide && !after) kinds.unshift(`{${name}*}`);
    patterns = patterns.flatMap((head) => kinds.map((kind) => head + kind));
  }
  return patterns.filter((pattern) => pattern.startsWith('/')).slice(0, MOST_PATTERNS);
}

/** How `proxy_pass` keeps the path of the request. */
export interface Kept {
  /** Only for paths that the expression matches from their first character to their last, because all others lose parts. */
  readonly isWhole: boolean;
  /** Whether the query is lost. */
  readonly isQueryLost: boolean;
}

/** Returns whether `proxy_pass` keeps the path of the request; `rest` is its argument behind the origin. */
export function keepsPath(place: Location, rest: string, isComputed: boolean): Kept | undefined {
  if (rest === '' || rest === '$request_uri') return { isWhole: false, isQueryLost: false };
  const [path, query = ''] = rest.split(/(?=\$is_args|\?)/, 2);
  if (path === undefined || !['', '$is_args$args', '?$args', '?$query_string'].includes(query)) return undefined;
  const isQueryLost = isComputed && query === '';
  if (place.kind !== 'regex') {
    // A text without variables takes the place of the location's own; one with variables is the whole path.
    const isSame = path === place.text && /^[A-Za-z0-9._~/-]*$/.test(path);
    return isSame && (query === '' || isComputed) && (!isComputed || place.kind === 'exact')
      ? { isWhole: false, isQueryLost }
      : undefined;
  }
  // The target repeats the expression, with `$1`, `$2` in place of its groups.
  const source = place.text.replace(/^\^|^\\A/, '').replace(/(?:\$|\\z)$/, '');
  let group = 0;
  // A dot that is not escaped takes more than the dot that is sent.
  if (/(?<!\\)\./.test(source.replace(/\([^()]*\)/g, ''))) return undefined;
  const named = source
    .replace(/\((?!\?)(?:[^()[\\]|\\.|\[[^\]]*\])*\)/g, () => `$${++group}`)
    .replace(/\\([./-])/g, '$1');
  return named === path && isComputed && !/[[\]()*+?|{}\\^]/.test(named) ? { isWhole: true, isQueryLost } : undefined;
}

/** Returns whether one pattern covers another, by their segments. */
export function isWider(wide: PathPattern, narrow: PathPattern): boolean {
  const takes = (a: PatternSegment | undefined, b: PatternSegment | undefined): boolean => {
    if (!a || !b) return false;
    if (a.kind === 'literal') return b.kind === 'literal' && a.text === b.text;
    return (
      b.kind !== 'literal' &&
      a.kind !== 'choice' &&
      b.kind !== 'choice' &&
      ACCEPTED_BY[b.type].includes(a.type) &&
      (b.kind !== 'rest' || a.kind === 'rest')
    );
  };
  const last = wide.segments.at(-1);
  const [left, right] = [wide.segments, narrow.segments];
  if (last?.kind === 'rest' ? right.length < left.length : right.length !== left.length) return false;
  return right.every((segment, index) => takes(left[index] ?? last, segment));
}
