import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { hasSite } from '../../policy/domains.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { siteProblems } from '../sites.ts';
import { nginxCodes } from './codes.ts';
import { atLeast, type NginxOptions } from './options.ts';
import { textProblem } from './quote.ts';

/** Paths of a certificate and its key, in which nginx fills in variables: it has no way to write a "$" of their own. */
export function keyPairProblems(tls: Proxy['tls'], at: SpecPath): Diagnostic[] {
  return (['certFile', 'keyFile'] as const).flatMap((name) => {
    if (tls?.[name].includes('$')) return nginxCodes.report('variable-path', [...at, name], {});
    const problem = tls && textProblem(tls[name]);
    if (problem === undefined) return [];
    return nginxCodes.report('unwritable-text', [...at, name], { what: 'the path', problem });
  });
}

export function siteOptionProblems(policy: Policy, { sites, version }: NginxOptions, at: SpecPath): Diagnostic[] {
  const proxied = policy.rewrites.filter(hasSite);
  const place = [...at, 'sites'];
  if (proxied.length === 0) return sites ? [nginxCodes.report('unused-sites', place, {}, { part: 'key' })] : [];
  if (!sites) return [nginxCodes.report('no-sites', at, { rewrites: proxied.length }, { part: 'key' })];
  const problems: Diagnostic[] = [];
  const { tls, listen: port = 443 } = sites;
  if (tls === undefined) problems.push(nginxCodes.report('site-certificate', place, {}));
  if (typeof tls === 'object') problems.push(...keyPairProblems(tls, [...place, 'tls']));
  if (!atLeast(version, [1, 23])) problems.push(nginxCodes.report('first-line-only', place, {}, { part: 'key' }));
  return [...problems, ...siteProblems(policy, { engine: 'nginx', port, inFront: tls === 'inFront', at: place })];
}
