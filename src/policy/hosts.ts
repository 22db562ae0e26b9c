import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { policyCodes } from './codes.ts';
import { nameProblem } from './domains.ts';
import type { Difference } from './fields.ts';
import { headerValues, type ProxyRequest } from './request.ts';
import type { Proxy } from './types.ts';

/** Returns the names of a proxy, lower case and sorted. */
export function hostsOf(names: readonly string[] | undefined, at: SpecPath, problems: Diagnostic[]): string[] {
  const hosts = (names ?? []).flatMap((text, index) => {
    const name = text.replace(/\.$/, '').toLowerCase();
    const problem = text.includes('*')
      ? { problem: 'is a wildcard', hint: 'list the names one by one' }
      : nameProblem(name);
    if (!problem) return [name];
    problems.push(policyCodes.report('bad-domain', [...at, index], { name: text, ...problem }));
    return [];
  });
  return [...new Set(hosts)].sort();
}

/**
 * Returns the host name of a request, as engines compare it: the host of a target that is a whole URL, else the Host
 * header; without user information and port, in lower case, without a final dot. "" if there is none.
 *
 * User information names nobody: Caddy drops it before it looks, and nginx refuses such a target altogether.
 */
export function askedHost({ target, headers }: Pick<ProxyRequest, 'target' | 'headers'>): string {
  const [, named = ''] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(target) ?? [];
  return (named || headerValues(headers, 'host')[0] || '')
    .replace(/:[0-9]*$/, '')
    .replace(/\.$/, '')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Returns address and port of a listener: `0.0.0.0:8080`. Proxies that share a socket have equal texts. */
export function socketOf({ listen: { address = '0.0.0.0', port } }: Pick<Proxy, 'listen'>): string {
  return `${address}:${port}`;
}

/**
 * Returns the proxy that a request to the socket of `proxy` reaches: the one with the name of the request, else the one
 * without names, else `proxy` itself, which refuses it.
 */
export function proxyAsked(
  proxies: readonly Proxy[],
  proxy: Proxy,
  request: Pick<ProxyRequest, 'target' | 'headers'>,
): Proxy {
  const sharing = proxies.filter((other) => socketOf(other) === socketOf(proxy));
  const host = askedHost(request);
  return sharing.find(({ hosts }) => hosts.includes(host)) ?? sharing.find(({ hosts }) => hosts.length === 0) ?? proxy;
}

/**
 * Returns the proxies of each socket. One without names comes first: it gets the requests for names that no other has.
 */
export function listeners(proxies: readonly Proxy[]): readonly (readonly [Proxy, ...Proxy[]])[] {
  const bySocket = new Map<string, [Proxy, ...Proxy[]]>();
  for (const proxy of proxies) {
    const list = bySocket.get(socketOf(proxy));
    if (!list) bySocket.set(socketOf(proxy), [proxy]);
    else if (proxy.hosts.length === 0) list.unshift(proxy);
    else list.push(proxy);
  }
  return [...bySocket.values()];
}

/** Returns whether a request names a host that is not the proxy's. */
export function isMisdirected({ hosts }: Proxy, request: Pick<ProxyRequest, 'target' | 'headers'>): boolean {
  return hosts.length > 0 && !hosts.includes(askedHost(request));
}

/** What there is to know of the proxies of one socket, to tell whether another one can share it. */
export interface Sharing {
  readonly first: Proxy;
  /** The first without names. */
  nameless: Proxy | undefined;
  /** The first with each name. */
  readonly byHost: Map<string, Proxy>;
}

/** Notes one more proxy of a socket. */
export function withProxy(sharing: Sharing, proxy: Proxy): Sharing {
  if (proxy.hosts.length === 0) sharing.nameless ??= proxy;
  for (const host of proxy.hosts) if (!sharing.byHost.has(host)) sharing.byHost.set(host, proxy);
  return sharing;
}

/**
 * Checks that the proxies of one socket can share it: engines tell them apart by name, so no name may be listed twice.
 * One proxy may have no names and gets all other requests, but not with TLS: nginx stays with the proxy whose
 * certificate it has shown.
 */
export function checkSharing(proxy: Proxy, { first, nameless, byHost }: Sharing, problems: Diagnostic[]): void {
  if (proxy === first) return;
  const report = (differ: string, field: string) => {
    const related = [{ at: [...first.origin, 'listen'], message: 'listens here already' }];
    const params = { listen: socketOf(proxy), other: first.id, differ };
    problems.push(policyCodes.report('shared-listen', [...proxy.origin, field], params, { related }));
  };
  if ((proxy.tls === undefined) !== (first.tls === undefined)) report('whether they speak TLS', 'listen');
  else if (preface(proxy) !== preface(first)) report('the PROXY protocol', 'listen');
  else if (proxy.maxRequestHead !== first.maxRequestHead) report('maxRequestHead', 'maxRequestHead');
  else if (proxy.tls && (nameless || proxy.hosts.length === 0))
    report('names of their own: with TLS each needs hosts', 'listen');
  for (const host of proxy.hosts) {
    const other = byHost.get(host);
    if (!other) continue;
    const related = [{ at: [...other.origin, 'hosts'], message: 'and here' }];
    const params = { host, other: other.id };
    problems.push(policyCodes.report('shared-host', [...proxy.origin, 'hosts'], params, { related }));
  }
}

function preface({ clientIp }: Proxy): string {
  return clientIp.kind === 'proxyProtocol'
    ? clientIp.trusted.ranges.map(({ first, last }) => `${first}-${last}`).join()
    : '';
}

/** Returns the differences of a proxy's names. A proxy without names counts as reached under any name. */
export function hostDifferences({ hosts: before }: Proxy, { hosts: after }: Proxy): Difference[] {
  const told = (effect: Difference['effect'], names: readonly string[], when: string): Difference[] =>
    names.length === 0 ? [] : [{ effect, words: `is reached as ${names.join(', ')} ${when}` }];
  if (after.length === 0) return [{ effect: 'widening', words: 'is reached under any name now' }];
  if (before.length === 0) return [{ effect: 'narrowing', words: `is reached as ${after.join(', ')} alone now` }];
  return [
    ...told(
      'widening',
      after.filter((name) => !before.includes(name)),
      'now',
    ),
    ...told(
      'narrowing',
      before.filter((name) => !after.includes(name)),
      'no longer',
    ),
  ];
}
