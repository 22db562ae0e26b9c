import nunjucks from 'nunjucks';
import type { Checked, CompilerClass } from './compiler.ts';
import type { TreeNode } from './grammar.ts';

/** Renders one template of a target; throws `<target>/<template>:<line>:<column>: <message>`. */
export type Render = (template: string, model: object) => string;

/** The root of a compiled template, or one of its blocks. */
export type Part = (environment: Environment, context: unknown, frame: unknown, runtime: object, done: unknown) => void;

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

export const { parser, compiler, nodes, runtime, Environment } = nunjucks as unknown as Internals;

export const options = { autoescape: false, throwOnUndefined: true, trimBlocks: true, lstripBlocks: true };
