import { type CidrSet, parseCidr, unionOf } from '../policy/cidr.ts';
import { socketOf } from '../policy/hosts.ts';
import type { ClientAddress, Policy, Proxy, Upstream } from '../policy/types.ts';

/** The loopback ports: one for each socket of the proxies, and one for each server of each upstream, by its id. */
export interface Loopback {
  /** By the names that `loopbackSockets` gives. */
  readonly proxies: ReadonlyMap<string, number>;
  readonly upstreams: ReadonlyMap<string, readonly number[]>;
  /** File with the authorities that signed the certificates of the upstreams. */
  readonly caFile: string;
  /** The certificate that proxies with TLS show. */
  readonly tls: NonNullable<Proxy['tls']>;
  /** Whether keys keep their rate limits. */
  readonly rates: boolean;
  /** Proxies, or the sites of domain rewrites. */
  readonly only: 'proxies' | 'sites';
}

/** The client address that twins with `direct` admit beside the real ranges. 127.0.0.3 they do not admit. */
export const DIRECT_CLIENT = '127.0.0.2';
export const DIRECT_STRANGER = '127.0.0.3';

/**
 * The same policy on this machine: proxies and upstreams on loopback ports, upstreams with their own names and test
 * certificates. Every proxy believes an address in a header, so that every range can be tried. A proxy that takes the
 * address from the connection gets a twin that still does so, which shows that it believes no header.
 */
export function loopbackPolicy(policy: Policy, ports: Loopback): Policy {
  return {
    ...policy,
    apiKeys: ports.rates ? policy.apiKeys : policy.apiKeys.map(({ rateLimit, ...key }) => key),
    upstreams: policy.upstreams.map((upstream) => loopbackUpstream(upstream, ports)),
    proxies: (ports.only === 'sites' ? [] : withTwins(policy.proxies)).map((proxy) => {
      const { socket, ...twin } = proxy;
      const listen = { address: '127.0.0.1', port: portOf(ports.proxies, socket) };
      return { ...twin, listen, ...(proxy.tls ? { tls: ports.tls } : {}) };
    }),
    rewrites: ports.only === 'sites' ? policy.rewrites : [],
    ...(policy.shadow && { shadow: loopbackPolicy(policy.shadow, ports) }),
  };
}

/** The names that `ports.proxies` must have. */
export function loopbackSockets(policy: Policy): string[] {
  return [...new Set(withTwins(policy.proxies).map(({ socket }) => socket))];
}

/**
 * A proxy and the name of its socket: proxies that share one in the spec share one here, and their twins share another.
 */
type Twin = Proxy & { readonly socket: string };

/** Milliseconds: a 504 would only tell how busy this machine is. */
const PATIENT = { connect: 120_000, read: 120_000, send: 120_000 };

function loopbackUpstream(upstream: Upstream, { upstreams, caFile }: Loopback): Upstream {
  const { id, tls } = upstream;
  const servers = (upstreams.get(id) ?? []).map((port) => ({ host: '127.0.0.1', port }));
  return { ...upstream, servers, timeouts: PATIENT, ...(tls ? { tls: { ...tls, caFile } } : {}) };
}

function withTwins(proxies: readonly Proxy[]): Twin[] {
  const taken = new Set(proxies.map(({ id }) => id));
  return proxies.flatMap((proxy): Twin[] => {
    const socket = socketOf(proxy);
    const told = { ...proxy, socket, clientIp: toldAddress(proxy.clientIp) };
    if (proxy.clientIp.kind !== 'direct') return [told];
    const { health } = proxy;
    const withClient = ({ ranges }: CidrSet) => unionOf([...ranges, ...rangesOf(`${DIRECT_CLIENT}/32`)]);
    const direct = {
      socket: `${socket} direct`,
      id: freeId(`${proxy.id}-direct`, taken),
      ranges: withClient(proxy.ranges),
    };
    return [
      told,
      { ...proxy, ...direct, ...(health ? { health: { ...health, ranges: withClient(health.ranges) } } : {}) },
    ];
  });
}

function freeId(wanted: string, taken: Set<string>): string {
  let id = wanted.slice(-60);
  if (!/^[a-z]/i.test(id)) id = `p${id.slice(1)}`;
  while (taken.has(id)) id = `${id.slice(0, 60)}-2`;
  taken.add(id);
  return id;
}

function toldAddress(source: ClientAddress): ClientAddress {
  if (source.kind === 'direct')
    return { kind: 'header', trusted: unionOf(rangesOf('127.0.0.0/8')), header: 'X-Forwarded-For' };
  return { ...source, trusted: unionOf([...source.trusted.ranges, ...rangesOf('127.0.0.0/8')]) };
}

function rangesOf(cidr: string) {
  const range = parseCidr(cidr);
  if (typeof range === 'string') throw new Error(`${cidr}: ${range}`);
  return [range];
}

function portOf(ports: ReadonlyMap<string, number>, socket: string): number {
  const port = ports.get(socket);
  if (port === undefined) throw new Error(`no port for ${socket}`);
  return port;
}
