import type { AccessChange, Example } from '../policy/diff/types.ts';
import { shownChanges, type Versions } from './access.ts';

/** Changes for machines: everything that is known about them, addresses and keys in full. */
export function jsonAccess(changes: readonly AccessChange[], versions: Versions) {
  return shownChanges(changes, versions).map(({ change, message, place }) => {
    const { kind, effect, at, proxies, keys, addresses, example } = change;
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
      proxies,
      keys,
      addresses: addresses ?? null,
      example: example ? jsonExample(example) : null,
    };
  });
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
