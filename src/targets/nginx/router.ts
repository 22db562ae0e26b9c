import { PARAMETER_TYPES, type ParameterType, segmentSource, WIDER, widestOf } from '../../policy/segment.ts';
import type { Node, Nodes } from './states.ts';

/** The automaton cut into steps of one segment each, which is what maps can look up. */
export interface Router {
  /** Segments that every pattern starts with; never a whole pattern. */
  readonly prefix: readonly string[];
  readonly start: number;
  /** The states before the first, second, … looked-up segment. */
  readonly steps: readonly (readonly Node[])[];
  /** The states before what follows the looked-up segments: any number of segments, then perhaps a slash. */
  readonly rests: readonly Rest[];
}

/** Where the rest of a path leads from a state, by the narrowest type of all its segments. */
export interface Rest {
  readonly from: number;
  readonly byType: Readonly<Partial<Record<ParameterType, number>>>;
  /** The same where a slash ends the path. */
  readonly withSlash: Readonly<Partial<Record<ParameterType, number>>>;
  /** Where a slash alone leads. */
  readonly slash: number | undefined;
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
  while (states.some((state) => hasNext(state) && !isRest(state, node))) {
    steps.push(states);
    states = successors(states, node);
  }
  const rests = states.filter(hasNext).map((state) => restOf(state, node));
  return { prefix, start: first.number, steps, rests };
}

type NodeOf = (number: number) => Node;

function onlyLiteral({ literals, classes, place }: Node): readonly [string, number] | undefined {
  return literals.length === 1 && Object.keys(classes).length === 0 && !place ? literals[0] : undefined;
}

function hasNext({ literals, classes }: Node): boolean {
  return literals.length > 0 || Object.keys(classes).length > 0;
}

/**
 * Whether nothing counts but the narrowest type that all segments of the rest of the path have in common: so it is
 * behind {name*}, where patterns with other types in that place may go on too.
 */
function isRest(state: Node, node: NodeOf): boolean {
  const after = (from: Node | undefined, type: ParameterType) => {
    const next = from?.classes[type];
    return next === undefined ? undefined : node(next);
  };
  const ends = ({ literals }: Node) => literals.every(([text, next]) => text === '' && !hasNext(node(next)));
  return (
    Object.values(state.classes).includes(state.number) &&
    [state, ...Object.values(state.classes).map(node)].every(ends) &&
    PARAMETER_TYPES.every((one) =>
      PARAMETER_TYPES.every((two) => after(after(state, one), two) === after(state, widestOf([one, two]))),
    )
  );
}

function restOf(state: Node, node: NodeOf): Rest {
  const slashAfter = ({ literals }: Node) => literals.find(([text]) => text === '')?.[1];
  const withSlash = Object.entries(state.classes).flatMap(([type, next]) => {
    const to = slashAfter(node(next));
    return to === undefined ? [] : [[type, to] as const];
  });
  return {
    from: state.number,
    byType: state.classes,
    withSlash: Object.fromEntries(withSlash),
    slash: slashAfter(state),
  };
}

function successors(states: readonly Node[], node: (number: number) => Node): Node[] {
  const numbers = new Set(
    states.flatMap(({ literals, classes }) => [...literals.map(([, to]) => to), ...Object.values(classes)]),
  );
  return [...numbers].sort((a, b) => a - b).map(node);
}

type Classes = Readonly<Partial<Record<ParameterType, number>>>;

/** The types that make a difference to some of these; the others go with the next wider one. */
export function typesThatMatter(all: readonly Classes[]): ParameterType[] {
  return PARAMETER_TYPES.filter((type) => {
    const wider = WIDER[type];
    return all.some((classes) => classes[type] !== (wider && classes[wider]));
  });
}

/**
 * Splits a raw request line. Method and segments come out as captures; a line of any other shape (absolute
 * form, "*", two blanks, HTTP/0.9) gives the method alone. `l` holds a segment only where it has no upper
 * case letter: maps ignore case, so no other may reach them.
 */
export function splittingPattern(prefix: string, { prefix: segments, steps, rests }: Router): string {
  const fixed = segments.map((text) => `/${escapeRegex(text)}`).join('');
  const capture = (number: number) => `(?<${prefix}s${number}>(?<${prefix}l${number}>/[^A-Z /?]*+(?=[ /?]))|/[^ /?]*+)`;
  let rest = restSource(prefix, rests);
  for (let number = steps.length; number > 1; number--) rest = `(?:${capture(number)}${rest})?+`;
  const path = `(?<${prefix}path>${fixed}${capture(1)}${rest})`;
  return `^(?<${prefix}method>[A-Z_-]++) (?:${path}(?:[?](?<${prefix}query>[^ ]*+))?+ HTTP/1[.][01]\\z)?+`;
}

/** What may follow the looked-up segments, taken as a whole. */
function restSource(prefix: string, rests: readonly Rest[]): string {
  const [first, ...others] = typesThatMatter(rests.map(({ byType }) => byType));
  if (first === undefined) return '';
  const segments = `(?:/${segmentSource(widestOf([first, ...others]), 'possessive')})`;
  const slashes = rests.some(({ slash, withSlash }) => slash !== undefined || Object.keys(withSlash).length > 0);
  return `(?<${prefix}tail>${slashes ? `(?=/)${segments}*+/?+` : `${segments}++`})?+`;
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
