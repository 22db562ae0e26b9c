import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { intersect, isEmpty, isEverybody, someAddress } from '../policy/cidr.ts';
import { isLoopback } from '../policy/origin.ts';
import type { PathPattern, PatternSegment } from '../policy/pattern.ts';
import type { Policy, Proxy, Route } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { ruleCodes } from './codes.ts';

/** Reports how requests come in and go on: unencrypted, believed too easily, without a bound. */
export function traffic(policy: Policy, spec: Spec): Diagnostic[] {
  return [
    ...policy.proxies.flatMap((proxy) => [...plainListener(proxy), ...trustedClients(proxy)]),
    ...policy.upstreams.filter(({ timeouts }) => timeouts.connect > LONGEST_CONNECT).map(longConnect),
    ...policy.routes.flatMap(wideRead),
    ...endlessBodies(policy, spec),
  ];
}

/** Whoever stands in front and speaks TLS shows: as a load balancer that is trusted, or by the public name. */
function plainListener({ id, tls, listen, clientIp, publicUrl, routes, origin }: Proxy): Diagnostic[] {
  const keyed = routes.some(({ forwarding }) => forwarding.auth === 'apiKey');
  const encrypted = tls !== undefined || clientIp.kind !== 'direct' || publicUrl?.startsWith('https:');
  if (!keyed || encrypted || isLoopback(listen.address ?? '')) return [];
  return [ruleCodes.report('plain-listener', [...origin, 'listen'], { proxy: id })];
}

/** The address of a client is looked for beyond all trusted ones, so that such a client writes its own. */
function trustedClients({ id, ranges, clientIp, origin }: Proxy): Diagnostic[] {
  if (clientIp.kind === 'direct' || isEverybody(ranges)) return [];
  const both = intersect(ranges, clientIp.trusted);
  if (isEmpty(both)) return [];
  const related = [{ at: [...origin, 'ipRanges'], message: 'addresses of its clients' }];
  const params = { proxy: id, address: someAddress(both) ?? '' };
  return [ruleCodes.report('trusted-clients', [...origin, 'clientIp', 'trustedProxies'], params, { related })];
}

/** Milliseconds; what Linux does by itself ends sooner or little later. */
const LONGEST_CONNECT = 75_000;

function longConnect({ id, origin }: Policy['upstreams'][number]): Diagnostic {
  return ruleCodes.report('long-connect', [...origin, 'timeouts', 'connect'], { upstream: id });
}

/** Reports reading routes that name nothing of what they read. */
function wideRead({ methods, pattern, forwarding, origin }: Route): Diagnostic[] {
  if (forwarding.auth !== 'apiKey' || !methods.includes('GET') || !namesNothing(pattern)) return [];
  return [ruleCodes.report('wide-read', origin, { path: pattern.text, upstream: forwarding.upstream })];
}

/** Beside the prefix of an API and its version: `/api/v4/{rest*}`. */
const PREFIX = /^(?:api|rest|v\d+)$/;

function namesNothing({ segments }: PathPattern): boolean {
  const isPrefix = (segment: PatternSegment) => segment.kind === 'literal' && PREFIX.test(segment.text);
  return segments.find((segment) => !isPrefix(segment))?.kind === 'rest';
}

/** Reports each place that says "unlimited", where a token of ours goes along. */
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
