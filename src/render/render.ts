import { templatesRoot } from '../templatesRoot.ts';
import type { Render } from './engine.ts';
import { environmentOf } from './environment.ts';

const environments = new Map<string, Render>();

/**
 * The text of `templates/<target>/<template>` for a model. It ends with one line feed and has no blanks at line ends.
 * A failure is a mistake in a template or a model, never the user's: it throws, naming template, line and column.
 */
export function renderTemplate(target: string, template: string, model: object, root: URL = templatesRoot): string {
  const folder = new URL(`${target}/`, root).href;
  const render = environments.get(folder) ?? environmentOf(target, root);
  environments.set(folder, render);
  return tidy(render(template, model));
}

/** Takes away what `{% if %}` leaves at line ends; the runtime refuses tokens that this would change. */
function tidy(text: string): string {
  const lines = /[ \t](?:\n|$)/.test(text) ? text.replace(/[ \t]+(?=\n|$)/g, '') : text;
  let end = lines.length;
  while (lines[end - 1] === '\n') end -= 1;
  return `${lines.slice(0, end)}\n`;
}
