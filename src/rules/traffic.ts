import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { intersect, isEmpty, isEverybody, someAddress } from '../policy/cidr.ts';
import { hasNamedSite } from '../policy/domains.ts';
import { isLoopback } from '../policy/origin.ts';
import type { PathPattern, PatternSegment } from '../policy/pattern.ts';
import type { Policy, Proxy, Route } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import type { Clients } from './clients.ts';
import { ruleCodes } from './codes.ts';

/** Reports risks on the way of requests: no encryption, too much trust, no limits. */
export function traffic(policy: Policy, spec: Spec, clients: Clients): Diagnostic[] {
  return [
    ...policy.proxies.flatMap((proxy) => [...plainListener(proxy), ...trustedClients(proxy)]),
    ...policy.upstreams.filter(({ timeouts }) => timeouts.connect > LONGEST_CONNECT).map(longConnect),
    ...policy.routes.flatMap(wideRead),
    ...endlessBodies(policy, spec),
    ...uncounted(policy, clients),
  ];
}

/**
 * Reports a listener for keys without TLS. TLS may end in front of it, which a trusted load balancer or a public
 * `https:` URL shows.
 */
function plainListener({ id, tls, listen, clientIp, publicUrl, routes, origin }: Proxy): Diagnostic[] {
  const keyed = routes.some(({ forwarding }) => forwarding.auth === 'apiKey');
  const encrypted = tls !== undefined || clientIp.kind !== 'direct' || publicUrl?.startsWith('https:');
  if (!keyed || encrypted || isLoopback(listen.address ?? '')) return [];
  return [ruleCodes.report('plain-listener', [...origin, 'listen'], { proxy: id })];
}

/**
 * Reports client addresses that are also trusted proxies. The client's address is the first one that is not trusted, so
 * such a client could write its own.
 */
function trustedClients({ id, ranges, clientIp, origin }: Proxy): Diagnostic[] {
  if (clientIp.kind === 'direct' || isEverybody(ranges)) return [];
  const both = intersect(ranges, clientIp.trusted);
  if (isEmpty(both)) return [];
  const related = [{ at: [...origin, 'ipRanges'], message: 'addresses of its clients' }];
  const params = { proxy: id, address: someAddress(both) ?? '' };
  return [ruleCodes.report('trusted-clients', [...origin, 'clientIp', 'trustedProxies'], params, { related })];
}

/** Milliseconds. nginx names 75 seconds as the usual limit, and Linux gives up after about two minutes. */
const LONGEST_CONNECT = 75_000;

function longConnect({ id, origin }: Policy['upstreams'][number]): Diagnostic {
  return ruleCodes.report('long-connect', [...origin, 'timeouts', 'connect'], { upstream: id });
}

/** Reports routes with GET that allow all paths of an API. */
function wideRead({ methods, pattern, forwarding, origin }: Route): Diagnostic[] {
  if (forwarding.auth !== 'apiKey' || !methods.includes('GET') || !namesNothing(pattern)) return [];
  return [ruleCodes.report('wide-read', origin, { path: pattern.text, upstream: forwarding.upstream })];
}

/** Segments that do not narrow a route: the prefix of an API and its version, as in `/api/v4/{rest*}`. */
const PREFIX = /^(?:api|rest|v\d+)$/;

function namesNothing({ segments }: PathPattern): boolean {
  const isPrefix = (segment: PatternSegment) => segment.kind === 'literal' && PREFIX.test(segment.text);
  return segments.find((segment) => !isPrefix(segment))?.kind === 'rest';
}

/** Reports each place with "unlimited" in routes that send a token of ours. */
function endlessBodies({ routes }: Policy, spec: Spec): Diagnostic[] {
  const found = routes
    .filter(({ forwarding }) => forwarding.auth === 'apiKey' && forwarding.maxBody === undefined)
    .map(({ group, origin }) => {
      const entry = spec.routes?.[group]?.allow[Number(origin.at(-1))];
      const own = typeof entry === 'object' && entry.maxBody !== undefined;
      return [...(own ? origin : ['routes', group]), 'maxBody'];
    });
  const places = new Map(found.map((at) => [at.join('/'), at]));
  return [...places.values()].map((at) => ruleCodes.report('endless-body', at, {}));
}

/** Reports engines behind which one address without a key can hold everything. */
function uncounted({ proxies, rewrites }: Policy, { sites, uncounting }: Clients): Diagnostic[] {
  const open = proxies.flatMap(({ routes }) => routes).find(({ forwarding }) => forwarding.auth === 'passthrough');
  const site = sites ? rewrites.find(hasNamedSite) : undefined;
  if (!open && !site) return [];
  const related = open
    ? [{ at: open.origin, message: 'anybody whom the proxy admits may call this' }]
    : [{ at: site?.origin ?? [], message: 'anybody may call this site' }];
  return uncounting.map(({ target, at }) => ruleCodes.report('uncounted-requests', at, { target }, { related }));
}
