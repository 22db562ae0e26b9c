import type { AccessChange, Example } from '../accessDiff/types.ts';
import { shownChanges, type Versions } from './access.ts';

/** A list of more keys than this is written once, because a hundred thousand changes may concern the same thousand. */
const INLINE = 20;

/** Changes for machines: everything that is known about them, addresses and keys in full. */
export function jsonAccess(changes: readonly AccessChange[], versions: Versions) {
  const keyLists: (readonly string[])[] = [];
  const numbers = new Map<string, number>();
  const known = new Map<readonly string[], number>();
  const numberOf = (keys: readonly string[]): number => {
    const text = JSON.stringify(keys);
    const number = numbers.get(text) ?? keyLists.push(keys) - 1;
    numbers.set(text, number);
    known.set(keys, number);
    return number;
  };
  const access = shownChanges(changes, versions).map(({ change, message, place, approval }) => {
    const { kind, effect, at, proxies, keys, addresses, example } = change;
    const short = keys.length <= INLINE;
    return {
      kind,
      effect,
      message,
      version: at.version,
      file: place?.file ?? null,
      line: place?.from?.line ?? null,
      col: place?.from?.column ?? null,
      endLine: place?.to?.line ?? null,
      endCol: place?.to?.column ?? null,
      approval,
      proxies,
      keys: short ? keys : null,
      keyList: short ? null : (known.get(keys) ?? numberOf(keys)),
      addresses: addresses ?? null,
      example: example ? jsonExample(example) : null,
    };
  });
  return { access, keyLists };
}

function jsonExample(example: Example) {
  if (example.kind === 'name') return example;
  const { key, at, headers, ...rest } = example;
  return {
    ...rest,
    headers: headers.map(([name, value]) => ({ name, value })),
    key: key ?? null,
    at: at === undefined ? null : new Date(at * 1000).toISOString().replace('.000Z', 'Z'),
  };
}
