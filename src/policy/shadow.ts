import { isDeepStrictEqual } from 'node:util';
import { defineCodes, error, warning } from '../diagnostics/codes.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { accessOf } from './access.ts';
import { toCidrs } from './cidr.ts';
import { type Decision, type Evaluator, evaluatorOf } from './decide.ts';
import type { ProxyRequest } from './request.ts';
import type { ClientAddress, Policy, Proxy } from './types.ts';

/** Reasons why a spec cannot be the shadow of another, that is, be decided and logged beside it and never enforced. */
export const shadowCodes = defineCodes('shadow', {
  unreadable: error('cannot take "{path}" for the shadow: {problem}').hint(
    'it is a whole spec beside this one; the path is relative to this file',
  ),
  'other-proxies': error('the shadow has not the same proxies: {problem}').hint(
    'write the same proxies there; what they let through may differ',
  ),
  'other-proxy': error('proxy "{proxy}" of the shadow has another {field}').hint(
    'write it as it is here: a request comes in once, and only what is decided about it may differ',
  ),
  'unknown-keys': warning(({ ids }: { ids: readonly string[] }) => `nobody is ever known by ${ids.join(', ')}`).hint(
    'the shadow has them and this spec does not, and only the keys of this spec are looked for',
  ),
  'no-keys': warning('nobody is asked for a key, so that the shadow of proxy "{proxy}" knows nobody').hint(
    'whoever sends a key is refused there with 403, all others with 401',
  ),
});

/** Fields that must be equal in a proxy and its shadow: client, name and key of a request are read once for both. */
const ALIKE: Readonly<Record<string, (proxy: Proxy) => unknown>> = {
  listen: ({ listen }) => listen,
  hosts: ({ hosts }) => hosts,
  clientIp: ({ clientIp }) => plainly(clientIp),
  apiKeyHeader: ({ apiKeyHeader }) => apiKeyHeader.toLowerCase(),
  apiKeyScheme: ({ apiKeyScheme }) => apiKeyScheme,
  maxRequestHead: ({ maxRequestHead }) => maxRequestHead,
  cors: ({ cors }) => cors,
};

function plainly(source: ClientAddress): unknown {
  return source.kind === 'direct' ? source : { ...source, trusted: toCidrs(source.trusted) };
}

/**
 * Reports why `shadow` cannot be decided beside `policy`. Places are those of the spec of `policy`, which is enforced.
 */
export function checkShadow(policy: Policy, shadow: Policy): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const others = new Map(shadow.proxies.map((proxy) => [proxy.id, proxy]));
  const say = (problem: string) => problems.push(shadowCodes.report('other-proxies', ['shadow'], { problem }));
  for (const proxy of policy.proxies) {
    const other = others.get(proxy.id);
    others.delete(proxy.id);
    if (other) problems.push(...compared(proxy, other));
    else say(`it has no "${proxy.id}"`);
  }
  for (const id of others.keys()) say(`it has "${id}" as well`);
  const known = new Set(policy.apiKeys.map(({ id }) => id));
  const ids = shadow.apiKeys.map(({ id }) => id).filter((id) => !known.has(id));
  if (ids.length > 0) problems.push(shadowCodes.report('unknown-keys', ['shadow'], { ids }));
  return problems;
}

function compared(proxy: Proxy, other: Proxy): Diagnostic[] {
  const fields = Object.entries(ALIKE).filter(([, of]) => !isDeepStrictEqual(of(proxy), of(other)));
  const found = fields.map(([field]) => {
    const related = [{ at: [...proxy.origin], message: 'the proxy here' }];
    return shadowCodes.report('other-proxy', ['shadow'], { proxy: proxy.id, field }, { related });
  });
  const isKeyless = !accessOf(proxy)?.usesKeys && accessOf(other)?.usesKeys;
  return isKeyless ? [...found, shadowCodes.report('no-keys', ['shadow'], { proxy: proxy.id })] : found;
}

/** Decides requests to one proxy as the shadow would. */
export interface ShadowEvaluator {
  /** The evaluator of the shadow's proxy. */
  readonly evaluator: Evaluator;
  /**
   * Returns the request as the shadow sees it. Keys are looked up only by the enforced policy, so if that needs no key,
   * every key counts as unknown.
   */
  seen(request: ProxyRequest): ProxyRequest;
  decide(request: ProxyRequest): Decision;
}

/** Returns the evaluator of a proxy's shadow; `undefined` if the policy has no shadow. */
export function shadowEvaluatorOf(
  { shadow }: Policy,
  { proxy, access }: Pick<Evaluator, 'proxy' | 'access'>,
): ShadowEvaluator | undefined {
  const twin = shadow?.proxies.find(({ id }) => id === proxy.id);
  if (!shadow || !twin) return undefined;
  const evaluator = evaluatorOf(shadow, twin);
  const seen = (request: ProxyRequest): ProxyRequest =>
    request.credential.kind === 'known' && !access.usesKeys ? { ...request, credential: { kind: 'unknown' } } : request;
  return { evaluator, seen, decide: (request) => evaluator.decide(seen(request)) };
}
