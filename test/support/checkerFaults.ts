import { parsers } from 'prettier/plugins/acorn';

/** A checker without one of its checks, or a part of one. */
export interface Fault {
  /** What is taken away, and where from. */
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

function faultOf(text: string, node: Node, by: string, whole?: Node): Fault {
  const [own, all] = [node, whole].map((each) => text.slice(each?.start, each?.end).replace(/\s+/g, ' '));
  const line = text.slice(0, node.start).split('\n').length;
  return { title: whole ? `${all} without ${own}` : `without ${own}`, line, text: replaced(text, node, by) };
}

/** Returns a checker without each of the calls that refuse, in their order. */
export function withoutRefusals(text: string): readonly Fault[] {
  return refusalsIn(nodesOf(text)).map((node) => faultOf(text, node, 'void 0'));
}

/** The parts of what is decided by "and" and "or", each with what stands for it once it is gone, and the whole. */
function operandsOf(text: string): readonly (readonly [part: Node, gone: 'true' | 'false', whole: Node])[] {
  const logical = nodesOf(text).filter(({ type, operator }) => type === 'LogicalExpression' && operator !== '??');
  return logical.flatMap((whole) =>
    [whole.left, whole.right].flatMap((node) =>
      node && !refusalsIn([node]).length ? [[node, whole.operator === '&&' ? 'true' : 'false', whole] as const] : [],
    ),
  );
}

/** Returns a checker without each part of what is decided by "and" and "or". */
export function withoutOperands(text: string): readonly Fault[] {
  return operandsOf(text).map(([part, gone, whole]) => faultOf(text, part, gone, whole));
}

/** Returns a checker that calls `notePart` with the number of each part that is not what would stand for it. */
export function withParts(text: string): string {
  const signs = operandsOf(text).flatMap(([{ start, end }, gone], number) => [
    { at: start, sign: `notePart(${number}, ${gone}, `, order: 2 * text.length - end },
    // Parts that end here are inside of those that begin earlier.
    { at: end, sign: ')', order: text.length - start },
  ]);
  const sorted = signs.toSorted((a, b) => a.at - b.at || a.order - b.order);
  const ends = [0, ...sorted.map(({ at }) => at)];
  const pieces = sorted.map(({ at, sign }, index) => text.slice(ends[index], at) + sign);
  return [...pieces, text.slice(ends.at(-1))].join('');
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
