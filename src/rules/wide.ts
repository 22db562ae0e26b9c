import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { ANY_ADDRESS, subtract } from '../policy/cidr.ts';
import type { Policy } from '../policy/types.ts';
import { ruleCodes } from './codes.ts';

const READING = ['GET', 'HEAD', 'OPTIONS'];

/** Legal, but more is let through than most authors mean. */
export function wide(policy: Policy): Diagnostic[] {
  const writes = policy.routes.flatMap((route) => {
    const methods = route.methods.filter((method) => !READING.includes(method));
    if (!route.pattern.tail || methods.length === 0) return [];
    return ruleCodes.report('wide-write', route.origin, { methods: methods.join(','), path: route.pattern.text });
  });
  const open = policy.proxies.flatMap((proxy) => {
    if (subtract(ANY_ADDRESS, proxy.ranges).ranges.length > 0) return [];
    const groups = new Set(
      proxy.routes.filter((route) => route.forwarding.auth === 'passthrough').map((route) => route.group),
    );
    return [...groups].map((group) =>
      ruleCodes.report('open-to-all', [...proxy.origin, 'ipRanges'], { proxy: proxy.id, group }),
    );
  });
  const insecure = policy.upstreams
    .filter((upstream) => upstream.tls?.insecureSkipVerify)
    .map((upstream) =>
      ruleCodes.report('insecure-tls', [...upstream.origin, 'tls', 'insecureSkipVerify'], { upstream: upstream.id }),
    );
  return [...insecure, ...writes, ...open];
}
