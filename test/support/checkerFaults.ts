import { parsers } from 'prettier/plugins/acorn';

/** A checker without one of its checks, or a part of one. */
export interface Fault {
  /** The line and what is taken away there. */
  readonly title: string;
  readonly line: number;
  readonly text: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly callee?: { readonly name?: string };
  readonly operator?: string;
  readonly left?: Node;
  readonly right?: Node;
}

/** The functions that refuse a certificate. */
const REFUSE = ['cannot', 'differs', 'wrong'];

function nodesOf(text: string): readonly Node[] {
  // A script that is run here begins with no `#!`.
  const whole: unknown = parsers.acorn.parse(text.replace(/^#!/, '//'), {} as never);
  const found: Node[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('type' in value && 'start' in value && 'end' in value) found.push(value as Node);
    for (const [key, part] of Object.entries(value)) if (key !== 'comments') visit(part);
  };
  visit(whole);
  return found;
}

function replaced(text: string, { start, end }: Node, by: string): string {
  return `${text.slice(0, start)}${by}${text.slice(end)}`;
}

const refusalsIn = (nodes: readonly Node[]) =>
  nodes
    .filter(({ type, callee }) => type === 'CallExpression' && REFUSE.includes(callee?.name ?? ''))
    .sort((a, b) => a.start - b.start);

function faultOf(text: string, node: Node, by: string): Fault {
  const line = text.slice(0, node.start).split('\n').length;
  const title = `${line}: without ${text.slice(node.start, node.end).replace(/\s+/g, ' ')}`;
  return { title, line, text: replaced(text, node, by) };
}

/** Returns a checker without each of the calls that refuse, in their order. */
export function withoutRefusals(text: string): readonly Fault[] {
  return refusalsIn(nodesOf(text)).map((node) => faultOf(text, node, 'void 0'));
}

/** Returns a checker without each part of what is decided by "and" and "or". */
export function withoutOperands(text: string): readonly Fault[] {
  const logical = nodesOf(text).filter(({ type, operator }) => type === 'LogicalExpression' && operator !== '??');
  return logical.flatMap(({ operator, left, right }) =>
    [left, right]
      .filter((node) => node !== undefined && !refusalsIn([node]).length)
      .flatMap((node) => (node ? [faultOf(text, node, operator === '&&' ? 'true' : 'false')] : [])),
  );
}

/** Returns a checker that calls `noteRefusal` with the number of each refusal. */
export function withNumbers(text: string): string {
  return refusalsIn(nodesOf(text))
    .map((node, index) => ({ node, index }))
    .reverse()
    .reduce((own, { node, index }) => {
      // A refusal inside of another one is later in this order.
      const call = own.slice(node.start, node.start + (node.callee?.name ?? '').length);
      return `${own.slice(0, node.start)}(noteRefusal(${index}), ${call})${own.slice(node.start + call.length)}`;
    }, text);
}
