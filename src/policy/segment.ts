/**
 * The alphabet of paths, as regular expression sources that mean the same in PCRE, RE2 and JavaScript:
 * no lookaround, no backreference, no class shorthand. Every engine matches with these, so that a segment
 * is the same thing everywhere. RFC 3986 §3.3 pchar, less what a server behind the proxy may decode into
 * another path.
 */

/** Parameter types, most specific first. */
export const PARAMETER_TYPES = ['int', 'hex', 'uuid', 'slug', 'segment', 'encodedPath'] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];

/**
 * The types that accept a segment whose most specific type is the key. They form a tree, so the six
 * keys cut the set of all segments into classes that never cross a type's border.
 */
export const ACCEPTED_BY: Readonly<Record<ParameterType, readonly ParameterType[]>> = {
  int: ['int', 'hex', 'slug', 'segment', 'encodedPath'],
  hex: ['hex', 'slug', 'segment', 'encodedPath'],
  uuid: ['uuid', 'slug', 'segment', 'encodedPath'],
  slug: ['slug', 'segment', 'encodedPath'],
  segment: ['segment', 'encodedPath'],
  encodedPath: ['encodedPath'],
};

/** `possessive` (PCRE only) takes away backtracking; every loop below is deterministic, so nothing else changes. */
export type RegexFlavour = 'portable' | 'possessive';

const DOT = '(?:[.]|%2[Ee])';
const SEMICOLON = '(?:;|%3[Bb])';
// A pchar, or an escape, other than dot and semicolon. Never the escape of "/", "\", "%" or a control character, and
// never that of "?" or "#" either: a server that decodes once more would end the path there, so that
// DELETE /groups/1%3F/hooks/2 removes the group.
const ESCAPE =
  '%(?:2[0-246-9A-Da-d]|3[0-9ACDEacde]|[46][0-9A-Fa-f]|5[0-9ABDEFabdef]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f])';
const OTHER = `(?:[A-Za-z0-9_~!$&'()*+,=:@-]|${ESCAPE})`;
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
      // Neither "." nor ".." in any spelling, alone or before ";": a first unit that is no dot, or one or
      // two dots that something other than ";" follows, or three dots.
      return `(?:${OTHER}|${SEMICOLON}|${DOT}(?:${OTHER}|${DOT}(?:${OTHER}|${DOT})))(?:${OTHER}|${SEMICOLON}|${DOT})*${more}`;
    case 'encodedPath': {
      const part = segmentSource('segment', flavour);
      return `${part}(?:%2[Ff]${part})*${more}`;
    }
  }
}

const MATCHERS = PARAMETER_TYPES.map((type) => ({ type, regex: new RegExp(`^(?:${segmentSource(type)})$`) }));

/** The most specific type of a raw segment; `undefined` where no parameter accepts it. */
export function classify(segment: string): ParameterType | undefined {
  return MATCHERS.find(({ regex }) => regex.test(segment))?.type;
}
