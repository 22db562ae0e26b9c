// Controls but the tab, separators, marks that reorder the text around them, halves of surrogate pairs.
const UNPRINTABLE = /[\0-\x08\x0A-\x1F\x7F-\x9F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]|\p{Cs}/gu;

/** One line that a terminal shows as it is, whatever a file had in it; nothing changes its place. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD');
}
