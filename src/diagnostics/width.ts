/** How many terminal cells a text takes. Wide are the East Asian scripts and emoji, as terminals have it. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** Blanks as wide as a text; tabs stay tabs, because how wide they are only the terminal knows. */
export function blankCopy(text: string): string {
  let copy = '';
  for (const character of text) copy += character === '\t' ? '\t' : ' '.repeat(widthOf(character));
  return copy;
}

// Marks that sit on the character before, variation selectors among them, and joiners.
const NO_WIDTH = /^[\p{M}\u200B-\u200D]$/u;
const WIDE =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]$|^\p{Emoji_Presentation}$/u;

function widthOf(character: string): number {
  if (character < '\u0300') return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
