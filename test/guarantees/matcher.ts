/*
 * What patterns mean, written down once more from the documentation of the spec, by decoding and not by regular
 * expressions or automata: nothing of `src/policy` is used here.
 */

const PCHAR = new Set([...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', ..."-._~!$&'()*+,;=:@"]);
const HEX = /^[0-9a-f]+$/i;

/** A segment decoded, one character a byte; `undefined` where it is none. */
function decoded(segment: string): string | undefined {
  let text = '';
  for (let index = 0; index < segment.length; index += 1) {
    const character = segment[index] ?? '';
    const digits = segment.slice(index + 1, index + 3);
    if (PCHAR.has(character)) text += character;
    else if (character === '%' && digits.length === 2 && HEX.test(digits)) {
      text += String.fromCharCode(Number.parseInt(digits, 16));
      index += 2;
    } else return undefined;
  }
  return text;
}

/** Whether a segment decodes to a text without these characters and controls that is no way up, also before an end. */
function isText(segment: string, without: string, ends: string): boolean {
  const text = decoded(segment);
  if (text === undefined || text === '') return false;
  const isControl = (one: string) => one < ' ' || one === '\u007f';
  if ([...text].some((one) => without.includes(one) || isControl(one))) return false;
  const end = [...text].findIndex((one) => ends.includes(one));
  const start = end < 0 ? text : text.slice(0, end);
  return start !== '.' && start !== '..';
}

const isPlain = (segment: string) => isText(segment, '/\\%?#', ';');
const parts = (segment: string) => segment.split(/%2f/i);
const consistsOf = (segment: string, characters: string) => [...segment].every((one) => characters.includes(one));

const DIGITS = '0123456789';
const HEX_DIGITS = `${DIGITS}abcdefABCDEF`;
const SLUG = `${DIGITS}abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-`;

const TYPES: Readonly<Record<string, (segment: string) => boolean>> = {
  int: (segment) => consistsOf(segment, DIGITS),
  hex: (segment) => consistsOf(segment, HEX_DIGITS),
  uuid: (segment) =>
    segment
      .split('-')
      .map(({ length }) => length)
      .join() === '8,4,4,4,12' && consistsOf(segment, `${HEX_DIGITS}-`),
  slug: (segment) => consistsOf(segment, SLUG) && segment !== '.' && segment !== '..',
  '': isPlain,
  encodedPath: (segment) => parts(segment).every(isPlain),
  encodedText: (segment) => parts(segment).every((part) => isText(part, '/\\', ';?#')),
};

/** `{name:type}`, `{name:a|b}`, `{name}`, each also with a star at its end, or a literal. */
function segmentMatches(piece: string, segment: string): boolean {
  if (!piece.startsWith('{')) return piece === segment;
  const [, type = ''] = piece.replace(/\*?\}$/, '').split(':');
  if (type.includes('|')) return type.split('|').includes(segment);
  return segment !== '' && TYPES[type]?.(segment) === true;
}

/** Whether a path, such as `/groups/7`, is one that a pattern is about, such as `/groups/{group:int}`. */
export function pathMatches(pattern: string, path: string): boolean {
  const pieces = pattern.slice(1).split('/');
  const segments = path.slice(1).split('/');
  const rest = pieces.findIndex((piece) => piece.endsWith('*}'));
  const more = segments.length - pieces.length;
  if (rest < 0 ? more !== 0 : more < 0) return false;
  return segments.every((segment, index) => {
    const piece = rest < 0 || index <= rest ? index : Math.max(rest, index - more);
    return segmentMatches(pieces[piece] ?? '', segment);
  });
}
