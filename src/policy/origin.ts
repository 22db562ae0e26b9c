import type { HostPort, Proxy, Upstream } from './types.ts';

export const DEFAULT_PORT: Readonly<Record<Upstream['scheme'], number>> = { http: 80, https: 443 };

/** Returns a host as written in URLs: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Returns whether a host of a spec is the machine itself. */
export function isLoopback(host: string): boolean {
  return /^(?:127\.|::1$|localhost$)/.test(host);
}

/** Returns the scheme that a proxy itself speaks. A load balancer in front of it may speak another. */
export function schemeOf({ tls }: Pick<Proxy, 'tls'>): 'http' | 'https' {
  return tls ? 'https' : 'http';
}

/** Returns host and port as in a URL, also where the port is the default one. */
export function hostAndPort({ host, port }: HostPort): string {
  return `${urlHost(host)}:${port}`;
}

/** Returns host and port as in a URL; the port only if it is not the default of the scheme. */
export function authorityOf(upstream: Pick<Upstream, 'scheme' | 'host' | 'port'>): string {
  return upstream.port === DEFAULT_PORT[upstream.scheme] ? urlHost(upstream.host) : hostAndPort(upstream);
}
