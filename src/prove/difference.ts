import { CORS_RESPONSE_HEADERS, corsFields } from '../plan/cors.ts';
import { forwardPlan, toldAddress } from '../plan/forwards.ts';
import { HIDDEN_ADDRESS_HEADERS } from '../policy/answerHeaders.ts';
import { parseAddress } from '../policy/cidr.ts';
import type { Decision } from '../policy/decide.ts';
import { authorityOf, hostAndPort } from '../policy/origin.ts';
import type { ApiKey, Forwarding, Policy, Upstream } from '../policy/types.ts';
import { CannotTell, matches, type Part, pieceOf } from './explore.ts';
import { lazily } from './lazily.ts';
import { NOTHING, onlyText, wholly } from './matching.ts';
import type { Answered, Forwarded, Outcome } from './model.ts';
import { atMost } from './numbers.ts';
import { CALLER, CALLERS_TOKEN, PEER, type SymbolicRequest } from './request.ts';
import { isOfUpgrade, upgradeDifference } from './upgrades.ts';

export interface Question {
  readonly request: SymbolicRequest;
  readonly policy: Policy;
}

/** The value of a header that is sent as the client sent one. */
const COPIED = /^<header ([^<>]*)>(<even without a value>)?$/;
/** A header that no spec names. */
const OTHER = 'x-of-any-name';

/** Statuses of answers that have no body, whatever is written. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

/** Values of Host that are names or addresses. An engine may refuse any other before all other checks. */
const HOST = lazily(() => wholly('(?:(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?)?'));

/** Returns in words what a file does differently from the spec; `undefined` where it does the same. */
export function differenceOf(outcome: Outcome, decision: Decision, question: Question): string | undefined {
  const own = outcome.kind === 'answer' ? ofAnswer(outcome, decision) : ofForward(outcome, decision, question);
  const found = own ?? pageDifference(outcome, decision, question);
  if (found === undefined || outcome.kind !== 'answer' || outcome.status !== 400) return found;
  return matches(question.request.run, question.request.hostHeader(), HOST()) ? found : undefined;
}

/** What pages of other origins are told otherwise than the spec says. */
function pageDifference(outcome: Outcome, decision: Decision, { request }: Question): string | undefined {
  const { proxy } = request.world;
  // Some look at the size last, when another check may have answered.
  if (decision.kind === 'deny' && decision.reason === 'head-size') return undefined;
  const written = proxy.responseHeaders.map(({ name, value }) => [name, value] as const);
  const fields = [...corsFields(proxy, decision, request.pageHeaders()), ...written];
  const wanted = new Map(fields.map(([name, value]) => [name.toLowerCase(), value] as const));
  const names = [...new Set([...wanted.keys(), ...outcome.pages.keys()])].filter((name) =>
    /^access-control-/.test(name),
  );
  for (const name of names) {
    const told = textOf(outcome.pages.get(name) ?? []);
    const own = COPIED.exec(told)?.[1];
    const value = wanted.get(name) ?? '';
    // What the client sent may be what it should be told.
    if (own !== undefined && matches(request.run, clientsOwn(own, request), onlyText(value))) continue;
    if (told !== value) return `${name}: ${told} instead of ${value || 'nothing'}`;
  }
  if (!proxy.cors || outcome.kind !== 'forward') return undefined;
  const passed = CORS_RESPONSE_HEADERS.find((name) => !outcome.hidden.has(name));
  return passed && `${passed} of the upstream passes`;
}

function ofAnswer(outcome: Answered, decision: Decision): string | undefined {
  if (decision.kind === 'forward') return `${outcome.status} instead of forwarding`;
  // An engine may check the size of the head last, after another check has refused the request.
  if (decision.kind === 'deny' && decision.reason === 'head-size' && outcome.status >= 400) return undefined;
  if (outcome.status !== decision.status) return `${outcome.status} instead of ${decision.status}`;
  const allow = textOf(outcome.allow ?? []);
  const wanted = decision.kind === 'deny' ? (decision.allow?.join(', ') ?? '') : '';
  if (allow !== wanted) return `Allow: ${allow} instead of ${wanted}`;
  if (decision.kind === 'answer' && !BODILESS.has(outcome.status) && outcome.body !== decision.body)
    return 'another body';
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
  // 0 is no limit.
  const { maxBody = 0 } = decision.forwarding;
  if (request.body() === 'chunked' && outcome.maxBody !== maxBody)
    throw new CannotTell(
      `bodies of unknown length may have ${outcome.maxBody || 'any number of'} bytes instead of ${maxBody || 'any number'}`,
    );
  const upstream = policy.upstreams.find(({ id }) => id === decision.forwarding.upstream);
  if (!upstream) throw new Error('a forwarding has an upstream');
  // How often one is named decides only how often it is chosen.
  const servers = new Set(upstream.servers.map(hostAndPort));
  if (outcome.scheme !== upstream.scheme || !isSame(new Set(outcome.servers), servers))
    return 'forwarded to somewhere else';
  const unsure = tlsDifference(outcome, upstream);
  if (unsure !== undefined) return unsure;
  if (!outcome.isWhole) return 'forwarded with another target';
  if (outcome.obeys) return 'the upstream can order another answer';
  const { passed } = forwardPlan(decision.forwarding, policy);
  const { forwarding, key } = decision;
  const sent = headerDifference(outcome, upstream, { request, forwarding, key, passed });
  const shown = HIDDEN_ADDRESS_HEADERS.find((name) => !outcome.hidden.has(name));
  return sent ?? (shown && `${shown} of the upstream passes`);
}

function isSame(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return one.size === other.size && [...one].every((each) => other.has(each));
}

/** Returns how the check of the upstream's certificate differs: another certificate may be that of another server. */
function tlsDifference({ tls: { verified, name, tellsName } }: Forwarded, { tls }: Upstream): string | undefined {
  if (!tls) return undefined;
  if (verified === tls.insecureSkipVerify)
    return verified
      ? 'forwarded only to an upstream with a good certificate'
      : 'forwarded without a check of the certificate';
  if (name === undefined || textOf(name) !== tls.serverName) return 'forwarded to another name in TLS';
  // No engine tells an address.
  const isTold = tellsName !== false || parseAddress(tls.serverName) !== undefined;
  return isTold ? undefined : 'forwarded without a name in TLS';
}

/** Returns whether the body is within the limit of the file, in bytes; 0 is no limit. */
function fits(request: SymbolicRequest, most: number): boolean {
  if (most === 0 || request.body() !== 'length') return true;
  return matches(request.run, request.contentLength(), atMost(most));
}

interface Sent {
  readonly request: SymbolicRequest;
  readonly forwarding: Forwarding;
  readonly key: ApiKey | undefined;
  /** Headers of the client that pass, in lower case. */
  readonly passed: readonly string[];
}

/** Returns how the headers that go upstream differ: the token, Host, and which headers of the client pass. */
function headerDifference(
  { headers, passesOthers, place }: Forwarded,
  upstream: Upstream,
  { request, forwarding, key, passed }: Sent,
): string | undefined {
  const tokenHeader = upstream.tokenHeader.toLowerCase();
  const passing = new Set(passed);
  const scheme = upstream.tokenScheme === undefined ? '' : `${upstream.tokenScheme} `;
  const token = key && forwarding.auth === 'apiKey' ? CALLERS_TOKEN : undefined;
  const sent = textOf(headers.get(tokenHeader) ?? []);
  if (token !== undefined && !namesOf(token, request).some((name) => sent === `${scheme}<${name}>`))
    return `the upstream does not get the token of ${key?.id}`;
  if (textOf(headers.get('host') ?? []) !== authorityOf(upstream)) return 'another Host is sent';
  for (const [name, value] of headers) {
    const text = textOf(value);
    const isToken = name === tokenHeader && token !== undefined;
    if (!isToken && value.some((part) => typeof part === 'object' && 'secret' in part))
      return `a token is sent in ${name}`;
    if (isOfUpgrade(name)) continue;
    const [, own, isEven] = COPIED.exec(text) ?? [];
    // The check of Host has passed it as a name.
    if (own === 'host' && name === ASKED_HOST && request.world.proxy.publicUrl === undefined) continue;
    if (own === name && passing.has(name) && isEven && matches(request.run, request.header(name), NOTHING()))
      return `${name} is sent without a value`;
    if (own !== undefined && (own !== name || !passing.has(name))) {
      // One without a value tells the upstream nothing.
      if (!matches(request.run, clientsOwn(own, request), NOTHING())) return `the client's ${own} is sent as ${name}`;
      continue;
    }
    if (own === undefined && passing.has(name) && !isToken) return `${name} is not passed on`;
  }
  if (passesOthers && !headers.has(OTHER) && !matches(request.run, request.header(OTHER), NOTHING()))
    return 'all headers of the client are sent';
  // What the client did not send cannot be missing.
  const missing = [...passing].find(
    (name) => !headers.has(name) && !matches(request.run, request.header(name), NOTHING()),
  );
  if (missing !== undefined) return `${missing} is not passed on`;
  // Among all headers of the client, what the engine adds is not seen.
  if (passesOthers) return undefined;
  const isOwn = (name: string, text: string) =>
    name === 'host' || passing.has(name) || (name === tokenHeader && token !== undefined) || COPIED.test(text);
  const added = addedDifference(headers, isOwn, { request });
  return added ?? upgradeDifference({ headers, place }, request, forwarding.websocket);
}

/** The header of the client that is copied. */
function clientsOwn(name: string, request: SymbolicRequest): readonly Part[] {
  return name === 'host' ? request.hostHeader() : request.header(name);
}

/** Headers that tell the upstream who asked. */
const OF_CLIENT = ['x-forwarded-for', 'x-real-ip'];
/** That tells it which host was asked for, where the spec has no address of its own. */
const ASKED_HOST = 'x-forwarded-host';

/**
 * Returns how the headers differ that the engine adds by itself: an upstream may believe any of them, such as one that
 * names another method or user.
 */
function addedDifference(
  headers: Forwarded['headers'],
  isOwn: (name: string, text: string) => boolean,
  { request }: Pick<Sent, 'request'>,
): string | undefined {
  const { proxy } = request.world;
  const outside = toldAddress(proxy);
  const missing = [...OF_CLIENT, ...outside.keys()].find((name) => textOf(headers.get(name) ?? []) === '');
  if (missing !== undefined) return `${missing} is not sent`;
  if (proxy.publicUrl === undefined && textOf(headers.get(ASKED_HOST) ?? []) === '') return `${ASKED_HOST} is not sent`;
  for (const [name, value] of headers) {
    const text = textOf(value);
    if (isOwn(name, text) || text === '' || isOfUpgrade(name)) continue;
    const wanted = outside.get(name);
    if (OF_CLIENT.includes(name) || wanted !== undefined) {
      if (text === (wanted ?? `<hop ${request.hops.client()}>`)) continue;
      if (text === `<${PEER}>`) request.hops.comeThroughProxy();
      return `another ${name} is sent`;
    }
    if (name !== ASKED_HOST || proxy.publicUrl !== undefined) return `${name} is sent, too`;
    if (text !== textOf(request.hostHeader())) return `another ${name} is sent`;
  }
  return undefined;
}

/** Names of the secret that is the token of a caller: where only one is left, that of its own, too. */
function namesOf(token: string, { run }: SymbolicRequest): readonly string[] {
  const { only } = pieceOf(run, CALLER);
  return only === undefined ? [token] : [token, `token of ${only}`];
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
