import type { TreeNode } from './grammar.ts';

/** Names that the compiled code holds in variables of its own. */
interface Names {
  lookup(name: string): string | undefined;
}

/** The part of nunjucks' compiler that we build on. */
export interface Compiler {
  _emit(code: string): void;
  _emitLine(code: string): void;
  _compileAggregate(node: TreeNode, names: Names, open: string, close: string): void;
  compile(node: TreeNode, names?: Names): void;
  getCode(): string;
}

export interface CompilerClass {
  new (template: string, throwOnUndefined: boolean): Compiler;
  extend(name: string, members: ThisType<Compiler> & object): CompilerClass;
}

/** A group that the grammar has put around an expression, to be checked by the runtime's function of that name. */
export interface Checked extends TreeNode {
  check?: 'truth' | 'list';
}

/** Stock nunjucks with the place added to each call of the runtime, which can then say where something is wrong. */
export function placedCompiler(stock: CompilerClass): CompilerClass {
  return stock.extend('PlacedCompiler', {
    compileSymbol({ value, lineno, colno }: TreeNode, names: Names) {
      const name = String(value);
      const lookup = `runtime.contextOrFrameLookup(context, frame, ${JSON.stringify(name)}, ${lineno}, ${colno})`;
      this._emit(names.lookup(name) ?? lookup);
    },

    compileLookupVal({ target, val, lineno, colno }: TreeNode, names: Names) {
      this._emit('runtime.memberLookup(');
      this.compile(target, names);
      this._emit(`, ${JSON.stringify(val.value)}, ${lineno}, ${colno})`);
    },

    compileFunCall({ name, args, lineno, colno }: TreeNode, names: Names) {
      this._emit('runtime.callWrap(');
      this.compile(name, names);
      this._emit(`, ${JSON.stringify(name.value)}, context, `);
      this._compileAggregate(args, names, '[', ']');
      this._emit(`, ${lineno}, ${colno})`);
    },

    compileGroup(node: Checked, names: Names) {
      const [open, close] = node.check ? [`runtime.${node.check}(`, `, ${node.lineno}, ${node.colno})`] : ['(', ')'];
      this._compileAggregate(node, names, open, close);
    },

    // Stock nunjucks sets seven variables each turn, which costs more than the turn itself.
    _emitLoopBindings({ body }: TreeNode, _list: string, index: string, length: string) {
      if (!mentionsLoop(body)) return;
      this._emitLine(`frame.set("loop", { first: ${index} === 0, last: ${index} === ${length} - 1 });`);
    },
  });
}

function mentionsLoop(node: TreeNode): boolean {
  if (node.typename === 'Symbol') return node.value === 'loop';
  return Object.values(node).some((field) => {
    const inside: unknown[] = Array.isArray(field) ? field : [field];
    return inside.some((child) => isNode(child) && mentionsLoop(child));
  });
}

function isNode(value: unknown): value is TreeNode {
  return typeof value === 'object' && value !== null && 'typename' in value;
}
