/**
 * The alphabet of paths, as regular expression sources that mean the same in PCRE, RE2 and JavaScript:
 * no lookaround, no backreference, no class shorthand. Every engine matches with these, so that a segment
 * is the same thing everywhere. RFC 3986 §3.3 pchar, less what a server behind the proxy may decode into
 * another path.
 */

/** Parameter types, most specific first. */
export const PARAMETER_TYPES = ['int', 'hex', 'uuid', 'slug', 'segment', 'encodedPath', 'encodedText'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/**
 * The next wider type: everything that a type accepts, the wider one accepts too. They form a tree, so that
 * the types cut the set of all segments into classes that never cross a type's border.
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

/** The types that accept a segment of this most specific type, narrowest first. */
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

/** `possessive` (PCRE only) takes away backtracking; every loop below is deterministic, so nothing else changes. */
export type RegexFlavour = 'portable' | 'possessive';

/** What a segment is made of: dots, what ends a dot segment for some server, and everything else. */
interface Alphabet {
  readonly other: string;
  readonly end: string;
}

const DOT = '(?:[.]|%2[Ee])';
const PCHAR = "[A-Za-z0-9_~!$&'()*+,=:@-]";
// Never the escape of "/", "\", "%" or a control character, and never that of "?" or "#" either: a server that
// decodes once more would end the path there, so that DELETE /groups/1%3F/hooks/2 removes the group.
const ESCAPE =
  '%(?:2[0-246-9A-Da-d]|3[0-9ACDEacde]|[46][0-9A-Fa-f]|5[0-9ABDEFabdef]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f])';
const PLAIN: Alphabet = { other: `(?:${PCHAR}|${ESCAPE})`, end: '(?:;|%3[Bb])' };
// Text that was escaped once, as encodeURIComponent does: "?", "#" and "%" may stand in it. A server that ends the
// path at "?" or "#" would take "..%3Fx" for a step up.
const TEXT: Alphabet = { other: `(?:${PCHAR}|${ESCAPE}|%25)`, end: '(?:;|%3[BFbf]|%23)' };
const HEX = '[0-9A-Fa-f]';

/** Source of a regular expression (without anchors) that matches exactly the segments of a type. */
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
 * Neither "." nor ".." in any spelling, alone or before an end: a first unit that is no dot, or one or two dots
 * that something other than an end follows, or three dots.
 */
function partSource({ other, end }: Alphabet, more: string): string {
  return `(?:${other}|${end}|${DOT}(?:${other}|${DOT}(?:${other}|${DOT})))(?:${other}|${end}|${DOT})*${more}`;
}

/** Parts with "%2F" between them. */
function joinedSource(alphabet: Alphabet, more: string): string {
  const part = partSource(alphabet, more);
  return `${part}(?:%2[Ff]${part})*${more}`;
}

const MATCHERS = PARAMETER_TYPES.map((type) => ({ type, regex: new RegExp(`^(?:${segmentSource(type)})$`) }));

/** The most specific type of a raw segment; `undefined` where no parameter accepts it. */
export function classify(segment: string): ParameterType | undefined {
  return MATCHERS.find(({ regex }) => regex.test(segment))?.type;
}
