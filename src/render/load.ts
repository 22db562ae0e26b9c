import { readFileSync } from 'node:fs';
import { compileTemplate } from './compile.ts';
import type { Part } from './engine.ts';
import type { Fail } from './runtime.ts';

/** Where a template stands: `<root>/<target>/<template>`. */
export interface TemplateName {
  readonly root: URL;
  readonly target: string;
  readonly template: string;
}

/** The parts of a template. The bundled command has another version of this file, with the templates compiled in. */
export function loadTemplate({ root, target, template }: TemplateName, fail: Fail): Record<string, Part> {
  const source = read(new URL(`${target}/`, root), template);
  return new Function(compileTemplate(source, template, fail))();
}

/** Names have no `.` at the start of a part, so no name leads out of the folder. */
function read(folder: URL, template: string): string {
  if (!/^(?:\w[\w.-]*\/)*\w[\w.-]*\.njk$/.test(template)) throw new Error(`not the name of a template: ${template}`);
  return readFileSync(new URL(template, folder), 'utf8');
}
