import type { Diagnostic, Severity } from '../diagnostics/diagnostic.ts';
import type { Locator } from '../diagnostics/resolve.ts';
import { type AccessChange, type Example, mayWiden } from '../policy/diff/types.ts';

/** The texts that places of access changes point into. */
export interface Versions {
  readonly before: Locator | undefined;
  readonly after: Locator | undefined;
}

/** Access changes as findings at the line of the version that has it. */
export function accessDiagnostics(changes: readonly AccessChange[], { before, after }: Versions): Diagnostic[] {
  return changes.map((change): Diagnostic => {
    const { at, kind, message, example } = change;
    const locator = at.version === 'before' ? before : after;
    const place = locator && { file: locator.file.name, text: locator.file.text, ...locator.locate(at.path, 'value') };
    return {
      code: `access/${kind}`,
      severity: severityOf(change),
      message: `${message}${proxyWords(change)}`,
      at: at.path,
      ...(place && { place }),
      ...(example && { hint: `for example ${exampleWords(example)}` }),
    };
  });
}

function severityOf(change: AccessChange): Severity {
  return mayWiden(change) ? 'error' : 'warning';
}

/** A proxy is named where the sentence does not do so. */
function proxyWords({ proxies, kind }: AccessChange): string {
  if (proxies.length === 0 || kind.startsWith('proxy-') || kind === 'addresses') return '';
  return ` (${proxies.length === 1 ? 'proxy' : 'proxies'} ${proxies.join(', ')})`;
}

/** The example in one line: what is asked, by whom, and the two decisions. */
export function exampleWords(example: Example): string {
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
