import { printable } from '../diagnostics/printable.ts';
import { corsFields } from '../plan/cors.ts';
import { type ForwardPlan, forwardPlan, publicAddress } from '../plan/forwards.ts';
import { epochSeconds } from '../policy/dates.ts';
import { nothingElse } from '../policy/fields.ts';
import { PASSTHROUGH_CREDENTIAL_HEADERS } from '../policy/headers.ts';
import { credentialText } from '../policy/key.ts';
import type { HeaderFields } from '../policy/request.ts';
import { shadowEvaluatorOf } from '../policy/shadow.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { urlOf } from '../policy/upstreams.ts';
import { clientSets, clientText, jsonClient } from './clientSets.ts';
import type { Io, Status } from './io.ts';
import { jsonVerdict } from './jsonVerdict.ts';
import { excerptOf, type Locate, locator } from './location.ts';
import type { Format } from './print.ts';
import { headerProblem } from './question.ts';
import { nearestOf, reasonOf } from './reason.ts';
import { type Asked, type Decided, decider, type Problem, problemText } from './request.ts';
import type { Understood } from './spec.ts';

export interface Question {
  readonly method: string;
  readonly target: string;
  readonly key?: string | undefined;
  readonly from?: string | undefined;
  readonly at?: string | undefined;
  readonly proxy?: string | undefined;
  /** Each is `Name: value`. */
  readonly header?: readonly string[] | undefined;
  readonly format: Format;
}

/** Explains one request. Exit status 0 means allowed or answered, 1 denied. */
export function explainRequest(question: Question, understood: Understood, io: Io): Status {
  const { policy, document } = understood;
  const asked = askedBy(question, io.now);
  const decided = 'problem' in asked ? asked : decider(policy)(asked);
  if ('problem' in decided) {
    io.err(`postern: ${problemText(decided)}\n`);
    return 2;
  }
  const { decision } = decided;
  const forwarded = forwardedBy(decided, policy);
  const nearest = nearestOf(decided);
  const shadow = shadowedBy(decided, policy);
  const sets = clientSets(decided, understood);
  const told = corsFields(decided.proxy, decision, decided.request.headers);
  if (question.format === 'json') {
    const value = {
      ...jsonDecision(decided, locator(document)),
      reason: reasonOf(decided),
      ...(nearest && { nearest: { pattern: nearest.route.pattern.text, at: locator(document)(nearest.route.origin) } }),
      ...(sets.length > 0 && { client: jsonClient(sets, decided) }),
      ...(forwarded && { upstream: forwarded }),
      ...(told.length > 0 && { answer: { headers: told.map(([name, value]) => ({ name, value })) } }),
      ...(shadow && {
        shadow: { ...jsonDecision(shadow, locator(understood.shadowDocument ?? document)), reason: reasonOf(shadow) },
      }),
    };
    io.out(`${JSON.stringify(value, null, 2)}\n`);
  } else {
    io.out(
      `${headline(decided)}\n  because   ${reasonOf(decided)}\n${excerptOf(nearest?.route.origin ?? decision.at, document)}${clientText(sets, decided)}${forwarded ? forwardedText(forwarded) : ''}${toldText(told)}${shadow ? shadowText(shadow, understood) : ''}`,
    );
  }
  return decision.kind === 'deny' ? 1 : 0;
}

function askedBy({ method, target, key, from, at, proxy, header = [] }: Question, now: number): Asked | Problem {
  const moment = at === undefined ? now : epochSeconds(at);
  if (moment === undefined)
    return { problem: `"${at}" is not a date`, hint: 'write a UTC date such as 2027-06-30 or 2027-06-30T12:00:00Z' };
  const headers: HeaderFields = header.map((line) => [
    line.slice(0, line.indexOf(':')).trim(),
    line.slice(line.indexOf(':') + 1).trim(),
  ]);
  if (header.some((line) => line.indexOf(':') < 1))
    return { problem: 'a header is not "Name: value"', hint: 'write --header "Accept: text/plain"' };
  return headerProblem(headers) ?? { method, target, apiKey: key, from, proxy, headers, at: moment };
}

/** Returns the decision as JSON, which is also the answer to each line of a replayed log. */
export function jsonDecision({ decision }: Decided, locate: Locate) {
  return jsonVerdict(decision, locate);
}

/** Hides the query of a refused request: people paste credentials into it. */
function headline({ request, decision }: Decided): string {
  const target = decision.kind === 'deny' ? request.target.replace(/\?.*/s, '?…') : request.target;
  const verdict = decision.kind === 'forward' ? 'allow' : `${decision.kind} ${decision.status}`;
  return printable(`${verdict}: ${request.method} ${target}`);
}

function forwardedText({ url, method, target, headers }: Forwarded): string {
  const lines = [`${method} ${target}`, ...headers.map(({ name, value }) => `${name}: ${value}`)];
  return `  upstream  ${url}\n${lines.map((line) => `            ${line}\n`).join('')}`;
}

/** Returns the CORS headers of the answer, one a line. */
function toldText(told: HeaderFields): string {
  return told
    .map(([name, value], index) => `${index === 0 ? '  answer    ' : ' '.repeat(12)}${name}: ${value}\n`)
    .join('');
}

/** Returns the decision of the shadow on the same request; it has no effect on the answer. */
function shadowedBy({ request, evaluator }: Decided, policy: Policy): Decided | undefined {
  const shadow = shadowEvaluatorOf(policy, evaluator);
  if (!shadow) return undefined;
  const seen = shadow.seen(request);
  return {
    request: seen,
    proxy: shadow.evaluator.proxy,
    evaluator: shadow.evaluator,
    decision: shadow.decide(request),
  };
}

function shadowText(shadow: Decided, { document, shadowDocument = document }: Understood): string {
  const { decision } = shadow;
  const verdict = decision.kind === 'forward' ? 'allow' : `${decision.kind} ${decision.status}`;
  const at = nearestOf(shadow)?.route.origin ?? decision.at;
  return `  shadow    ${verdict}: ${reasonOf(shadow)}\n${excerptOf(at, shadowDocument)}`;
}

/** The request that the upstream gets. Secrets are shown by reference, not by value. */
interface Forwarded {
  readonly url: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

/** Returns `undefined` for a request that is not forwarded. */
function forwardedBy({ decision, request, proxy }: Decided, policy: Policy): Forwarded | undefined {
  if (decision.kind !== 'forward') return undefined;
  const { forwarding, key } = decision;
  const plan = forwardPlan(forwarding, policy);
  const { upstream, host } = plan;
  const token = key
    ? [{ name: upstream.tokenHeader, value: credentialText(upstream.tokenScheme, `<${key.token.text}>`) }]
    : [];
  return {
    url: urlOf(upstream),
    method: request.method,
    target: request.target,
    headers: [{ name: 'Host', value: host }, ...token, ...writtenAfresh(proxy), ...passing(request.headers, plan)],
  };
}

function writtenAfresh({ publicUrl }: Proxy): { name: string; value: string }[] {
  const afresh = (name: string) => ({ name, value: '<written afresh>' });
  const [client, address] = [afresh('X-Forwarded-For'), afresh('X-Real-IP')];
  if (publicUrl === undefined) return [client, afresh('X-Forwarded-Host'), afresh('X-Forwarded-Proto'), address];
  return [client, ...publicAddress(publicUrl).map(([name, value]) => ({ name, value })), address];
}

function passing(
  headers: Decided['request']['headers'],
  { forwarding, passed }: ForwardPlan,
): { name: string; value: string }[] {
  // `nothingElse` makes the compiler report a new field of `forwarding` that is not shown. Of those left out here, the
  // headers are in `passed`, the upstream is shown by its URL, and a body that is not taken is not forwarded.
  const { auth, headers: _h, websocket: _w, upstream: _u, contentTypes: _c, maxBody: _m, ...rest } = forwarding;
  nothingElse(rest);
  const credentials = auth === 'passthrough' ? PASSTHROUGH_CREDENTIAL_HEADERS : [];
  return headers
    .filter(([name]) => passed.includes(name.toLowerCase()))
    .map(([name, value]) => ({ name, value: credentials.includes(name.toLowerCase()) ? "<the client's own>" : value }));
}
