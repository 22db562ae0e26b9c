import { failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { policyCodes } from '../policy/codes.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { ANYBODY, callersOf, keyPairs } from './callers.ts';
import { createCollector } from './collector.ts';
import { contextOf, idLists } from './context.ts';
import { diffFacts } from './facts.ts';
import { diffCallers } from './keys.ts';
import { MAX_PAIRS } from './product.ts';
import { diffSettings, diffWholeProxy, type ProxyPair, proxyPairs } from './proxies.ts';
import { diffRequests } from './requests.ts';
import { diffRewrites } from './rewrites.ts';
import type { AccessChange } from './types.ts';
import { versionOf } from './version.ts';

/**
 * What somebody can do under one policy and not under the other. Exact: it is computed from the automata of
 * both, so that a spec written differently that decides the same has no change, and every change comes with
 * a request that both evaluators were asked about. Sorted by effect, the gravest first.
 */
export function diffAccess(before: Policy, after: Policy): Result<readonly AccessChange[]> {
  const callers = callersOf(keyPairs(before, after));
  const collector = createCollector();
  const compared = new Set<string>();
  const shared = { callers, collector, lists: idLists([ANYBODY, ...callers]), compared };
  for (const pair of proxyPairs(before.proxies, after.proxies)) {
    const versions = { before: versionOf(before, pair.before), after: versionOf(after, pair.after) };
    const context = contextOf({ ...versions, proxies: bothOf(pair) }, shared);
    if (!pair.before || !pair.after) {
      diffWholeProxy(context, pair.after !== undefined);
      continue;
    }
    diffSettings(pair.before, pair.after, collector);
    const samples = diffRequests(context);
    if (!samples)
      return failed([policyCodes.report('too-many-overlaps', [...pair.after.origin, 'routes'], { states: MAX_PAIRS })]);
    diffCallers(samples, context);
  }
  diffFacts(before, after, compared, collector);
  diffRewrites(before, after, collector);
  return ok(collector.changes());
}

/** Where a version has no such proxy, that of the other stands in for questions of reach; nothing gets through it. */
function bothOf({ before, after }: ProxyPair): readonly [Proxy, Proxy] {
  const proxy = after ?? before;
  if (!proxy) throw new Error('a pair without a proxy');
  return [before ?? proxy, after ?? proxy];
}
