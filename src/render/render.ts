import { templatesRoot } from '../templatesRoot.ts';
import { Environment, options, type Part, type Render, runtime } from './engine.ts';
import { loadTemplate } from './load.ts';
import { type Fail, strictRuntime } from './runtime.ts';

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

/** An environment that sees the templates of one target only, in `<root>/<target>/`. */
function environmentOf(target: string, root: URL): Render {
  let failure: Error | undefined;
  const failIn =
    (template: string): Fail =>
    (message, line, column) => {
      failure ??= new Error(`${target}/${template}:${line + 1}:${column + 1}: ${message}`);
      throw failure;
    };
  const load = (template: string): Record<string, Part> => {
    const fail = failIn(template);
    const code = loadTemplate({ root, target, template }, fail);
    const own = { ...runtime, ...strictRuntime(target, fail) };
    // Compiled code takes its runtime as a parameter: ours goes in whoever calls, an include for instance.
    const handOurs =
      (part: Part): Part =>
      (environment, context, frame, _, done) =>
        part(environment, context, frame, own, done);
    return Object.fromEntries(Object.entries(code).map(([name, part]) => [name, handOurs(part)]));
  };
  const getSource = (template: string) => ({
    src: { type: 'code', obj: load(template) },
    path: template,
    noCache: false,
  });
  const environment = new Environment({ getSource }, options);
  for (const part of ['globals', 'filters', 'tests'] as const) environment[part] = Object.create(null);
  return (template, model) => {
    failure = undefined;
    try {
      const text = environment.render(template, model);
      if (failure === undefined) return text;
    } catch (error) {
      failure ??= new Error(`${target}/${template}: ${error instanceof Error ? error.message : String(error)}`);
    }
    // The first failure is thrown, not what nunjucks makes of it: it wraps errors once per include, and may lose them.
    throw failure;
  };
}
