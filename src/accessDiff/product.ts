import { type Automaton, freshSegment, type State } from '../policy/automaton.ts';
import { classify, PARAMETER_TYPES } from '../policy/segment.ts';

/** The states that one path leads to in two automata. A state is absent if no pattern starts like the path. */
export interface Pair<L, R> {
  readonly before: State<L> | undefined;
  readonly after: State<R> | undefined;
  /** A shortest path that leads to exactly these two. */
  readonly path: string;
}

/**
 * Most pairs of states beyond the states that each automaton has. More would be two specs with more overlap than
 * anybody can review.
 */
export const MAX_PAIRS = 100_000;

/**
 * Visits every pair of states that some path leads to, both automata walked side by side. Every path of
 * every request is in exactly one pair, so that what holds for all pairs holds for all paths.
 * @returns false where there are too many
 */
export function walkPairs<L, R>(
  before: Automaton<L> | undefined,
  after: Automaton<R> | undefined,
  visit: (pair: Pair<L, R>) => void,
): boolean {
  const queue: Pair<L, R>[] = [];
  const seen = new Set<number>();
  const width = (after?.states.length ?? 0) + 1;
  const limit = MAX_PAIRS + 4 * ((before?.states.length ?? 0) + width);
  const push = (left: number | undefined, right: number | undefined, path: string) => {
    const id = ((left ?? -1) + 1) * width + (right ?? -1) + 1;
    if (id === 0 || seen.has(id)) return;
    seen.add(id);
    queue.push({
      before: left === undefined ? undefined : before?.states[left],
      after: right === undefined ? undefined : after?.states[right],
      path,
    });
  };
  push(before && 0, after && 0, '');
  for (let index = 0; index < queue.length; index++) {
    const pair = queue[index];
    if (!pair || queue.length > limit) return false;
    visit(pair);
    pushNext(pair, push);
  }
  return true;
}

type Push = (before: number | undefined, after: number | undefined, path: string) => void;

function pushNext<L, R>({ before, after, path }: Pair<L, R>, push: Push): void {
  for (const [text, next] of before?.literals ?? []) push(next, step(after, text), `${path}/${text}`);
  for (const [text, next] of after?.literals ?? []) {
    if (!before?.literals.has(text)) push(step(before, text), next, `${path}/${text}`);
  }
  for (const type of PARAMETER_TYPES) {
    const left = before?.parameters[type];
    const right = after?.parameters[type];
    if (left === undefined && right === undefined) continue;
    push(
      left,
      right,
      `${path}/${freshSegment(type, (text) => [before, after].some((state) => state?.literals.has(text)))}`,
    );
  }
}

function step<T>(state: State<T> | undefined, text: string): number | undefined {
  if (!state) return undefined;
  const next = state.literals.get(text);
  if (next !== undefined) return next;
  // Most states have no parameters, and finding the class of a segment may take seven regular expressions.
  if (Object.keys(state.parameters).length === 0) return undefined;
  const type = classify(text);
  return type && state.parameters[type];
}
