/** Whether a version is at least `from` and still before `below`. */
export function isWithin(
  version: string,
  { from, below }: { readonly from: string; readonly below?: string },
): boolean {
  return compare(version, from) >= 0 && (below === undefined || compare(version, below) < 0);
}

function compare(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (const [i, number] of left.entries()) {
    const difference = number - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
