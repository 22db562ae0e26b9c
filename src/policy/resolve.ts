import type { Diagnostic, Result } from '../diagnostics/diagnostic.ts';
import { resultOf } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { basicTokens, checkTokenForms, resolveApiKeys } from './apiKeys.ts';
import { checkChains } from './chains.ts';
import { policyCodes } from './codes.ts';
import { checkConflicts } from './conflicts.ts';
import { resolveRewrites } from './domains.ts';
import { resolveProxies } from './proxies.ts';
import { type ReadFile, rangeResolver } from './ranges.ts';
import { resolveRegistries } from './registries.ts';
import { resolveRoutes } from './routes.ts';
import type { Policy, Route, Upstream } from './types.ts';
import { resolveUpstreams } from './upstreams.ts';
import { checkVault, checkVaultTokens, resolveVault } from './vault.ts';

/** A token must not go to a server that anybody on the way can pretend to be. */
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

/** Spec → policy: references resolved, defaults applied, conflicts found. All problems are reported together. */
export function resolvePolicy(spec: Spec, read: ReadFile): Result<Policy> {
  const problems: Diagnostic[] = [];
  const ranges = rangeResolver(spec, read, problems);
  ranges.checkAll();
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
  return resultOf({ name: spec.name, upstreams, routes, apiKeys, proxies, rewrites, registries, vault }, problems);
}
