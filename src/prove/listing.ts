import type { Regex } from './regex.ts';

/** A text that an expression matches, with what its groups take: the whole text first. */
type Listed = ReadonlyMap<string, readonly string[]>;

interface Part {
  readonly text: string;
  readonly groups: readonly string[];
}

/**
 * Returns the texts that an expression with anchors on both sides matches, if they are few; `undefined` otherwise. Where
 * it matches one in several ways, the groups are those of the way that is tried first.
 */
export function listed(regex: Regex, most: number): Listed | undefined {
  const items = regex.kind === 'sequence' ? regex.items : [];
  if (items[0]?.kind !== 'begin' || items.at(-1)?.kind !== 'end') return undefined;
  const parts = partsOf({ kind: 'sequence', items: items.slice(1, -1) }, most);
  if (!parts) return undefined;
  const found = new Map<string, readonly string[]>();
  for (const { text, groups } of parts) if (!found.has(text)) found.set(text, [text, ...groups]);
  return found;
}

/** Returns the texts in the order in which they are tried. Each has an entry for every group, "" where it takes nothing. */
function partsOf(regex: Regex, most: number): readonly Part[] | undefined {
  switch (regex.kind) {
    case 'bytes': {
      const bytes = [...regex.bytes.keys()].filter((byte) => regex.bytes[byte] === 1);
      return bytes.length > 40 ? undefined : bytes.map((byte) => ({ text: String.fromCharCode(byte), groups: [] }));
    }
    case 'group': {
      const own = partsOf(regex.item, most);
      return own?.map(({ text, groups }) => ({ text, groups: [text, ...groups] }));
    }
    case 'sequence':
      return regex.items.reduce<readonly Part[] | undefined>(
        (before, item) => before && joined(before, partsOf(item, most), most),
        [{ text: '', groups: [] }],
      );
    case 'either':
      return alternatives(regex.items, most);
    case 'repeat': {
      // Which repetition a group takes is not told here.
      if (regex.mode !== 'greedy' || regex.most !== 1 || groupCount(regex.item) > 0) return undefined;
      const own = partsOf(regex.item, most);
      return own && (regex.least === 1 ? own : [...own, { text: '', groups: [] }]);
    }
    default:
      return undefined;
  }
}

function alternatives(items: readonly Regex[], most: number): readonly Part[] | undefined {
  const counts = items.map(groupCount);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const found: Part[] = [];
  for (const [index, item] of items.entries()) {
    const own = partsOf(item, most);
    if (!own || found.length + own.length > most) return undefined;
    const before = counts.slice(0, index).reduce((sum, count) => sum + count, 0);
    const after = all - before - (counts[index] ?? 0);
    const none = (count: number) => Array.from({ length: count }, () => '');
    for (const { text, groups } of own)
      found.push(all === 0 ? { text, groups } : { text, groups: [...none(before), ...groups, ...none(after)] });
  }
  return found;
}

function joined(
  before: readonly Part[],
  after: readonly Part[] | undefined,
  most: number,
): readonly Part[] | undefined {
  if (!after || before.length * after.length > most) return undefined;
  return before.flatMap((one) =>
    after.map((other) => ({ text: one.text + other.text, groups: [...one.groups, ...other.groups] })),
  );
}

function groupCount(regex: Regex): number {
  switch (regex.kind) {
    case 'sequence':
    case 'either':
      return regex.items.reduce((sum, item) => sum + groupCount(item), 0);
    case 'group':
      return 1 + groupCount(regex.item);
    case 'repeat':
    case 'look':
      return groupCount(regex.item);
    default:
      return 0;
  }
}
