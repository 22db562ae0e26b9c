import type { Proxy, Upstream } from './types.ts';

export const DEFAULT_PORT: Readonly<Record<Upstream['scheme'], number>> = { http: 80, https: 443 };

/** A host as it stands in URLs: an IPv6 address in brackets. */
export function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Whether a host is the machine itself, as it is written in a spec. */
export function isLoopback(host: string): boolean {
  return /^(?:127\.|::1$|localhost$)/.test(host);
}

/** What a proxy itself speaks, whatever stands in front of it. */
export function schemeOf({ tls }: Pick<Proxy, 'tls'>): 'http' | 'https' {
  return tls ? 'https' : 'http';
}

/** Host and port as in a URL, the port only where it is not the usual one of the scheme. */
export function authorityOf({ scheme, host, port }: Pick<Upstream, 'scheme' | 'host' | 'port'>): string {
  return port === DEFAULT_PORT[scheme] ? urlHost(host) : `${urlHost(host)}:${port}`;
}
