import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import { leadsToItself, type Node, type Nodes } from './states.ts';

/** The automaton cut into steps of one segment each, which is what maps can look up. */
export interface Router {
  /** Segments that every pattern starts with; never a whole pattern. */
  readonly prefix: readonly string[];
  readonly start: number;
  /** The states before the first, second, … looked-up segment. */
  readonly steps: readonly (readonly Node[])[];
  /** States in which any number of further segments is taken. */
  readonly loops: readonly Node[];
}

/** The splitting expression has to fit into one token: so many looked-up segments, and so many bytes that all paths share. */
export const MOST_SEGMENTS = 32;
const LONGEST_PREFIX = 500;

export function routerOf({ start, nodes }: Nodes): Router {
  const node = (number: number): Node => nodes.get(number) ?? fail(`no state ${number}`);
  const prefix: string[] = [];
  let first = node(start);
  let length = 0;
  for (let next = onlyLiteral(first); next; next = onlyLiteral(first)) {
    const [text, number] = next;
    const after = node(number);
    // A pattern that ends here needs a segment to be looked up, so the prefix stops before it.
    if (after.place || !hasNext(after)) break;
    length += escapeRegex(text).length + 1;
    if (length > LONGEST_PREFIX) break;
    prefix.push(text);
    first = after;
  }
  const steps: (readonly Node[])[] = [];
  let states: readonly Node[] = [first];
  while (states.some((state) => hasNext(state) && !onlyLoops(state))) {
    steps.push(states);
    states = successors(states, node);
  }
  return { prefix, start: first.number, steps, loops: states.filter(leadsToItself) };
}

function onlyLiteral({ literals, classes, place }: Node): readonly [string, number] | undefined {
  return literals.length === 1 && Object.keys(classes).length === 0 && !place ? literals[0] : undefined;
}

function hasNext({ literals, classes }: Node): boolean {
  return literals.length > 0 || Object.keys(classes).length > 0;
}

function onlyLoops(node: Node): boolean {
  return node.literals.length === 0 && Object.values(node.classes).every((next) => next === node.number);
}

function successors(states: readonly Node[], node: (number: number) => Node): Node[] {
  const numbers = new Set(
    states.flatMap(({ literals, classes }) => [...literals.map(([, to]) => to), ...Object.values(classes)]),
  );
  return [...numbers].sort((a, b) => a - b).map(node);
}

const WIDER: Readonly<Record<ParameterType, ParameterType | undefined>> = {
  int: 'hex',
  hex: 'slug',
  uuid: 'slug',
  slug: 'segment',
  segment: 'encodedPath',
  encodedPath: undefined,
};

/** The types that make a difference to some of these states; the others go with the next wider one. */
export function typesThatMatter(states: readonly Node[]): ParameterType[] {
  return PARAMETER_TYPES.filter((type) => {
    const wider = WIDER[type];
    return states.some(({ classes }) => classes[type] !== (wider && classes[wider]));
  });
}

/**
 * Splits a raw request line. Method and segments come out as captures; a line of any other shape (absolute
 * form, "*", two blanks, HTTP/0.9) gives the method alone. `l` holds a segment only where it has no upper
 * case letter: maps ignore case, so no other may reach them.
 */
export function splittingPattern(prefix: string, { prefix: segments, steps, loops }: Router): string {
  const fixed = segments.map((text) => `/${escapeRegex(text)}`).join('');
  const capture = (number: number) => `(?<${prefix}s${number}>(?<${prefix}l${number}>/[^A-Z /?]*+(?=[ /?]))|/[^ /?]*+)`;
  const more = loops.length === 0 ? '' : `(?<${prefix}tail>(?:/${segmentSource('segment', 'possessive')})++)?+`;
  let rest = more;
  for (let number = steps.length; number > 1; number--) rest = `(?:${capture(number)}${rest})?+`;
  const path = `(?<${prefix}path>${fixed}${capture(1)}${rest})`;
  return `^(?<${prefix}method>[A-Z_-]++) (?:${path}(?:[?](?<${prefix}query>[^ ]*+))?+ HTTP/1[.][01]\\z)?+`;
}

/** For text of a path pattern inside a regular expression. */
export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, (character) =>
    /[\\^\]]/.test(character) ? `\\${character}` : `[${character}]`,
  );
}

function fail(message: string): never {
  throw new Error(message);
}
