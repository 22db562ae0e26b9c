import { readFileSync } from 'node:fs';
import nunjucks from 'nunjucks';
import { type Checked, type CompilerClass, placedCompiler } from './compiler.ts';
import { enforceGrammar, type Grammar, type TreeNode } from './grammar.ts';
import { strictRuntime } from './runtime.ts';

/** Renders one template of a target; throws `<target>/<template>:<line>:<column>: <message>`. */
export type Render = (template: string, model: object) => string;

type Part = (environment: Environment, context: unknown, frame: unknown, runtime: object, done: unknown) => void;

interface Environment {
  globals: object;
  filters: object;
  tests: object;
  render: Render;
}

// Parts of nunjucks that its types leave out; package.json pins the exact version because of them.
interface Internals {
  readonly parser: { parse(source: string, extensions: readonly never[], options: object): TreeNode };
  readonly compiler: { readonly Compiler: CompilerClass };
  readonly nodes: { readonly Group: new (line: number, column: number, children: readonly TreeNode[]) => Checked };
  readonly runtime: object;
  readonly Environment: new (loader: object, options: object) => Environment;
}

const { parser, compiler, nodes, runtime, Environment } = nunjucks as unknown as Internals;
const PlacedCompiler = placedCompiler(compiler.Compiler);
const options = { autoescape: false, throwOnUndefined: true, trimBlocks: true, lstripBlocks: true };

/** An environment that sees the templates of one target only, in `<root>/<target>/`. */
export function environmentOf(target: string, root: URL): Render {
  let failure: Error | undefined;
  const failIn = (template: string) => (message: string, line: number, column: number) => {
    failure ??= new Error(`${target}/${template}:${line + 1}:${column + 1}: ${message}`);
    throw failure;
  };
  const load = (template: string): Record<string, Part> => {
    const fail = failIn(template);
    const source = read(new URL(`${target}/`, root), template);
    const code = compile(source, template, {
      fail: (node, message) => fail(message, node.lineno, node.colno),
      check: (check, node) => Object.assign(new nodes.Group(node.lineno, node.colno, [node]), { check }),
    });
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
    // Not what nunjucks throws: it wraps a failure once for each include, and may even lose it in a loop of them.
    throw failure;
  };
}

/** Names have no `.` at the start of a part, so no name leads out of the folder. */
function read(folder: URL, template: string): string {
  if (!/^(?:\w[\w.-]*\/)*\w[\w.-]*\.njk$/.test(template)) throw new Error(`not the name of a template: ${template}`);
  return readFileSync(new URL(template, folder), 'utf8');
}

function compile(source: string, template: string, grammar: Grammar): Record<string, Part> {
  const tree = parse(source, grammar);
  enforceGrammar(tree, grammar);
  const compilation = new PlacedCompiler(template, options.throwOnUndefined);
  compilation.compile(tree);
  return new Function(compilation.getCode())();
}

function parse(source: string, grammar: Grammar): TreeNode {
  try {
    return parser.parse(source, [], options);
  } catch (error) {
    const { message, lineno, colno } = error as Error & { lineno?: number; colno?: number };
    // nunjucks knows no place for an unexpected end.
    if (lineno === undefined || colno === undefined) throw error;
    return grammar.fail({ lineno: lineno - 1, colno: colno - 1 }, message);
  }
}
