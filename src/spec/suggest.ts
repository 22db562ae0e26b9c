/** The candidate that was probably meant; `undefined` where none is close. */
export function suggest(text: string, candidates: readonly string[]): string | undefined {
  const wanted = text.toLowerCase();
  const scored = candidates.map((candidate) => ({ candidate, steps: distance(wanted, candidate.toLowerCase()) }));
  const best = scored.reduce((a, b) => (b.steps < a.steps ? b : a), { candidate: '', steps: Number.POSITIVE_INFINITY });
  // A third of the letters may differ, and one in short words.
  return best.steps <= Math.max(1, Math.floor(Math.min(text.length, best.candidate.length) / 3))
    ? best.candidate
    : candidates.find((candidate) => singular(candidate.toLowerCase()) === singular(wanted));
}

/** `proxies` → `proxy`. */
function singular(word: string): string {
  return word.replace(/ies$/, 'y').replace(/s$/, '');
}

/** How many letters have to be added, removed, replaced or swapped with a neighbour to turn `a` into `b`. */
function distance(a: string, b: string): number {
  // Nothing in a spec has a name this long, and the table grows with the square.
  if (a.length > 64 || b.length > 64) return Number.POSITIVE_INFINITY;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + same,
          swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
