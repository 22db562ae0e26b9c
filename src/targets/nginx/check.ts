import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { escapeRegex } from '../../plan/regex.ts';
import { type Access, rulesOf } from '../../policy/access.ts';
import { ADDRESS_HEADERS, type Holds, headersOf } from '../../policy/answerHeaders.ts';
import { parseAddress } from '../../policy/cidr.ts';
import { hasSite } from '../../policy/domains.ts';
import { EVERY_METHOD, type PathPattern, type PatternSegment } from '../../policy/pattern.ts';
import type { Answer, ApiKey, Policy, Proxy, Route, Upstream } from '../../policy/types.ts';
import { siteClient, siteProblems } from '../sites.ts';
import type { TargetInput } from '../target.ts';
import { nginxCodes } from './codes.ts';
import { atLeast, isIncluded, type NginxOptions, WITH_INTERIM_ANSWERS } from './options.ts';
import { MOST_SEGMENTS, TABLE_FILES } from './paths.ts';
import { accessTo } from './proxy.ts';
import { textProblem } from './quote.ts';
import { nameProblems } from './upstreams.ts';

const REDIRECTS = [301, 302, 303, 307, 308];
/** Names of generated files, without ".conf", that no proxy may have. */
const OWN_FILES = [
  ...['nginx', 'maps', 'paths', 'upstreams', 'sites'],
  ...TABLE_FILES.map((file) => file.replace(/\.conf$/, '').toLowerCase()),
];

/** Returns the problems of a spec that nginx cannot carry out. */
export function problemsOf({ policy, options, at }: TargetInput<NginxOptions>): Diagnostic[] {
  const problems: Diagnostic[] = [];
  twinKeys(policy.apiKeys, problems);
  takenNames(policy.proxies, [...OWN_FILES, ...(isIncluded(options) ? ['http', 'server'] : [])], problems);
  for (const proxy of policy.proxies) {
    proxyProblems(proxy, problems);
    problems.push(...keyPairProblems(proxy.tls, [...proxy.origin, 'tls']));
    if (!atLeast(options.version, WITH_ALL_LINES)) headerProblems(proxy, problems);
  }
  const forwardedTo = new Set(policy.routes.map(({ forwarding }) => forwarding.upstream));
  for (const upstream of policy.upstreams) {
    certificateFileProblems(upstream, problems);
    // Sites verify the public name where the spec names no other.
    const isSitesOnly = !forwardedTo.has(upstream.id) && upstream.tls?.serverName === upstream.host;
    if (!isSitesOnly) verifiedNameProblems(upstream, problems);
  }
  problems.push(...pathProblems(policy));
  const untold = policy.shadow && shadowProblem(policy.shadow);
  if (untold) problems.push(nginxCodes.report('no-shadow', ['shadow'], { problem: untold.message }));
  const caFile = options.caFile === undefined ? undefined : textProblem(options.caFile);
  if (caFile !== undefined)
    problems.push(nginxCodes.report('unwritable-text', [...at, 'caFile'], { what: 'the path', problem: caFile }));
  // Where the spec gives no version, `verify` tells what the nginx of the machine does.
  const { version } = options;
  if (version !== undefined && !atLeast(version, WITH_INTERIM_ANSWERS) && policy.upstreams.length > 0)
    problems.push(nginxCodes.report('interim-answers', [...at, 'version'], { version }));
  if (version !== undefined && !atLeast(version, WITH_ALL_LINES) && policy.routes.length > 0) {
    const headers = `of requests all, of answers ${linedHeaders('proxies')}`;
    problems.push(nginxCodes.report('first-line-only', [...at, 'version'], { headers }));
  }
  problems.push(...nameProblems(policy, options, at));
  problems.push(...siteOptionProblems(policy, options, at));
  return problems;
}

/** Returns the first problem that keeps nginx from deciding a shadow; `undefined` where there is none. */
export function shadowProblem(shadow: Policy): Diagnostic | undefined {
  const problems: Diagnostic[] = [];
  twinKeys(shadow.apiKeys, problems);
  problems.push(...pathProblems(shadow));
  return problems.find(({ severity }) => severity === 'error');
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

function takenNames(proxies: readonly Proxy[], own: readonly string[], problems: Diagnostic[]): void {
  const seen = new Map(own.map((name) => [name, `${name}.conf`]));
  for (const { id, origin } of proxies) {
    const other = seen.get(id.toLowerCase());
    if (other !== undefined) problems.push(nginxCodes.report('taken-name', origin, { id, other }, { part: 'key' }));
    else seen.set(id.toLowerCase(), `proxy "${id}"`);
  }
}

function proxyProblems({ answers, responseHeaders, cors, origin }: Proxy, problems: Diagnostic[]): void {
  const list = textProblem(cors?.headers.join(', ') ?? '');
  if (list !== undefined) {
    const place = [...origin, 'cors', 'headers'];
    problems.push(nginxCodes.report('unwritable-text', place, { what: 'the list of headers', problem: list }));
  }
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

/**
 * Reports a header of trusted proxies of which nginx before 1.23 reads only the first of several values.
 * X-Forwarded-For is one of the few that it joins.
 */
function headerProblems({ clientIp, origin }: Pick<Proxy, 'clientIp' | 'origin'>, problems: Diagnostic[]): void {
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

/**
 * Reports paths of a certificate and its key that nginx cannot read: it expands variables in them, and has no escape
 * for "$" there.
 */
function keyPairProblems(tls: Proxy['tls'], at: SpecPath): Diagnostic[] {
  return (['certFile', 'keyFile'] as const).flatMap((name) => {
    if (tls?.[name].includes('$')) return nginxCodes.report('variable-path', [...at, name], {});
    const problem = tls && textProblem(tls[name]);
    if (problem === undefined) return [];
    return nginxCodes.report('unwritable-text', [...at, name], { what: 'the path', problem });
  });
}

function siteOptionProblems(policy: Policy, { sites, version }: NginxOptions, at: SpecPath): Diagnostic[] {
  const proxied = policy.rewrites.filter(hasSite);
  const place = [...at, 'sites'];
  if (proxied.length === 0) return sites ? [nginxCodes.report('unused-sites', place, {}, { part: 'key' })] : [];
  if (!sites) return [nginxCodes.report('no-sites', at, { rewrites: proxied.length }, { part: 'key' })];
  const problems: Diagnostic[] = [];
  const { tls, listen: port = 443 } = sites;
  if (tls === undefined) problems.push(nginxCodes.report('site-certificate', place, {}));
  if (typeof tls === 'object') problems.push(...keyPairProblems(tls, [...place, 'tls']));
  const { clientIp, problems: unread } = siteClient(sites.clientIp, policy, [...place, 'clientIp']);
  problems.push(...unread);
  if (!atLeast(version, WITH_ALL_LINES)) {
    const headers = `of answers ${linedHeaders('sites')}`;
    problems.push(nginxCodes.report('first-line-only', place, { headers }, { part: 'key' }));
    headerProblems({ clientIp, origin: place }, problems);
  }
  const inFront = tls === 'inFront' && clientIp.kind === 'direct';
  return [...problems, ...siteProblems(policy, { engine: 'nginx', port, inFront, at: place })];
}

/** The first version whose variables hold all lines of a header of requests and answers. */
const WITH_ALL_LINES = [1, 23];

/** Which headers with addresses may come in several lines. Of cookies nginx maps each line itself. */
const IN_LINES = {
  url: false,
  refresh: false,
  links: true,
  challenge: true,
  policy: true,
  origin: true,
  domain: false,
  server: true,
} as const satisfies Readonly<Record<Holds, boolean>>;

/** Returns the headers of which a variable takes the place, and with it the first line that of all. */
function linedHeaders(side: 'proxies' | 'sites'): string {
  const lined = headersOf(side, 'mapped').filter((header) => IN_LINES[ADDRESS_HEADERS[header].holds]);
  return `${lined.slice(0, -1).join(', ')} and ${lined.at(-1)}`;
}

/** nginx reads a request line into 8,192 bytes, the method and "HTTP/1.1" included. */
const LONGEST_PATH = 8_000;

/** Returns the problems of methods and paths that nginx cannot express. */
function pathProblems({ routes, proxies }: Policy): Diagnostic[] {
  const problems: Diagnostic[] = [];
  for (const route of routes) {
    lineProblems(route, problems);
    typeProblems(route, problems);
  }
  const deep = new Set<Route | Answer>();
  const seen = new Set<Access>();
  for (const proxy of proxies) {
    for (const answer of [...proxy.answers, ...(proxy.health ? [proxy.health] : [])]) lineProblems(answer, problems);
    const access = accessTo(proxy);
    if (seen.has(access)) continue;
    seen.add(access);
    listProblems(access, problems);
    depthProblems(proxy, deep, problems);
  }
  return problems;
}

function lineProblems({ methods, pattern, origin }: Route | Answer, problems: Diagnostic[]): void {
  const method = methods.find((each) => each !== EVERY_METHOD && !/^[A-Z-]+$/.test(each));
  if (method !== undefined) problems.push(nginxCodes.report('unknown-method', origin, { method }));
  const problem = pattern.segments
    .flatMap(textsOf)
    .map(textProblem)
    .find((each) => each !== undefined);
  if (problem !== undefined)
    problems.push(nginxCodes.report('unwritable-text', origin, { what: 'a segment of the path', problem }));
  else if (shortest(pattern) > LONGEST_PATH)
    problems.push(nginxCodes.report('unwritable-text', origin, { what: 'the path', problem: 'is too long' }));
}

function textsOf(segment: PatternSegment): readonly string[] {
  return segment.kind === 'literal' ? [segment.text] : segment.kind === 'choice' ? segment.values : [];
}

/** Returns the bytes of the shortest path that matches. */
function shortest({ segments }: PathPattern): number {
  return segments.reduce((sum, segment) => {
    const lengths = textsOf(segment).map((text) => text.length);
    return sum + 1 + (lengths.length === 0 ? 1 : Math.min(...lengths));
  }, 0);
}

function typeProblems({ forwarding: { contentTypes }, origin }: Route, problems: Diagnostic[]): void {
  if (contentTypes === 'any') return;
  const problem = contentTypes.map((type) => textProblem(escapeRegex(type))).find((each) => each !== undefined);
  if (problem !== undefined)
    problems.push(nginxCodes.report('unwritable-text', origin, { what: 'a content type', problem }));
}

/** Reports lists that are joined from many entries of the spec and may get too long for one token: methods, groups. */
function listProblems({ endpoints }: Access, problems: Diagnostic[]): void {
  for (const { state, allow, classes, others } of endpoints) {
    const [rule] = state.accepts;
    if (!rule) continue;
    const names = [...classes.values(), ...(others ? [others] : [])].map(
      ({ id }) => ['the list of the groups that allow it', id] as const,
    );
    for (const [what, text] of [['the list of its methods', allow.join(', ')] as const, ...names]) {
      const problem = textProblem(text);
      if (problem !== undefined) problems.push(nginxCodes.report('unwritable-text', rule.origin, { what, problem }));
    }
  }
}

/** Reports patterns with too many segments, each once, however many proxies serve it. */
function depthProblems(proxy: Proxy, reported: Set<Route | Answer>, problems: Diagnostic[]): void {
  for (const rule of rulesOf(proxy)) {
    const segments = rule.pattern.segments.length;
    if (segments <= MOST_SEGMENTS || reported.has(rule)) continue;
    reported.add(rule);
    problems.push(nginxCodes.report('too-deep', rule.origin, { segments, most: MOST_SEGMENTS }));
  }
}
