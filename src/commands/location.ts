import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { maskLine } from '../diagnostics/mask.ts';
import { createPositions, lineAround, positionsByText } from '../diagnostics/position.ts';
import type { LocatedDocument } from '../source/span.ts';

/** `file:line:column`, as editors and terminals understand it. */
export type Locate = (at: SpecPath) => string;

/** Places of one document and what it includes; what was found once is kept, because a replayed log asks for few places very often. */
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

/** The place and the text of a line, for explanations. */
export function excerptOf(at: SpecPath, document: LocatedDocument): string {
  const { text, start } = document.locate(at);
  const { line } = createPositions(text)(start);
  const shown = maskLine(lineAround(text, start).text).trimEnd();
  return `  spec      ${locator(document)(at)}\n            ${line} | ${shown}\n`;
}
