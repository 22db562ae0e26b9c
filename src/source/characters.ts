/**
 * Characters that an editor does not show for what they are: controls, halves of a surrogate pair, line
 * breaks that are none in YAML, marks that reorder the text around them ("Trojan Source"), and byte order
 * marks. A spec that is reviewed by eye must not hold them, not even in a comment.
 */
const HIDDEN =
  /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]|\p{Cs}/gu;

const NAMES: Readonly<Record<number, string>> = {
  0: 'a NUL character',
  27: 'an escape character',
  8232: 'a line separator',
  8233: 'a paragraph separator',
  65279: 'a byte order mark',
};

export interface HiddenCharacter {
  readonly index: number;
  readonly length: number;
  /** With its article, such as `a NUL character (U+0000)`. */
  readonly name: string;
}

export function findHidden(text: string, from = 0): HiddenCharacter | undefined {
  HIDDEN.lastIndex = from;
  const found = HIDDEN.exec(text);
  if (found === null) return undefined;
  const point = found[0].codePointAt(0) ?? 0;
  const name = NAMES[point] ?? kind(point);
  const number = point.toString(16).toUpperCase().padStart(4, '0');
  return { index: found.index, length: found[0].length, name: `${name} (U+${number})` };
}

function kind(point: number): string {
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return 'a control character';
  if (point >= 0xd800 && point <= 0xdfff) return 'half a character';
  return 'an invisible character';
}
