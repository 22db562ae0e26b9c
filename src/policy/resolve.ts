import { type Diagnostic, type Result, resultOf } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { accessOf, type Endpoint, isRoute, methodsAt, type Rule, takes } from './access.ts';
import { basicTokens, checkTokenForms, resolveApiKeys } from './apiKeys.ts';
import { MAX_OVERLAPS } from './automaton.ts';
import { checkChains } from './chains.ts';
import { policyCodes } from './codes.ts';
import { resolveRewrites } from './domains.ts';
import { firstDifference } from './fields.ts';
import { resolveProxies } from './proxies.ts';
import { type ReadFile, rangeResolver } from './ranges.ts';
import { resolveRegistries } from './registries.ts';
import { FORWARDING, resolveRoutes } from './routes.ts';
import type { Policy, Proxy, Route, Upstream } from './types.ts';
import { resolveUpstreams } from './upstreams.ts';
import { checkVault, resolveVault } from './vault.ts';
import { checkVaultTokens } from './vaultTokens.ts';

/** Refuses tokens for an upstream whose certificate is not verified: anybody on the way could collect them. */
function checkTokenUpstreams(upstreams: readonly Upstream[], routes: readonly Route[], problems: Diagnostic[]): void {
  for (const upstream of upstreams) {
    const injects = routes.some(
      (route) => route.forwarding.upstream === upstream.id && route.forwarding.auth === 'apiKey',
    );
    if (injects && upstream.tls?.insecureSkipVerify) {
      problems.push(
        policyCodes.report('insecure-token', [...upstream.origin, 'tls', 'insecureSkipVerify'], {
          upstream: upstream.id,
        }),
      );
    }
  }
}

/**
 * Returns the policy of a spec: references resolved, defaults applied, conflicts found. All problems are reported
 * together.
 */
export function resolvePolicy(spec: Spec, read: ReadFile): Result<Policy> {
  const problems: Diagnostic[] = [];
  const ranges = rangeResolver(spec, read, problems);
  const addressSets = ranges.all();
  const upstreams = resolveUpstreams(spec, problems);
  const routes = resolveRoutes(spec, problems);
  checkTokenUpstreams(upstreams, routes, problems);
  const keyGroups = [
    ...new Set(routes.filter((route) => route.forwarding.auth === 'apiKey').map((route) => route.group)),
  ].sort();
  const apiKeys = resolveApiKeys({ spec, ranges, problems, keyGroups });
  const proxies = resolveProxies({ spec, ranges, routes, problems });
  checkTokenForms({ apiKeys, routes, upstreams }, problems);
  checkVault(spec, problems);
  checkVaultTokens(spec, { apiKeys, basics: basicTokens({ apiKeys, routes, upstreams }) }, problems);
  const rewrites = resolveRewrites(spec, problems);
  const registries = resolveRegistries(spec, problems);
  checkConflicts(proxies, problems);
  checkChains({ apiKeys, proxies, rewrites, routes, upstreams }, problems);
  const vault = resolveVault(spec);
  return resultOf(
    { name: spec.name, upstreams, routes, apiKeys, proxies, rewrites, registries, vault, addressSets },
    problems,
  );
}

function routesDisagree(first: Route, second: Route, request: string): Diagnostic | undefined {
  const differ = firstDifference(FORWARDING, first.forwarding, second.forwarding);
  if (differ === undefined) return undefined;
  const related = [{ at: first.origin, message: 'the other pattern' }];
  return policyCodes.report('overlap-conflict', second.origin, { request, differ }, { related });
}

function rulesConflict(rules: readonly Rule[], request: string): Diagnostic | undefined {
  const health = rules.find((rule) => 'ranges' in rule);
  const taken = rules.find((rule) => rule !== health);
  if (health && taken) {
    const related = [{ at: taken.origin, message: isRoute(taken) ? 'forwarded here' : 'answered here' }];
    return policyCodes.report('health-conflict', health.origin, { request }, { related });
  }
  const [first, ...others] = rules.filter(isRoute);
  const answers = rules.filter((rule) => !isRoute(rule));
  const answer = answers[0];
  if (first && answer) {
    const related = [{ at: first.origin, message: 'forwarded here' }];
    return policyCodes.report('answer-conflict', answer.origin, { request }, { related });
  }
  if (answer && answers[1]) {
    const related = [{ at: answer.origin, message: 'answered here too' }];
    return policyCodes.report('answer-conflict', answers[1].origin, { request }, { related });
  }
  if (!first) return undefined;
  return others.map((other) => routesDisagree(first, other, request)).find((found) => found !== undefined);
}

function endpointConflicts(endpoint: Endpoint): Diagnostic[] {
  const { accepts, example } = endpoint.state;
  if (accepts.length < 2) return [];
  return [...methodsAt(endpoint)].flatMap((method) => {
    const matching = accepts.filter((rule) => takes(rule, method));
    return rulesConflict(matching, `${method} ${example}`) ?? [];
  });
}

/** Returns the diagnostics without duplicates: two rules that share many paths are one conflict. */
function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const byPlace = new Map(
    diagnostics.map((diagnostic) => [JSON.stringify([diagnostic.at, diagnostic.related?.[0]?.at]), diagnostic]),
  );
  return [...byPlace.values()];
}

/** Reports patterns of a proxy that conflict. */
function checkConflicts(proxies: readonly Proxy[], problems: Diagnostic[]): void {
  const found: Diagnostic[] = [];
  for (const proxy of proxies) {
    const access = accessOf(proxy);
    if (!access)
      problems.push(policyCodes.report('too-many-overlaps', [...proxy.origin, 'routes'], { states: MAX_OVERLAPS }));
    else found.push(...access.endpoints.flatMap(endpointConflicts));
  }
  problems.push(...unique(found));
}
