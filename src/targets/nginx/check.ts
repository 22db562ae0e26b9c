import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { parseAddress } from '../../policy/cidr.ts';
import { PARAMETER_TYPES } from '../../policy/segment.ts';
import type { ApiKey, Proxy, Upstream } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { nginxCodes } from './codes.ts';
import { atLeast, type NginxOptions } from './options.ts';
import { pathProblems } from './pathCheck.ts';
import { textProblem } from './quote.ts';
import { keyPairProblems, siteOptionProblems } from './siteCheck.ts';
import { nameProblems } from './upstreams.ts';

const REDIRECTS = [301, 302, 303, 307, 308];
/** The names of files that proxies must not take. */
const OWN_FILES = [
  ...['nginx', 'maps', 'paths', 'upstreams', 'sites'],
  ...PARAMETER_TYPES.map((type) => `type-${type.toLowerCase()}`),
];

/** What a spec may say and nginx cannot do. */
export function problemsOf({ policy, options, at }: TargetInput<NginxOptions>): Diagnostic[] {
  const problems: Diagnostic[] = [];
  twinKeys(policy.apiKeys, problems);
  takenNames(policy.proxies, problems);
  for (const proxy of policy.proxies) {
    proxyProblems(proxy, problems);
    problems.push(...keyPairProblems(proxy.tls, [...proxy.origin, 'tls']));
    if (!atLeast(options.version, [1, 23])) headerProblems(proxy, problems);
  }
  const forwardedTo = new Set(policy.routes.map(({ forwarding }) => forwarding.upstream));
  for (const upstream of policy.upstreams) {
    certificateFileProblems(upstream, problems);
    // Sites verify the public name where the spec names no other.
    const isSitesOnly = !forwardedTo.has(upstream.id) && upstream.tls?.serverName === upstream.host;
    if (!isSitesOnly) verifiedNameProblems(upstream, problems);
  }
  problems.push(...pathProblems(policy));
  const caFile = options.caFile === undefined ? undefined : textProblem(options.caFile);
  if (caFile !== undefined)
    problems.push(nginxCodes.report('unwritable-text', [...at, 'caFile'], { what: 'the path', problem: caFile }));
  problems.push(...nameProblems(policy, options, at));
  problems.push(...siteOptionProblems(policy, options, at));
  return problems;
}

function twinKeys(keys: readonly ApiKey[], problems: Diagnostic[]): void {
  const seen = new Map<string, ApiKey>();
  for (const key of keys) {
    const other = seen.get(key.id.toLowerCase());
    seen.set(key.id.toLowerCase(), key);
    if (!other) continue;
    const related = [{ at: other.origin, message: 'the other one' }];
    problems.push(
      nginxCodes.report('twin-keys', key.origin, { id: key.id, other: other.id }, { part: 'key', related }),
    );
  }
}

function takenNames(proxies: readonly Proxy[], problems: Diagnostic[]): void {
  const seen = new Map(OWN_FILES.map((name) => [name, `${name}.conf`]));
  for (const { id, origin } of proxies) {
    const other = seen.get(id.toLowerCase());
    if (other !== undefined) problems.push(nginxCodes.report('taken-name', origin, { id, other }, { part: 'key' }));
    else seen.set(id.toLowerCase(), `proxy "${id}"`);
  }
}

function proxyProblems({ answers, responseHeaders, origin }: Proxy, problems: Diagnostic[]): void {
  for (const { status, body, origin: place } of answers) {
    if (REDIRECTS.includes(status)) problems.push(nginxCodes.report('answer-status', [...place, 'status'], { status }));
    const problem = textProblem(body);
    if (problem !== undefined)
      problems.push(nginxCodes.report('unwritable-text', [...place, 'body'], { what: 'the body', problem }));
  }
  for (const { name, value } of responseHeaders) {
    const problem = textProblem(value);
    const place = [...origin, 'responseHeaders', name];
    if (problem !== undefined)
      problems.push(nginxCodes.report('unwritable-text', place, { what: `the value of "${name}"`, problem }));
  }
}

/** Of repeated headers old versions know one, with a few exceptions: X-Forwarded-For is one. */
function headerProblems({ clientIp, origin }: Proxy, problems: Diagnostic[]): void {
  if (clientIp.kind !== 'header' || clientIp.header.toLowerCase() === 'x-forwarded-for') return;
  problems.push(nginxCodes.report('first-value-only', [...origin, 'clientIp', 'header'], { header: clientIp.header }));
}

function certificateFileProblems({ tls, origin }: Upstream, problems: Diagnostic[]): void {
  const problem = tls?.caFile === undefined ? undefined : textProblem(tls.caFile);
  if (problem !== undefined)
    problems.push(nginxCodes.report('unwritable-text', [...origin, 'tls', 'caFile'], { what: 'the path', problem }));
}

function verifiedNameProblems({ tls, origin }: Upstream, problems: Diagnostic[]): void {
  if (!tls || tls.insecureSkipVerify || parseAddress(tls.serverName) === undefined) return;
  problems.push(nginxCodes.report('unverifiable-address', [...origin, 'url'], { host: tls.serverName }));
}
