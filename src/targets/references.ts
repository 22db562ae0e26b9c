import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { plainReference } from '../policy/apiKeys.ts';
import { fingerprint } from '../policy/shortened.ts';
import type { Policy } from '../policy/types.ts';
import { driftCodes, renderAgain } from './live.ts';

/** What of each caller a file holds. */
type Held = 'keys' | 'tokens' | 'both';

const LINE = /^[ \t]*# of the references sha256:([0-9a-f]{16})\r?$/gm;

/**
 * Returns the text of a file with secrets under a comment that says which references they are of. A key that another
 * reference has replaced would otherwise look like the new one, since a comparison knows no values.
 */
export function ofReferences(text: string, policy: Policy, held: Held): string {
  return text.trim() === '' ? text : `# of the references sha256:${digestOf(policy, held)}\n${text}`;
}

/** Reports a file with secrets that are of other references than the spec's. A file without the comment tells nothing. */
export function referenceDrift(text: string, where: string, policy: Policy, held: Held): Diagnostic[] {
  const wanted = digestOf(policy, held);
  if ([...text.matchAll(LINE)].every(([, found]) => found === wanted)) return [];
  const params = { where, expected: 'those that the spec names', live: 'secrets of other references' };
  return [renderAgain(driftCodes.report('changed', ['apiKeys'], params))];
}

/** The order of callers has no meaning; that of a caller's keys is in the log. */
function digestOf({ apiKeys }: Policy, held: Held): string {
  const rows = apiKeys.map(({ id, keys, token }) => {
    const references = [...(held === 'tokens' ? [] : keys), ...(held === 'keys' ? [] : [token])];
    return JSON.stringify([id, ...references.map(({ text }) => plainReference(text))]);
  });
  return fingerprint(rows.sort().join('\n'));
}
