import { type Access, accessOf, isOpen as asksNoKey, type RouteClass } from '../policy/access.ts';
import { API_KEY } from '../policy/apiKeys.ts';
import { parseAddress } from '../policy/cidr.ts';
import { type Decision, evaluatorOf } from '../policy/decide.ts';
import { identityOf } from '../policy/fields.ts';
import type { Credential, HeaderFields } from '../policy/request.ts';
import { FORWARDING } from '../policy/routes.ts';
import type { ApiKey, Policy, Proxy, Upstream } from '../policy/types.ts';
import { destinationOf } from '../policy/upstreams.ts';

/** A request from the view of its caller: with its secret, and without the id of the key. */
export interface Question {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderFields;
  readonly from: string;
  /** The secrets of the caller; empty if it sends no key. Each version is sent the one that it accepts. */
  readonly references: readonly string[];
  readonly at: number;
}

/** One side of the comparison of a proxy. If this version has no such proxy, no request gets through. */
export interface Version {
  readonly policy: Policy;
  readonly proxy: Proxy | undefined;
  readonly access: Access | undefined;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Keys by secret. */
  readonly keys: ReadonlyMap<string, ApiKey>;
  /** Number of secrets of each key, by id. */
  readonly numbers: ReadonlyMap<string, number>;
  decide(question: Question): Decision | undefined;
}

export function versionOf(policy: Policy, proxy: Proxy | undefined): Version {
  const evaluator = proxy && evaluatorOf(policy, proxy);
  const keys = new Map(policy.apiKeys.flatMap((key) => key.keys.map((reference) => [reference.text, key] as const)));
  const decide = ({ method, target, headers, from, references, at }: Question): Decision | undefined => {
    const client = parseAddress(from);
    if (!client) throw new Error(`${from} is no address`);
    const named: HeaderFields = proxy?.hosts[0] === undefined ? headers : [['Host', proxy.hosts[0]], ...headers];
    return evaluator?.decide({
      method,
      target,
      headers: named,
      client,
      at,
      credential: credentialOf(keys, references),
    });
  };
  const upstreams = new Map(policy.upstreams.map((upstream) => [upstream.id, upstream]));
  const numbers = new Map(policy.apiKeys.map((key) => [key.id, key.keys.length]));
  return { policy, proxy, access: proxy && accessOf(proxy), upstreams, keys, numbers, decide };
}

function credentialOf(keys: ReadonlyMap<string, ApiKey>, references: readonly string[]): Credential {
  if (references.length === 0) return { kind: 'missing' };
  const accepted = references.find((reference) => keys.has(reference));
  const key = accepted === undefined ? undefined : keys.get(accepted);
  return key ? { kind: 'known', id: key.id } : { kind: 'unknown' };
}

/** Returns whether requests of a route class need no key. */
export function isOpen(routeClass: RouteClass, { access }: Version): boolean {
  return asksNoKey(routeClass) || (routeClass.kind === 'answer' && access?.usesKeys !== true);
}

/**
 * Returns a decision as text. Two decisions have equal texts if caller and upstream see no difference. All refusals are
 * equal: neither 404 nor 405 grants anything.
 */
export function outcomeOf(decision: Decision | undefined, { upstreams }: Version): string {
  if (!decision || decision.kind === 'deny') return 'refused';
  if (decision.kind === 'answer') return JSON.stringify(['answer', decision.status, decision.body]);
  const { forwarding, key } = decision;
  // The id of an upstream has no meaning outside the spec, so its destination is compared.
  const forwarded = { ...forwarding, upstream: destinationOf(upstreams.get(forwarding.upstream)) };
  const how = identityOf(FORWARDING, forwarded, ({ shownBy }) => shownBy !== 'refusal');
  const sends = forwarding.auth === 'apiKey' && key;
  return JSON.stringify([how, sends && identityOf(API_KEY, key, ({ shownBy }) => shownBy === 'forwarding')]);
}

export function decisionWords(decision: Decision | undefined): string {
  if (!decision) return 'no such proxy';
  switch (decision.kind) {
    case 'forward':
      return `forwarded to ${decision.forwarding.upstream}`;
    case 'answer':
      return `answered with ${decision.status}`;
    case 'deny':
      return `refused with ${decision.status}`;
  }
}
