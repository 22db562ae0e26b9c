import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import type { DomainRewrite, Policy } from '../../policy/types.ts';
import { nginxCodes } from './codes.ts';
import { atLeast, type NginxOptions } from './options.ts';
import { textProblem } from './quote.ts';
import { hasSite } from './sites.ts';

export function siteProblems(policy: Policy, { sites, version }: NginxOptions, at: SpecPath): Diagnostic[] {
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
  for (const { wildcard, from, origin } of proxied) {
    if (wildcard) problems.push(nginxCodes.report('wildcard-site', [...origin, 'upstream'], { from }));
  }
  for (const { id, listen, origin } of policy.proxies) {
    const related = [{ at: [...origin, 'listen'], message: 'listens here' }];
    if (listen.port === port) problems.push(nginxCodes.report('site-port', place, { port, proxy: id }, { related }));
  }
  if (!atLeast(version, [1, 23])) problems.push(nginxCodes.report('first-line-only', place, {}, { part: 'key' }));
  return [...problems, ...twice(proxied)];
}

function twice(proxied: readonly DomainRewrite[]): Diagnostic[] {
  const first = new Map<string, DomainRewrite>();
  return proxied.flatMap((rewrite) => {
    const { to: name, origin } = rewrite;
    const other = first.get(name);
    first.set(name, other ?? rewrite);
    if (!other) return [];
    const related = [{ at: [...other.origin, 'to'], message: 'first here' }];
    return [nginxCodes.report('site-twice', [...origin, 'to'], { name, from: other.from }, { related })];
  });
}
