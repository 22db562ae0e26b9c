/** A position in a template. Lines and columns count from zero. */
export interface TemplatePosition {
  readonly lineno: number;
  readonly colno: number;
}

/** A node of nunjucks' syntax tree, as far as the grammar looks at it. */
export interface TreeNode extends TemplatePosition {
  readonly typename: string;
  readonly children: readonly TreeNode[];
  readonly args: TreeNode;
  readonly body: TreeNode;
  readonly else_: TreeNode | null;
  readonly name: TreeNode;
  readonly names: TreeNode;
  readonly target: TreeNode;
  readonly template: TreeNode;
  readonly left: TreeNode;
  readonly right: TreeNode;
  readonly val: TreeNode;
  readonly value: unknown;
  cond: TreeNode;
  arr: TreeNode;
}

/** What the grammar needs to know of its surroundings. */
export interface Grammar {
  /** Ends the check with an error. */
  fail(position: TemplatePosition, message: string): never;
  /** Marks an expression to be checked when the template runs. */
  check(kind: 'truth' | 'list', node: TreeNode): TreeNode;
}

/**
 * A template may loop, ask whether something is there, include, call macros, and print. It may not compute, default,
 * compare, filter or hold text in an expression: whatever needs that belongs into the model, where it is typed and
 * tested. Conditions and lists are marked for a check at run time, because there nunjucks takes a typo for "no".
 */
export function enforceGrammar(tree: TreeNode, grammar: Grammar): void {
  statements([tree], grammar);
}

function statements(nodes: readonly (TreeNode | null)[], grammar: Grammar): void {
  for (const node of nodes) if (node) statement(node, grammar);
}

function statement(node: TreeNode, grammar: Grammar): void {
  switch (node.typename) {
    case 'Root':
    case 'NodeList':
      statements(node.children, grammar);
      break;
    case 'Output':
      for (const child of node.children) printable(child, grammar);
      break;
    case 'If':
      node.cond = condition(node.cond, grammar);
      statements([node.body, node.else_], grammar);
      break;
    case 'For':
      only(node.name, 'Symbol', grammar);
      node.arr = grammar.check('list', reference(node.arr, grammar));
      statements([node.body, node.else_], grammar);
      break;
    case 'Macro':
      for (const parameter of node.args.children) only(parameter, 'Symbol', grammar);
      statements([node.body], grammar);
      break;
    case 'Include':
      only(node.template, 'Literal', grammar);
      break;
    case 'FromImport':
      for (const name of node.names.children) only(name, 'Symbol', grammar);
      only(node.template, 'Literal', grammar);
      break;
    default:
      grammar.fail(node, `${node.typename} is not allowed in a template`);
  }
}

function printable(node: TreeNode, grammar: Grammar): void {
  if (node.typename === 'TemplateData') return;
  if (node.typename !== 'FunCall') {
    reference(node, grammar);
    return;
  }
  only(node.name, 'Symbol', grammar);
  for (const argument of node.args.children) reference(argument, grammar);
}

function condition(node: TreeNode, grammar: Grammar): TreeNode {
  switch (node.typename) {
    case 'Not':
      return Object.assign(node, { target: condition(node.target, grammar) });
    case 'And':
    case 'Or':
      return Object.assign(node, { left: condition(node.left, grammar), right: condition(node.right, grammar) });
    case 'Group':
      return Object.assign(node, { children: node.children.map((child) => condition(child, grammar)) });
    default:
      return grammar.check('truth', reference(node, grammar));
  }
}

/** A name, or a name's key's key. */
function reference(node: TreeNode, grammar: Grammar): TreeNode {
  if (node.typename === 'Symbol') return node;
  if (node.typename !== 'LookupVal')
    grammar.fail(node, `${node.typename} is not allowed here, only a name of the model`);
  if (node.val.typename !== 'Literal') grammar.fail(node, 'a key is written out, not computed');
  reference(node.target, grammar);
  return node;
}

function only(node: TreeNode, allowed: string, grammar: Grammar): void {
  if (node.typename !== allowed) grammar.fail(node, `${node.typename} is not allowed here, only ${allowed}`);
}
