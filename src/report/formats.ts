import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { sarif } from './sarif.ts';
import type { SheetFormatter } from './sheet.ts';

/** The formats that other programs read: one more is one more line. */
export const sheetFormats = { sarif, junit, github, gitlab, markdown } as const satisfies Readonly<
  Record<string, SheetFormatter>
>;
