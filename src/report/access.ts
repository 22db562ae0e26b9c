import { type AccessChange, type Example, mayWiden } from '../accessDiff/types.ts';
import { maskSecrets } from '../diagnostics/mask.ts';
import { positionsByText } from '../diagnostics/position.ts';
import { printable } from '../diagnostics/printable.ts';
import type { Locator } from '../diagnostics/resolve.ts';
import type { FindingPlace, Level } from './sheet.ts';

/** The texts that places of access changes point into. */
export interface Versions {
  readonly before: Locator | undefined;
  readonly after: Locator | undefined;
  /** Whose approval a change needs. */
  readonly owners?: (change: AccessChange) => readonly string[];
}

/** A change with its line in the version that has it, in words that may be shown anywhere. */
export interface ShownChange {
  readonly change: AccessChange;
  readonly code: string;
  readonly level: Level;
  readonly message: string;
  /** A request that shows it. */
  readonly hint?: string;
  readonly place?: FindingPlace;
  /** Whose approval it needs, sorted; empty where nobody is named. */
  readonly approval: readonly string[];
}

/** In the order given. */
export function shownChanges(changes: readonly AccessChange[], versions: Versions): ShownChange[] {
  const place = { before: placer(versions.before), after: placer(versions.after) };
  return changes.map((change): ShownChange => {
    const { at, kind, message, example } = change;
    const found = place[at.version](at.path);
    return {
      change,
      code: `access/${kind}`,
      level: mayWiden(change) ? 'error' : change.effect === 'neutral' ? 'note' : 'warning',
      message: shown(`${message}${proxyWords(change)}`),
      ...(example && { hint: shown(`for example ${exampleWords(example)}`) }),
      ...(found && { place: found }),
      approval: (versions.owners?.(change) ?? []).map(shown),
    };
  });
}

/** Finds lines; what is known about a text is kept, because there may be a hundred thousand changes. */
function placer(locator: Locator | undefined): (path: AccessChange['at']['path']) => FindingPlace | undefined {
  if (!locator) return () => undefined;
  const position = positionsByText();
  return (path) => {
    const { file, text, start, end } = locator.locate(path, 'value');
    const at = position(text);
    return { file, from: at(start), to: at(Math.max(start, end)) };
  };
}

function shown(text: string): string {
  return printable(maskSecrets(text));
}

/** A proxy is named where the sentence does not do so. */
function proxyWords({ proxies, kind }: AccessChange): string {
  if (proxies.length === 0 || kind.startsWith('proxy-') || kind === 'addresses') return '';
  return ` (${proxies.length === 1 ? 'proxy' : 'proxies'} ${proxies.join(', ')})`;
}

/** The example in one line: what is asked, by whom, and the two decisions. */
function exampleWords(example: Example): string {
  const decisions = `${example.before} → ${example.after}`;
  if (example.kind === 'name') return `${example.name}: ${decisions}`;
  const { method, target, headers, key, from, at } = example;
  const header = (name: string) => headers.find(([field]) => field === name)?.[1];
  const [type, length] = [header('Content-Type'), header('Content-Length')];
  const parts = [
    `${method} ${target}`,
    ...(type === undefined ? [] : [`with a body of ${type}, ${length} bytes,`]),
    key ? `with key ${key.id}` : 'without a key',
    `from ${from}`,
    ...(at === undefined ? [] : [`on ${new Date(at * 1000).toISOString().replace('.000Z', 'Z')}`]),
  ];
  return `${parts.join(' ')}: ${decisions}`;
}
