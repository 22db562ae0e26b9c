import { forwardPlan } from '../plan/forwards.ts';
import type { Decision } from '../policy/decide.ts';
import { authorityOf } from '../policy/origin.ts';
import type { ApiKey, Forwarding, Policy, Upstream } from '../policy/types.ts';
import { atMost } from './decision.ts';
import { matches, type Part } from './explore.ts';
import { wholly } from './matching.ts';
import type { Answered, Forwarded, Outcome } from './model.ts';
import type { SymbolicRequest } from './request.ts';

export interface Question {
  readonly request: SymbolicRequest;
  readonly policy: Policy;
}

/** What engines take for the name of a host; what is none they may refuse before anything else. */
const HOST = wholly('(?:(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?)?');

/** In words, what a file does otherwise than the spec says; `undefined` where it does just that. */
export function differenceOf(outcome: Outcome, decision: Decision, question: Question): string | undefined {
  const found = outcome.kind === 'answer' ? ofAnswer(outcome, decision) : ofForward(outcome, decision, question);
  if (found === undefined || outcome.kind !== 'answer' || outcome.status !== 400) return found;
  return matches(question.request.run, question.request.hostHeader(), HOST) ? found : undefined;
}

function ofAnswer(outcome: Answered, decision: Decision): string | undefined {
  if (decision.kind === 'forward') return `${outcome.status} instead of forwarding`;
  // Some look at the size last, when another check may have refused the request.
  if (decision.kind === 'deny' && decision.reason === 'head-size' && outcome.status >= 400) return undefined;
  if (outcome.status !== decision.status) return `${outcome.status} instead of ${decision.status}`;
  const allow = textOf(outcome.allow ?? []);
  const wanted = decision.kind === 'deny' ? (decision.allow?.join(', ') ?? '') : '';
  if (allow !== wanted) return `Allow: ${allow} instead of ${wanted}`;
  if (decision.kind === 'answer' && outcome.body !== decision.body) return 'another body';
  return undefined;
}

function ofForward(outcome: Forwarded, decision: Decision, question: Question): string | undefined {
  const { request, policy } = question;
  const isSmall = fits(request, outcome.maxBody);
  if (!isSmall) {
    const status = decision.kind === 'forward' ? undefined : decision.status;
    return status === outcome.tooLarge ? undefined : `${outcome.tooLarge} instead of ${status ?? 'forwarding'}`;
  }
  if (decision.kind !== 'forward') return `forwarded instead of ${decision.status}`;
  const upstream = policy.upstreams.find(({ id }) => id === decision.forwarding.upstream);
  if (!upstream) throw new Error('a forwarding has an upstream');
  const servers = upstream.servers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).sort();
  if (outcome.scheme !== upstream.scheme || outcome.servers.join() !== servers.join())
    return 'forwarded to somewhere else';
  const unsure = tlsDifference(outcome, upstream);
  if (unsure !== undefined) return unsure;
  if (!outcome.isWhole) return 'forwarded with another target';
  const { passed } = forwardPlan(decision.forwarding, policy);
  return headerDifference(outcome, upstream, { forwarding: decision.forwarding, key: decision.key, passed });
}

/** Whoever has another certificate is another upstream. */
function tlsDifference({ tls: { verified, name } }: Forwarded, { tls }: Upstream): string | undefined {
  if (!tls) return undefined;
  if (verified === tls.insecureSkipVerify)
    return verified
      ? 'forwarded only to an upstream with a good certificate'
      : 'forwarded without a check of the certificate';
  return name === tls.serverName ? undefined : 'forwarded to another name in TLS';
}

/** Whether the body is not larger than the file takes. */
function fits(request: SymbolicRequest, most: number): boolean {
  if (most === 0 || request.body() !== 'length') return true;
  return matches(request.run, request.contentLength(), atMost(most));
}

interface Sent {
  readonly forwarding: Forwarding;
  readonly key: ApiKey | undefined;
  /** The client's headers that pass. */
  readonly passed: readonly string[];
}

/** The token, Host, and which of the client's headers pass. */
function headerDifference(
  { headers }: Forwarded,
  upstream: Upstream,
  { forwarding, key, passed }: Sent,
): string | undefined {
  const tokenHeader = upstream.tokenHeader.toLowerCase();
  const passing = new Set(passed);
  const scheme = upstream.tokenScheme === undefined ? '' : `${upstream.tokenScheme} `;
  const token = key && forwarding.auth === 'apiKey' ? `${scheme}<token of ${key.id}>` : undefined;
  if (token !== undefined && textOf(headers.get(tokenHeader) ?? []) !== token)
    return `the upstream does not get the token of ${key?.id}`;
  if (textOf(headers.get('host') ?? []) !== authorityOf(upstream)) return 'another Host is sent';
  for (const [name, value] of headers) {
    const text = textOf(value);
    const isToken = name === tokenHeader && token !== undefined;
    if (!isToken && value.some((part) => typeof part === 'object' && 'secret' in part))
      return `a token is sent in ${name}`;
    const own = /^<header (.*)>$/.exec(text)?.[1];
    // It passed as the name of a host.
    if (own === 'host' && name === 'x-forwarded-host') continue;
    if (own !== undefined && (own !== name || !passing.has(name))) return `the client's ${own} is sent as ${name}`;
    if (own === undefined && passing.has(name) && !isToken) return `${name} is not passed on`;
  }
  const missing = [...passing].find((name) => !headers.has(name));
  return missing === undefined ? undefined : `${missing} is not passed on`;
}

export function textOf(parts: readonly Part[]): string {
  return parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : 'secret' in part
          ? `<${part.secret}>`
          : 'piece' in part
            ? `<${part.piece}>`
            : '?',
    )
    .join('');
}
