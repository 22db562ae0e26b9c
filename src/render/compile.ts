import { placedCompiler } from './compiler.ts';
import { compiler, nodes, options, parser } from './engine.ts';
import { enforceGrammar, type Grammar, type TreeNode } from './grammar.ts';
import type { Fail } from './runtime.ts';

const PlacedCompiler = placedCompiler(compiler.Compiler);

/** A template → the body of a function that returns its parts; `fail` ends it where the grammar does not allow something. */
export function compileTemplate(source: string, template: string, fail: Fail): string {
  const grammar: Grammar = {
    fail: (node, message) => fail(message, node.lineno, node.colno),
    check: (check, node) => Object.assign(new nodes.Group(node.lineno, node.colno, [node]), { check }),
  };
  const tree = parse(source, grammar);
  enforceGrammar(tree, grammar);
  const compilation = new PlacedCompiler(template, options.throwOnUndefined);
  compilation.compile(tree);
  return compilation.getCode();
}

function parse(source: string, grammar: Grammar): TreeNode {
  try {
    return parser.parse(source, [], options);
  } catch (error) {
    const { message, lineno, colno } = error as Error & { lineno?: number; colno?: number };
    // nunjucks gives no line for an unexpected end of the file.
    if (lineno === undefined || colno === undefined) throw error;
    return grammar.fail({ lineno: lineno - 1, colno: colno - 1 }, message);
  }
}
