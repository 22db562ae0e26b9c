import { guardsBehind, isTold } from '../policy/chains.ts';
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
  /** Milliseconds of each timeout of the upstreams. */
  readonly silence: number;
  readonly only: Listening;
}

/** What listens: proxies, the sites of domain rewrites, or those sites and the proxies that they lead to. */
export type Listening = 'proxies' | 'sites' | 'chain';

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
    upstreams: policy.upstreams.map((upstream) => loopbackUpstream(upstream, policy, ports)),
    proxies: listening(policy, ports.only).map((proxy) => {
      const { socket, ...twin } = proxy;
      const listen = { address: '127.0.0.1', port: portOf(ports.proxies, socket) };
      return { ...twin, listen, ...(proxy.tls ? { tls: ports.tls } : {}) };
    }),
    rewrites: ports.only === 'proxies' ? [] : policy.rewrites,
    ...(policy.shadow && { shadow: loopbackPolicy(policy.shadow, ports) }),
  };
}

/** The names that `ports.proxies` must have. */
export function loopbackSockets(policy: Policy, only: Listening): string[] {
  return [...new Set(listening(policy, only).map(({ socket }) => socket))];
}

function listening(policy: Policy, only: Listening): readonly Twin[] {
  if (only === 'sites') return [];
  return only === 'proxies' ? withTwins(policy.proxies) : policy.proxies.map((proxy) => behindSite(proxy, policy));
}

/**
 * A proxy and the name of its socket: proxies that share one in the spec share one here, and their twins share another.
 */
type Twin = Proxy & { readonly socket: string };

function loopbackUpstream(upstream: Upstream, policy: Policy, ports: Loopback): Upstream {
  const { upstreams, caFile, only, proxies, silence } = ports;
  const { id, tls } = upstream;
  const guards = only === 'chain' ? guardsBehind(upstream, policy.proxies) : [];
  const own = new Set(guards.map(({ proxy }) => portOf(proxies, socketOf(proxy))));
  const servers = (own.size > 0 ? [...own] : (upstreams.get(id) ?? [])).map((port) => ({ host: '127.0.0.1', port }));
  return {
    ...upstream,
    servers,
    timeouts: { connect: silence, read: silence, send: silence },
    ...(tls ? { tls: { ...tls, caFile } } : {}),
  };
}

function withTwins(proxies: readonly Proxy[]): Twin[] {
  const taken = new Set(proxies.map(({ id }) => id));
  return proxies.flatMap((proxy): Twin[] => {
    const socket = socketOf(proxy);
    const told = { ...proxy, socket, clientIp: toldAddress(proxy.clientIp) };
    if (proxy.clientIp.kind !== 'direct') return [told];
    const direct = { socket: `${socket} direct`, id: freeId(`${proxy.id}-direct`, taken) };
    return [told, { ...withClient(proxy), ...direct }];
  });
}

/** Admits the client on this machine, too. */
function withClient(proxy: Proxy): Proxy {
  const { health } = proxy;
  const wider = ({ ranges }: CidrSet) => unionOf([...ranges, ...rangesOf(`${DIRECT_CLIENT}/32`)]);
  const checked = health && { health: { ...health, ranges: wider(health.ranges) } };
  return { ...proxy, ranges: wider(proxy.ranges), ...checked };
}

/** A proxy that believes whom it believes, where the site before it is here in place of there. */
function behindSite(proxy: Proxy, policy: Policy): Twin {
  const { clientIp } = proxy;
  const reached = policy.upstreams.flatMap((upstream) => guardsBehind(upstream, [proxy]));
  const believes = clientIp.kind === 'header' && reached.some((guard) => isTold(proxy, guard.server));
  const told = believes && { clientIp: { ...clientIp, trusted: unionOf([...clientIp.trusted.ranges, ...HERE]) } };
  return { ...withClient(proxy), ...told, socket: socketOf(proxy) };
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

const HERE = rangesOf('127.0.0.1/32');

function portOf(ports: ReadonlyMap<string, number>, socket: string): number {
  const port = ports.get(socket);
  if (port === undefined) throw new Error(`no port for ${socket}`);
  return port;
}
