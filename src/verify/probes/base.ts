import { type Endpoint, isOpen, type RouteClass, routeClassOf } from '../../policy/access.ts';
import { credentialText } from '../../policy/key.ts';
import { EVERY_METHOD } from '../../policy/pattern.ts';
import type { ApiKey } from '../../policy/types.ts';
import { type Draft, withField } from '../draft.ts';
import { DIRECT_CLIENT } from '../loopback.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { Random } from '../random.ts';
import { pathTo } from './segments.ts';

/** A draft and the address that it is sent from. Mutations start from an allowed one, if the endpoint allows any. */
export interface Attempt {
  readonly draft: Draft;
  readonly peer: string;
}

/** What a family of probes works with. */
export interface ProbeContext {
  readonly fixture: ProxyFixture;
  readonly random: Random;
  /** Seconds since the epoch. */
  readonly now: number;
}

/** A name under which a probe asks for the proxy. */
export function hostFor({ proxy }: ProxyFixture): string {
  return proxy.hosts[0] ?? 'probe.example';
}

/** The peer of a connection where a header tells the client's address. */
export const LOOPBACK_PEER = '127.0.0.1';
export const BODY_METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** A request that reaches an endpoint, with everything that its route class asks for. */
export function attemptAt(endpoint: Endpoint, context: ProbeContext): Attempt {
  const { random, fixture } = context;
  const listed = random.pick([...wordsOf(endpoint), ...(endpoint.allow.includes('HEAD') ? ['HEAD'] : [])]);
  const method = sentAs(listed, random);
  return attempt({ endpoint, method, target: pathTo(endpoint, fixture, random) }, context);
}

/** The methods of an endpoint as its rules say them. */
export function wordsOf({ classes, others }: Endpoint): string[] {
  return [...(others ? [EVERY_METHOD] : []), ...classes.keys()];
}

/** The method that a probe of a rule sends: the rule's own, or a random one for `*`. */
export function sentAs(method: string, random: Random): string {
  return method === EVERY_METHOD ? random.pick(['GET', 'HEAD', 'OPTIONS', ...BODY_METHODS, 'PROPFIND']) : method;
}

export function attempt(
  wanted: { endpoint: Endpoint; method: string; target: string },
  context: ProbeContext,
): Attempt {
  const { endpoint, method, target } = wanted;
  const { fixture, random } = context;
  const routeClass = routeClassOf(method, endpoint);
  const caller = callerFor(routeClass, context);
  const plain: Draft = { method, target, version: 'HTTP/1.1', fields: [['Host', hostFor(fixture)]] };
  const keyed = caller ? withKey(plain, fixture, random.pick(fixture.secrets.keysOf(caller.id))) : plain;
  return sentFrom(withBody(keyed, routeClass, random), fixture.admitted(caller, routeClass), context);
}

/** The draft with a key in the header in which the proxy reads it. */
export function withKey(draft: Draft, { proxy }: ProxyFixture, key: string): Draft {
  return withField(draft, proxy.apiKeyHeader, credentialText(proxy.apiKeyScheme, key));
}

/** The draft with the client's address where the proxy looks for it: connection, header or PROXY protocol. */
export function sentFrom(draft: Draft, addresses: readonly string[], { fixture, random }: ProbeContext): Attempt {
  const { clientIp } = fixture.proxy;
  const address = addresses.length === 0 ? '192.0.2.1' : random.pick(addresses);
  if (clientIp.kind === 'direct') return { draft, peer: addresses.length === 0 ? DIRECT_CLIENT : address };
  if (clientIp.kind === 'proxyProtocol') return { draft, peer: address };
  return { draft: withField(draft, clientIp.header, address), peer: LOOPBACK_PEER };
}

function callerFor(routeClass: RouteClass | undefined, { fixture, random, now }: ProbeContext): ApiKey | undefined {
  if (!fixture.evaluator.access.usesKeys || fixture.callers.length === 0) return undefined;
  if (routeClass && isOpen(routeClass)) return undefined;
  const able = routeClass ? fixture.openers(routeClass, now) : [];
  return random.pick(able.length > 0 ? able : fixture.callers);
}

function withBody(draft: Draft, routeClass: RouteClass | undefined, random: Random): Draft {
  if (routeClass?.kind !== 'forward' || !BODY_METHODS.includes(draft.method) || random.chance(0.3)) return draft;
  const { contentTypes } = routeClass.forwarding;
  const type = contentTypes === 'any' ? 'application/json' : (contentTypes[0] ?? '');
  return { ...withField(draft, 'Content-Type', type), body: '{"name":"probe"}', chunked: random.chance(0.3) };
}
