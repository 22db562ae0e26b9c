/**
 * The alphabet of paths, as regular expression sources that mean the same in PCRE, RE2 and JavaScript:
 * no lookaround, no backreference, no class shorthand. Every engine matches with these, so that a segment
 * is the same thing everywhere. A segment holds the pchar of RFC 3986 §3.3, without what a server behind the proxy may
 * decode into another path, such as `%2e%2e`.
 */

/** Parameter types, most specific first. */
export const PARAMETER_TYPES = ['int', 'hex', 'uuid', 'slug', 'segment', 'encodedPath', 'encodedText'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/**
 * The next wider type of each type, which accepts all that the type accepts. The types form a tree, so that the most
 * specific type of a segment determines all types that accept it: `int`, `hex`, `slug` and all wider ones for `42`.
 */
export const WIDER: Readonly<Record<ParameterType, ParameterType | undefined>> = {
  int: 'hex',
  hex: 'slug',
  uuid: 'slug',
  slug: 'segment',
  segment: 'encodedPath',
  encodedPath: 'encodedText',
  encodedText: undefined,
};

/** Returns the types that accept a segment of this most specific type, narrowest first. */
function widening(type: ParameterType): readonly ParameterType[] {
  const wider = WIDER[type];
  return wider === undefined ? [type] : [type, ...widening(wider)];
}

/** The types that accept a segment whose most specific type is the key, narrowest first. */
export const ACCEPTED_BY: Readonly<Record<ParameterType, readonly ParameterType[]>> = {
  int: widening('int'),
  hex: widening('hex'),
  uuid: widening('uuid'),
  slug: widening('slug'),
  segment: widening('segment'),
  encodedPath: widening('encodedPath'),
  encodedText: widening('encodedText'),
};

/**
 * `possessive` (PCRE only) forbids backtracking. It matches the same texts, because every loop below is deterministic.
 */
export type RegexFlavour = 'portable' | 'possessive';

/** The units of a segment beside dots: `end`, at which some servers end a dot segment (`..;x`), and all `other`. */
interface Alphabet {
  readonly other: string;
  readonly end: string;
}

const DOT = '(?:[.]|%2[Ee])';
const PCHAR = "[A-Za-z0-9_~!$&'()*+,=:@-]";
// All escapes but those of "/", "\", "%", control characters, "?" and "#". A server that decodes once more would end
// the path at a "?" or "#", so that DELETE /groups/1%3F/hooks/2 would remove the group.
const ESCAPE =
  '%(?:2[0-246-9A-Da-d]|3[0-9ACDEacde]|[46][0-9A-Fa-f]|5[0-9ABDEFabdef]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f])';
const PLAIN: Alphabet = { other: `(?:${PCHAR}|${ESCAPE})`, end: '(?:;|%3[Bb])' };
// Text as encodeURIComponent escapes it: "%3F", "%23" and "%25" may be in it. The first two count as ends, because a
// server that ends the path at "?" or "#" would take "..%3Fx" for a step up.
const TEXT: Alphabet = { other: `(?:${PCHAR}|${ESCAPE}|%25)`, end: '(?:;|%3[BFbf]|%23)' };
const HEX = '[0-9A-Fa-f]';

/** Returns the source of a regular expression, without anchors, that matches exactly the segments of a type. */
export function segmentSource(type: ParameterType, flavour: RegexFlavour = 'portable'): string {
  const more = flavour === 'possessive' ? '+' : '';
  switch (type) {
    case 'int':
      return `[0-9]+${more}`;
    case 'hex':
      return `${HEX}+${more}`;
    case 'uuid':
      return `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;
    case 'slug':
      return `(?:[A-Za-z0-9_-]|[.](?:[A-Za-z0-9_-]|[.][A-Za-z0-9._-]))[A-Za-z0-9._-]*${more}`;
    case 'segment':
      return partSource(PLAIN, more);
    case 'encodedPath':
      return joinedSource(PLAIN, more);
    case 'encodedText':
      return joinedSource(TEXT, more);
  }
}

/**
 * Returns the source of a text that no server reads as "." or "..", as some read "..;x". It begins with a unit that is
 * no dot, or with one or two dots and then a unit that is neither dot nor end, or with three dots.
 */
function partSource({ other, end }: Alphabet, more: string): string {
  return `(?:${other}|${end}|${DOT}(?:${other}|${DOT}(?:${other}|${DOT})))(?:${other}|${end}|${DOT})*${more}`;
}

/** Returns the source of parts with "%2F" between them. */
function joinedSource(alphabet: Alphabet, more: string): string {
  const part = partSource(alphabet, more);
  return `${part}(?:%2[Ff]${part})*${more}`;
}

const MATCHERS = PARAMETER_TYPES.map((type) => ({ type, regex: new RegExp(`^(?:${segmentSource(type)})$`) }));

/** Returns whether a parameter of a type accepts a raw segment. */
export function accepts(type: ParameterType, segment: string): boolean {
  return MATCHERS.some((matcher) => matcher.type === type && matcher.regex.test(segment));
}

/** Returns the most specific type of a raw segment; `undefined` if no parameter accepts it. */
export function classify(segment: string): ParameterType | undefined {
  return MATCHERS.find(({ regex }) => regex.test(segment))?.type;
}
