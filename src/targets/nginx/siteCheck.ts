import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { hasSite } from '../../policy/domains.ts';
import type { Policy } from '../../policy/types.ts';
import { siteProblems } from '../sites.ts';
import { nginxCodes } from './codes.ts';
import { atLeast, type NginxOptions } from './options.ts';
import { textProblem } from './quote.ts';

export function siteOptionProblems(policy: Policy, { sites, version }: NginxOptions, at: SpecPath): Diagnostic[] {
  const proxied = policy.rewrites.filter(hasSite);
  const place = [...at, 'sites'];
  if (proxied.length === 0) return sites ? [nginxCodes.report('unused-sites', place, {}, { part: 'key' })] : [];
  if (!sites) return [nginxCodes.report('no-sites', at, { rewrites: proxied.length }, { part: 'key' })];
  const problems: Diagnostic[] = [];
  const { tls, listen: port = 443 } = sites;
  if (tls === undefined) problems.push(nginxCodes.report('site-certificate', place, {}));
  for (const name of ['certFile', 'keyFile'] as const) {
    const problem = typeof tls === 'object' ? textProblem(tls[name]) : undefined;
    if (problem !== undefined) {
      problems.push(nginxCodes.report('unwritable-text', [...place, 'tls', name], { what: 'the path', problem }));
    }
  }
  if (!atLeast(version, [1, 23])) problems.push(nginxCodes.report('first-line-only', place, {}, { part: 'key' }));
  return [...problems, ...siteProblems(policy, { engine: 'nginx', port, at: place })];
}
