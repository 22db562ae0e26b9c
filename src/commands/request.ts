import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { type Address, type CidrSet, contains, hostOf, parseAddress, subtract } from '../policy/cidr.ts';
import { type Decision, type Evaluator, evaluatorOf } from '../policy/decide.ts';
import { proxyAsked } from '../policy/hosts.ts';
import {
  type Credential,
  clientAddress,
  credentialOf,
  type HeaderFields,
  type ProxyRequest,
} from '../policy/request.ts';
import type { Policy, Proxy } from '../policy/types.ts';

/** A request as written in `tests:`, on the command line or in a log. */
export interface Asked {
  readonly method: string;
  readonly target: string;
  /** Id of the key that the client sends. */
  readonly apiKey?: string | undefined;
  /** What is known about the key, if no id is given. */
  readonly credential?: Credential | undefined;
  readonly from?: string | undefined;
  readonly headers?: HeaderFields | undefined;
  readonly proxy?: string | undefined;
  /** Seconds since 1970. */
  readonly at: number;
}

/** The reason why a request cannot be decided. */
export interface Problem {
  readonly problem: string;
  readonly hint: string;
}

/** Returns one line without secrets and control characters, which the user may have typed or pasted by mistake. */
export function problemText({ problem, hint }: Problem): string {
  return printable(maskSecrets(`${problem}; ${hint}`));
}

export interface Decided {
  readonly request: ProxyRequest;
  readonly proxy: Proxy;
  readonly evaluator: Evaluator;
  readonly decision: Decision;
}

/** Returns a function that decides requests. Each proxy is prepared once, at its first request. */
export function decider(policy: Policy): (asked: Asked) => Decided | Problem {
  const evaluators = new Map<string, Evaluator>();
  return (asked) => {
    const named = proxyFor(policy, asked.proxy);
    if ('problem' in named) return named;
    const proxy = proxyAsked(policy.proxies, named, { ...asked, headers: withHost(asked, named) });
    const request = requestOf(asked, policy, proxy);
    if ('problem' in request) return request;
    const evaluator = evaluators.get(proxy.id) ?? evaluatorOf(policy, proxy);
    evaluators.set(proxy.id, evaluator);
    return { request, proxy, evaluator, decision: evaluator.decide(request) };
  };
}

/** Returns the headers, with a name of the proxy as Host if they have none. */
function withHost({ headers = [] }: Asked, { hosts: [host] }: Proxy): HeaderFields {
  const isNamed = headers.some(([name]) => name.toLowerCase() === 'host');
  return host === undefined || isNamed ? headers : [['Host', host], ...headers];
}

function proxyFor(policy: Policy, id: string | undefined): Proxy | Problem {
  const names = policy.proxies.map((proxy) => proxy.id).join(', ');
  const [only, second] = policy.proxies;
  if (!only) return { problem: 'the spec has no proxy to ask', hint: 'add one under proxies' };
  if (id === undefined && second) return { problem: 'the spec has several proxies', hint: `name one of: ${names}` };
  if (id === undefined) return only;
  return (
    policy.proxies.find((proxy) => proxy.id === id) ?? {
      problem: `unknown proxy "${id}"`,
      hint: `the spec has: ${names}`,
    }
  );
}

function requestOf(asked: Asked, policy: Policy, proxy: Proxy): ProxyRequest | Problem {
  const { method, target, at } = asked;
  const headers = withHost(asked, proxy);
  const credential = credentialFor(asked, policy, proxy);
  if ('problem' in credential) return credential;
  const peer = asked.from === undefined ? admitted(asked, policy, proxy) : parseAddress(asked.from);
  if (!peer) return { problem: `"${asked.from ?? ''}" is not an address`, hint: 'write an IPv4 or IPv6 address' };
  return { method, target, headers, credential, at, client: clientAddress(proxy.clientIp, peer, headers) };
}

function credentialFor(
  { apiKey, credential, headers = [] }: Asked,
  policy: Policy,
  proxy: Proxy,
): Credential | Problem {
  if (credential) return credential;
  // Secrets are not read here, so that a key in a header counts as missing, malformed or unknown.
  if (apiKey === undefined) return credentialOf(headers, proxy, () => undefined);
  if (policy.apiKeys.some((key) => key.id === apiKey)) return { kind: 'known', id: apiKey };
  const names = policy.apiKeys.map((key) => key.id);
  return {
    problem: `unknown key "${apiKey}"`,
    hint: names.length === 0 ? 'the spec has none' : `the spec has: ${names.slice(0, 20).join(', ')}`,
  };
}

/** Returns an address that both proxy and key admit, or else one that the proxy admits. */
function admitted({ apiKey }: Asked, policy: Policy, proxy: Proxy): Address | undefined {
  const own = policy.apiKeys.find((key) => key.id === apiKey)?.ranges;
  const common = own && intersection(proxy.ranges, own);
  const range = (common?.ranges[0] ? common : proxy.ranges).ranges[0];
  const host = range && hostOf(range);
  return host && contains(proxy.ranges, host) ? host : undefined;
}

function intersection(a: CidrSet, b: CidrSet): CidrSet {
  return subtract(a, subtract(a, b));
}
