import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { maskLine } from '../diagnostics/mask.ts';
import { createPositions, lineAround, positionsByText } from '../diagnostics/position.ts';
import type { LocatedDocument } from '../source/span.ts';

/** Returns the place as `file:line:column`, which editors and terminals understand. */
export type Locate = (at: SpecPath) => string;

/**
 * Returns a function that gives places in a document and its includes. It caches them, because a replayed log asks for
 * the same few places again and again.
 */
export function locator(document: LocatedDocument): Locate {
  const positions = positionsByText();
  const known = new Map<string, string>();
  return (at) => {
    const key = JSON.stringify(at);
    const place = known.get(key) ?? placeOf(at);
    known.set(key, place);
    return place;
  };
  function placeOf(at: SpecPath): string {
    const { file, text, start } = document.locate(at);
    const { line, column } = positions(text)(start);
    return `${file}:${line}:${column}`;
  }
}

/** Returns the place and the text of a line of the spec, for explanations. */
export function excerptOf(at: SpecPath, document: LocatedDocument): string {
  const { text, start } = document.locate(at);
  const { line } = createPositions(text)(start);
  const shown = maskLine(lineAround(text, start).text).trimEnd();
  return `  spec      ${locator(document)(at)}\n            ${line} | ${shown}\n`;
}
