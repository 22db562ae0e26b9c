import { HIDDEN_RESPONSE_HEADERS } from '../policy/headers.ts';
import type { Proxy, Upstream } from '../policy/types.ts';
import type { Problem } from './compare.ts';
import { fieldOf } from './http1.ts';
import type { RawResponse } from './raw.ts';
import type { ReadRequest } from './reading.ts';
import type { Answer } from './recorder.ts';
import type { Secrets } from './secrets.ts';
import { originsOf } from './upstreams.ts';

export interface AnswerContext {
  readonly response: RawResponse;
  readonly request: ReadRequest;
  readonly proxy: Proxy;
  readonly secrets: Secrets;
}

/** What must hold of every answer that the policy, not the parser, gave. */
export function answerProblems({ response, proxy, secrets }: AnswerContext): Problem[] {
  const problems: Problem[] = [];
  for (const { name, value } of proxy.responseHeaders) {
    if (response.field(name) !== value)
      problems.push({
        kind: `response-header ${name}`,
        text: `the answer's ${name} is ${response.field(name) ?? 'missing'} instead of ${value}`,
      });
  }
  for (const name of [...HIDDEN_RESPONSE_HEADERS, 'via']) {
    if (response.field(name) !== undefined)
      problems.push({ kind: `hidden ${name}`, text: `the answer has ${name}: ${response.field(name)}` });
  }
  const server = response.field('server');
  if (server !== undefined && /\d/.test(server))
    problems.push({ kind: 'server', text: `the answer tells the engine's version: ${server}` });
  const all = `${response.fields.map(([, value]) => value).join('\n')}\n${response.body.toString('latin1')}`;
  if (secrets.leakIn(all) !== undefined) problems.push({ kind: 'leak', text: 'the answer holds a key or token' });
  return problems;
}

export interface Mapped {
  readonly answer: Answer;
  readonly upstream: Upstream;
  readonly response: RawResponse;
  readonly request: ReadRequest;
  readonly proxy: Proxy;
}

/** Whether `Link` and `Location` came back with the proxy's own origin, and everything else as it was. */
export function originProblems({ answer, upstream, response, request, proxy }: Mapped): Problem[] {
  const host = fieldOf(request.fields, 'host');
  // Without a Host there is no origin to map to.
  if (proxy.publicUrl === undefined && (host === undefined || host === '')) return [];
  const own = proxy.publicUrl ?? `http://${host}`;
  const problems: Problem[] = [];
  for (const name of ['Link', 'Location']) {
    const sent = fieldOf(answer.fields ?? [], name);
    const due = sent === undefined ? undefined : mapOrigins(sent, originsOf(upstream), own);
    const got = response.field(name);
    if (got !== due)
      problems.push({
        kind: `origin ${name}`,
        text: `${name} came back as ${got ?? 'nothing'} instead of ${due ?? 'nothing'}`,
      });
  }
  const next = response.field('x-next-page');
  if (next !== '2')
    problems.push({ kind: 'answer-header', text: `X-Next-Page of the upstream came back as ${next ?? 'nothing'}` });
  return problems;
}

/** At the start of the value or of a link, and only where the origin ends there. */
function mapOrigins(value: string, origins: readonly string[], own: string): string {
  const longest = [...new Set(origins)]
    .sort((a, b) => b.length - a.length)
    .map((origin) => origin.replace(/[.[\]\\]/g, '\\$&'));
  return value.replace(
    new RegExp(`(^|<)(?:${longest.join('|')})(?=[/?#>]|$)`, 'gi'),
    (_, before: string) => before + own,
  );
}
