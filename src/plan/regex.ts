/** Text as part of a regular expression that matches exactly it; the same in PCRE, RE2 and JavaScript. */
export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, (character) =>
    /[\\^\]]/.test(character) ? `\\${character}` : `[${character}]`,
  );
}
