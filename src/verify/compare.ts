import { HIDDEN_RESPONSE_HEADERS } from '../policy/headers.ts';
import { STATUS_MESSAGES, statusBody } from '../policy/statuses.ts';
import type { Proxy, Upstream } from '../policy/types.ts';
import { corsProblems } from './compareCors.ts';
import { upstreamProblems } from './compareUpstream.ts';
import { type Answered, type Exchange, isLast } from './exchange.ts';
import type { Expectation, Expected, Problem } from './expect.ts';
import { fieldOf } from './http1.ts';
import type { ProxyFixture } from './proxyFixture.ts';
import type { RawResponse } from './raw.ts';
import type { ReadRequest } from './reading.ts';
import type { Answer } from './recorder.ts';
import type { Secrets } from './secrets.ts';
import { ADDRESSED_HEADERS, originsOf } from './upstreams.ts';

/** The statuses with which engines refuse what they cannot parse; 405 is for methods that they never accept. */
const REFUSALS = [400, 405, 408, 411, 413, 414, 417, 421, 431, 494, 501, 505];

/** What the engine did wrong in an exchange. */
export function problemsOf({ expected, end }: Expectation, { answers, extra }: Exchange): Problem[] {
  const problems: Problem[] = [];
  let refused = false;
  for (const [index, each] of expected.entries()) {
    if (refused) break;
    const answer = answers[index];
    // A server that announced the end of the connection need not read on, RFC 9112 §9.6.
    const previous = answers[index - 1];
    if (!answer && previous && isLast(previous.response)) break;
    const found = oneProblem(each, answer);
    problems.push(...found.map((problem) => ({ ...problem, index })));
    refused = answer === undefined || found.length > 0 || REFUSALS.includes(answer.response.status);
  }
  const smuggled = extra.find(({ arrival }) => arrival);
  if (smuggled)
    problems.push({
      kind: 'smuggled',
      text: `the upstream got "${smuggled.arrival?.request.head.split('\r\n')[0]}" from bytes that are no request${reasonOf(end)}`,
    });
  else if (typeof end === 'object' && !end.late && extra[0] && extra[0].response.status < 400)
    problems.push({
      kind: 'malformed-accepted',
      text: `answered ${extra[0].response.status} to bytes that are no request${reasonOf(end)}`,
    });
  else if (end === 'clean' && extra.length > 1)
    problems.push({ kind: 'desynchronised', text: `answered ${extra.length - 1} more requests than were sent` });
  return problems;
}

function reasonOf(end: Expectation['end']): string {
  return typeof end === 'object' ? ` (${end.malformed})` : '';
}

function oneProblem(expected: Expected, answer: Answered | undefined): Problem[] {
  const { decision, fixture } = expected;
  const status = answer?.response.status;
  const arrival = answer?.arrival;
  if (!arrival && isRefusal(expected, status)) return [];
  if (decision.kind !== 'forward' && arrival) {
    return [
      {
        kind: 'forwarded',
        text: `forwarded, although the answer is ${decision.status}: the upstream got "${arrival.request.head.split('\r\n')[0]}"`,
      },
    ];
  }
  if (status === undefined || !answer) return [{ kind: 'closed', text: 'the connection was closed without an answer' }];
  if (isPreconditionRefusal(expected) && [400, 412].includes(status)) return [];
  if (isServerWide(expected) && status === 200 && answer.response.body.length === 0) return [];
  if (decision.kind !== 'forward') return deniedProblems(expected, answer, fixture);
  if (!arrival && status === 413 && isTooLarge(expected)) return [];
  if (!arrival)
    return [
      {
        kind: `not-forwarded ${status}`,
        text: `answered ${status} ${STATUS_MESSAGES[status] ?? ''}, although the request is allowed`,
      },
    ];
  return [
    ...upstreamProblems(expected, arrival, fixture),
    ...answerProblems(contextOf(expected, answer, fixture)),
    ...corsProblems(expected, answer.response),
    ...forwardedAnswerProblems(expected, answer, fixture),
  ];
}

/** Whether the engine refused a request that it may refuse. */
function isRefusal({ refusable, loose, midway }: Expected, status: number | undefined): boolean {
  if (refusable === undefined) return false;
  if (status === undefined || REFUSALS.includes(status)) return true;
  return (loose && [401, 403, 404, 415].includes(status)) || (midway && status === 502);
}

/**
 * `OPTIONS *` asks about the server itself. Go answers it before it consults any configuration, and never forwards it.
 */
function isServerWide({ request: { method, target } }: Expected): boolean {
  return method === 'OPTIONS' && target === '*';
}

/** nginx applies If-Match and If-Unmodified-Since to its own answers, and no configuration turns that off. */
function isPreconditionRefusal({ decision, request: { fields } }: Expected): boolean {
  return (
    decision.kind === 'answer' &&
    decision.status === 200 &&
    fields.some(([name]) => /^if-(?:match|unmodified-since)$/i.test(name))
  );
}

/** Whether a body exceeds the limit of a route. An engine may forward a chunked one before it sees that. */
function isTooLarge({ decision, request }: Expected): boolean {
  if (decision.kind !== 'forward') return false;
  const { maxBody } = decision.forwarding;
  return maxBody !== undefined && request.body.length > maxBody;
}

function contextOf({ request }: Expected, { response }: Answered, fixture: ProxyFixture): AnswerContext {
  return { response, proxy: fixture.proxy, request, secrets: fixture.secrets };
}

/** The id of the request in the body of an error, by which the access log names it. */
export function requestIdIn(response: RawResponse): string | undefined {
  return /,"id":"([0-9a-f-]{5,36})"\}\s*$/.exec(response.text())?.[1];
}

function deniedProblems(expected: Expected, answer: Answered, fixture: ProxyFixture): Problem[] {
  const { decision, request } = expected;
  if (decision.kind === 'forward') return [];
  const { response } = answer;
  if (response.status !== decision.status) {
    const why = decision.kind === 'deny' ? ` (${decision.reason})` : '';
    return [
      {
        kind: `status ${response.status} for ${decision.status}`,
        text: `answered ${response.status} instead of ${decision.status}${why}`,
      },
    ];
  }
  const context = contextOf(expected, answer, fixture);
  // The refusal of a misdirected request has no response headers of any proxy.
  const isOwn = decision.kind === 'answer' || decision.reason !== 'misdirected';
  const problems = answerProblems(isOwn ? context : { ...context, proxy: { ...context.proxy, responseHeaders: [] } });
  problems.push(...corsProblems(expected, response));
  const withoutBody = request.method === 'HEAD' || [204, 304].includes(response.status);
  const body = decision.kind === 'answer' ? decision.body : statusBody(decision.status, requestIdIn(response) ?? '…');
  if (!withoutBody && response.text().trim() !== body)
    problems.push({
      kind: 'error-body',
      text: `the body is ${JSON.stringify(response.text().slice(0, 200))} instead of ${body}`,
    });
  if (!withoutBody && body !== '' && !/^application\/json\b/.test(response.field('content-type') ?? ''))
    problems.push({
      kind: 'error-type',
      text: `the Content-Type is ${response.field('content-type') ?? 'missing'} instead of application/json`,
    });
  const { id, apiKeyScheme } = fixture.proxy;
  const challenge = response.status === 401 && apiKeyScheme ? `${apiKeyScheme} realm="${id}"` : undefined;
  if (decision.kind === 'deny' && response.field('www-authenticate') !== challenge)
    problems.push({
      kind: 'challenge',
      text: `WWW-Authenticate is ${response.field('www-authenticate') ?? 'missing'} instead of ${challenge ?? 'nothing'}`,
    });
  const allow = decision.kind === 'deny' ? decision.allow?.join(', ') : undefined;
  if (allow !== undefined && response.field('allow') !== allow)
    problems.push({ kind: 'allow', text: `Allow is ${response.field('allow') ?? 'missing'} instead of ${allow}` });
  return problems;
}

function forwardedAnswerProblems(
  { request }: Expected,
  { response, arrival }: Answered,
  { policy, proxy }: ProxyFixture,
): Problem[] {
  if (!arrival) return [];
  const { answer } = arrival;
  const problems: Problem[] = [];
  if (response.status !== answer.status)
    problems.push({ kind: 'answer-status', text: `passed on ${answer.status} of the upstream as ${response.status}` });
  if (request.method !== 'HEAD' && response.text() !== answer.body)
    problems.push({
      kind: 'answer-body',
      text: `passed on ${answer.body} of the upstream as ${JSON.stringify(response.text().slice(0, 200))}`,
    });
  const upstream = policy.upstreams.find(({ id }): boolean => id === arrival.upstream);
  return upstream
    ? [...problems, ...originProblems({ answer, upstream: upstream satisfies Upstream, response, request, proxy })]
    : problems;
}

interface AnswerContext {
  readonly response: RawResponse;
  readonly request: ReadRequest;
  readonly proxy: Proxy;
  readonly secrets: Secrets;
}

const HIDDEN = [...HIDDEN_RESPONSE_HEADERS, 'via'];

/** What is wrong with an answer, of those things that must hold for every answer but a parser's refusal. */
function answerProblems({ response, proxy, secrets }: AnswerContext): Problem[] {
  const problems: Problem[] = [];
  for (const { name, value } of proxy.responseHeaders) {
    if (response.field(name) !== value)
      problems.push({
        kind: `response-header ${name}`,
        text: `the answer's ${name} is ${response.field(name) ?? 'missing'} instead of ${value}`,
      });
  }
  const own = proxy.responseHeaders.map(({ name }) => name.toLowerCase());
  for (const name of HIDDEN) {
    if (response.field(name) !== undefined && !own.includes(name))
      problems.push({ kind: `hidden ${name}`, text: `the answer has ${name}: ${response.field(name)}` });
  }
  const server = response.field('server');
  if (server !== undefined && /\d/.test(server))
    problems.push({ kind: 'server', text: `the answer tells the engine's version: ${server}` });
  const all = `${response.fields.map(([, value]) => value).join('\n')}\n${response.body.toString('latin1')}`;
  if (secrets.leakIn(all) !== undefined) problems.push({ kind: 'leak', text: 'the answer holds a key or token' });
  return problems;
}

interface Mapped {
  readonly answer: Answer;
  readonly upstream: Upstream;
  readonly response: RawResponse;
  readonly request: ReadRequest;
  readonly proxy: Proxy;
}

/**
 * What is wrong with mapped headers: those with addresses must have the proxy's own origin, others stay as they were.
 */
function originProblems({ answer, upstream, response, request, proxy }: Mapped): Problem[] {
  const host = fieldOf(request.fields, 'host');
  // Without a Host there is no origin to map to.
  if (proxy.publicUrl === undefined && (host === undefined || host === '')) return [];
  const own = proxy.publicUrl ?? `${proxy.tls ? 'https' : 'http'}://${host}`;
  const problems: Problem[] = [];
  for (const name of ADDRESSED_HEADERS) {
    const sent = fieldOf(answer.fields ?? [], name);
    const due = sent === undefined ? undefined : mapOrigins(sent, upstream, own);
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

/**
 * Replaces an origin at the start of the value, of a link or of a realm, and only a whole one: `http://a` is not replaced in
 * `http://a.example`.
 */
function mapOrigins(value: string, upstream: Upstream, own: string): string {
  const known = mapped.get(upstream) ?? expressionOf(originsOf(upstream));
  mapped.set(upstream, known);
  return value.replace(known, (_, before: string) => before + own);
}

/** What `mapOrigins` replaces for each upstream; making the expression takes longer than replacing. */
const mapped = new WeakMap<Upstream, RegExp>();

function expressionOf(origins: readonly string[]): RegExp {
  const longest = [...new Set(origins)]
    .sort((a, b) => b.length - a.length)
    .map((origin) => origin.replace(/[.[\]\\]/g, '\\$&'));
  return new RegExp(`(^|[<"])(?:${longest.join('|')})(?=[/?#>"]|$)`, 'gi');
}
