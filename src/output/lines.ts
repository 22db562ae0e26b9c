import { diffArrays } from 'diff';

/** Consecutive lines that both texts have, or only one of them. */
export interface Stretch {
  readonly kind: 'both' | 'before' | 'after';
  readonly lines: string[];
}

/** Most edits that are searched for between two anchors. A gap with more is shown as replaced as a whole. */
const MAX_EDITS = 200;

interface Window {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * Returns the difference of two lists of lines. The plain algorithm takes minutes for 100,000 changed lines, so lines
 * that occur exactly once on each side serve as anchors, and only the gaps between anchors are compared.
 */
export function compareLines(before: readonly string[], after: readonly string[]): Stretch[] {
  const stretches: Stretch[] = [];
  betweenCommonEnds(stretches, { before, after }, (middle) => {
    let [b, a] = [0, 0];
    for (const [nextB, nextA] of anchorsOf(middle)) {
      fillGap(stretches, { before: middle.before.slice(b, nextB), after: middle.after.slice(a, nextA) });
      push(stretches, 'both', middle.before.slice(nextB, nextB + 1));
      [b, a] = [nextB + 1, nextA + 1];
    }
    fillGap(stretches, { before: middle.before.slice(b), after: middle.after.slice(a) });
  });
  return stretches;
}

/**
 * Adds the lines with which both sides begin and end, and calls `fill` for the middle. This keeps an inserted block in
 * one piece.
 */
function betweenCommonEnds(stretches: Stretch[], { before, after }: Window, fill: (middle: Window) => void): void {
  const head = commonLength(before, after, (list, index) => list[index]);
  const tail = commonLength(before.slice(head), after.slice(head), (list, index) => list[list.length - 1 - index]);
  push(stretches, 'both', before.slice(0, head));
  fill({ before: before.slice(head, before.length - tail), after: after.slice(head, after.length - tail) });
  push(stretches, 'both', before.slice(before.length - tail));
}

function commonLength(
  a: readonly string[],
  b: readonly string[],
  at: (list: readonly string[], index: number) => string | undefined,
): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && at(a, length) === at(b, length)) length++;
  return length;
}

function fillGap(stretches: Stretch[], gap: Window): void {
  betweenCommonEnds(stretches, gap, (middle) => fillMiddle(stretches, middle));
}

function fillMiddle(stretches: Stretch[], { before, after }: Window): void {
  const comparable = before.length > 0 && after.length > 0;
  const parts = comparable ? diffArrays([...before], [...after], { maxEditLength: MAX_EDITS }) : undefined;
  if (!parts) {
    push(stretches, 'before', before);
    push(stretches, 'after', after);
    return;
  }
  for (const part of parts) push(stretches, part.removed ? 'before' : part.added ? 'after' : 'both', part.value);
}

function push(stretches: Stretch[], kind: Stretch['kind'], lines: readonly string[]): void {
  if (lines.length === 0) return;
  const last = stretches.at(-1);
  if (last?.kind !== kind) stretches.push({ kind, lines: [...lines] });
  else for (const line of lines) last.lines.push(line);
}

/** Returns the anchors: line numbers on both sides of lines that occur once on each side and in the same order. */
function anchorsOf({ before, after }: Window): (readonly [number, number])[] {
  const places = uniquePlaces(after);
  const pairs = [...uniquePlaces(before)].flatMap(([line, b]): [number, number][] => {
    const a = places.get(line);
    return a === undefined ? [] : [[b, a]];
  });
  return longestRising(pairs);
}

/** Returns the index of each line that occurs once, in the order of the list (a Map keeps the order of insertion). */
function uniquePlaces(lines: readonly string[]): Map<string, number> {
  const places = new Map<string, number>();
  const repeated = new Set<string>();
  lines.forEach((line, index) => {
    if (places.has(line)) repeated.add(line);
    else places.set(line, index);
  });
  for (const line of repeated) places.delete(line);
  return places;
}

/** Returns the longest subsequence whose second numbers rise, by patience sorting: O(n log n). */
function longestRising(pairs: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const tops: number[] = [];
  const previous: number[] = [];
  pairs.forEach(([, value], index) => {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[tops[middle] ?? 0]?.[1] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    previous.push(low > 0 ? (tops[low - 1] ?? -1) : -1);
    tops[low] = index;
  });
  const rising: (readonly [number, number])[] = [];
  for (let index = tops.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) {
    const pair = pairs[index];
    if (pair) rising.push(pair);
  }
  return rising.reverse();
}
