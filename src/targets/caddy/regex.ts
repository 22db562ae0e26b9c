/** Regular expression sources that mean the same to RE2 and JavaScript. */

/** Matches a text of printable ASCII byte for byte. */
export function exactly(text: string): string {
  return text.replace(/[\\^[\]]/g, '\\$&').replace(/[$.*+?(){}|]/g, '[$&]');
}

/** Matches it in any case. Not `(?i)`, which in RE2 also takes U+017F for "s" and U+212A for "k". */
export function caseless(text: string): string {
  return exactly(text).replace(/[A-Za-z]/g, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}

const NOTHING = '[^\\s\\S]';

/** One of these sources, in a group where there are several. */
export function oneOf(sources: readonly string[]): string {
  const [first = NOTHING, ...others] = sources;
  return others.length === 0 ? first : `(?:${sources.join('|')})`;
}
