import type { Decision } from '../../src/policy/decide.ts';
import type { Probe } from '../../src/verify/draft.ts';
import type { Expectation } from '../../src/verify/expect.ts';
import type { Secrets } from '../../src/verify/secrets.ts';

/** A request as a case writes it: `\r\n` and `\xHH` for bytes, `<key of ID>` for a key. */
export function probeFrom(request: string, proxy: string, secrets: Secrets): Probe {
  const bytes = request
    .trim()
    .replace(
      /\\(r|n|t|\\|x[0-9a-f]{2})/g,
      (_, escape: string) => ESCAPES[escape] ?? String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
    );
  const raw = bytes.replace(/<key of ([\w-]+)>/g, (_, id: string) => secrets.keysOf(id)[0] ?? '');
  return { proxy: proxy.trim(), peer: '127.0.0.1', raw };
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' };

/** What the evaluator says about each request of a probe, a line each. */
export function decisionsOf({ expected, end }: Expectation): string {
  const lines = expected.map(
    ({ decision, refusable }) =>
      `${inWords(decision)}${refusable === undefined ? '' : `; may be refused for ${refusable}`}`,
  );
  const last = typeof end === 'object' ? [`malformed: ${end.malformed}`] : end === 'incomplete' ? ['incomplete'] : [];
  return `${[...lines, ...last].join('\n')}\n`;
}

function inWords(decision: Decision): string {
  if (decision.kind === 'deny') return `${decision.status} ${decision.reason}`;
  return decision.kind === 'answer' ? `answer ${decision.status}` : `forward ${decision.route}`;
}
