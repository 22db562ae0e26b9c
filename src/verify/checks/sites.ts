import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { formatAddress, parseAddress } from '../../policy/cidr.ts';
import { hasNamedSite, type SiteRewrite } from '../../policy/domains.ts';
import { clientAddress } from '../../policy/request.ts';
import type { Policy, Upstream } from '../../policy/types.ts';
import { type Draft, replaceField } from '../draft.ts';
import { type EngineRun, type EngineRunOptions, startEngineRun } from '../engineRun.ts';
import { type Answered, connectTo, exchangeOn, type Listener } from '../exchange.ts';
import type { Fields } from '../http1.ts';
import { nearHosts } from '../probes/hosts.ts';
import type { Scope } from '../scope.ts';
import { FOLLOWED_HEADERS } from '../upstreams.ts';
import type { CheckFailure } from './check.ts';
import { oddProblems } from './oddAnswers.ts';

/** What the sites of domain rewrites were asked, and what they did wrong. */
export interface SitesTried {
  readonly sent: number;
  /** Number of sites that were not tried, because their upstream has no certificate for their name here. */
  readonly untried: number;
  readonly failures: readonly CheckFailure[];
  readonly diagnostics: readonly Diagnostic[];
}

const TARGET = '/there?a=b';
const CLIENT = '127.0.0.1';
/** The client that a load balancer names. */
const BALANCED = '192.0.2.55';
const ODD_METHODS = ['TRACE', 'CONNECT', 'trace'];
/** Headers by which a client claims an address. A site believes them of a load balancer that it knows. */
const CLAIMS = ['X-Forwarded-For: 203.0.113.9', 'X-Real-IP: 203.0.113.9', 'Forwarded: for=203.0.113.9'];

/**
 * Checks that each site forwards requests under the public name, maps the upstream's URLs of itself, and answers to its
 * two names and no other. It starts an engine of its own, because sites listen on a port of their own.
 */
export async function siteChecks(options: EngineRunOptions, scope: Scope): Promise<SitesTried> {
  const none = { sent: 0, untried: 0, failures: [], diagnostics: [] };
  const all = options.policy.rewrites.filter(hasNamedSite);
  if (all.length === 0 || !options.target.run.rendersSites(options.options)) return none;
  const sites = reachableSites(options.policy);
  const untried = all.length - sites.length;
  const started = await startEngineRun({ ...options, only: 'sites' }, scope);
  if (!('run' in started)) return { ...none, untried: all.length, diagnostics: started.diagnostics };
  const { run } = started;
  const failures: CheckFailure[] = [];
  let sent = 0;
  const note = (rewrite: SiteRewrite, problem: string | undefined) => {
    sent += 1;
    if (problem !== undefined) failures.push({ at: rewrite.origin, problem });
  };
  for (const { rewrite, upstream } of sites) {
    for (const name of [rewrite.to, rewrite.from]) {
      note(rewrite, passedOn(await ask(run, name), { name, rewrite, upstream, client: clientOf(run) }));
      note(rewrite, await redirected(run, { name, rewrite }));
      for (const method of ODD_METHODS) note(rewrite, oddMethod(await ask(run, name, { method }), { name, method }));
    }
    for (const { words, limit } of await oddProblems(oddlyAsked(run, { rewrite, upstream })))
      failures.push({ at: rewrite.origin, problem: `the upstream of the site ${rewrite.to} ${words}`, limit });
    for (const name of [`x.${rewrite.to}`, `x${rewrite.to}`, `${rewrite.to}.example`])
      note(rewrite, strange(await ask(run, name), name));
    // Some servers take the brackets of an IPv6 address off any name, or whatever follows a colon.
    for (const host of nearHosts(rewrite.to)) note(rewrite, strange(await ask(run, rewrite.to, { host }), host));
  }
  await run.server.stop();
  return { sent, untried, failures, diagnostics: [] };
}

/** The sites whose upstream has a certificate for its name here. */
export function reachableSites(policy: Policy): { rewrite: SiteRewrite; upstream: Upstream }[] {
  const upstreams = new Map(policy.upstreams.map((upstream) => [upstream.id, upstream]));
  return policy.rewrites.filter(hasNamedSite).flatMap((rewrite) => {
    const upstream = upstreams.get(rewrite.upstream);
    const isKnown = upstream && (!upstream.tls || upstream.tls.serverName === rewrite.from);
    return isKnown ? [{ rewrite, upstream }] : [];
  });
}

function oddlyAsked(run: EngineRun, { rewrite, upstream }: { rewrite: SiteRewrite; upstream: Upstream }) {
  return {
    // The site asks the upstream under the public name, so the upstream calls itself by that.
    upstream: { ...upstream, host: rewrite.from },
    origin: `${run.site.tls ? 'https' : 'http'}://${rewrite.to}`,
    listener: siteAs(run, rewrite.to),
    peer: peerOf(run),
    raw: requestTo(rewrite.to),
    upstreams: run.upstreams,
  };
}

function requestTo(host: string, method = 'GET'): string {
  const target = method === 'CONNECT' ? `${host}:443` : TARGET;
  return `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${CLAIMS.join('\r\n')}\r\n\r\n`;
}

/** The sites under the name that TLS asks for. */
export function siteAs({ site }: EngineRun, name: string): Listener {
  return { ...site, hosts: [name] };
}

/** Whom the PROXY protocol names; else the connection comes from this machine. */
function peerOf({ site }: EngineRun): string {
  return site.clientIp.kind === 'proxyProtocol' ? BALANCED : CLIENT;
}

/** The client as the sites understand it: the claims are those of a load balancer where they believe one. */
function clientOf(run: EngineRun): string {
  const claims = CLAIMS.map((line): [string, string] => [line.replace(/:.*/, ''), line.replace(/^[^:]*: /, '')]);
  return clientOfSite(run, peerOf(run), claims);
}

/** The client of a request to the sites from this peer, as they have to understand it. */
export function clientOfSite({ site }: EngineRun, peer: string, fields: Fields): string {
  const address = parseAddress(peer);
  if (!address) throw new Error(`${peer} is no address`);
  return formatAddress(clientAddress(site.clientIp, address, fields));
}

/** A request with its client where the sites look for it: connection, header or PROXY protocol. */
export function tellSite({ site }: EngineRun, client: string, draft: Draft): { draft: Draft; peer: string } {
  if (site.clientIp.kind !== 'header') return { draft, peer: client };
  const { header } = site.clientIp;
  const before = draft.fields.filter(([name]) => name.toLowerCase() === header.toLowerCase()).map(([, value]) => value);
  return { draft: replaceField(draft, header, [...before, client].join(', ')), peer: CLIENT };
}

/** Asks a site. `host` is the value of Host where it is not the name that TLS asks for. */
async function ask(
  run: EngineRun,
  name: string,
  { method = 'GET', host = name }: { readonly method?: string; readonly host?: string } = {},
): Promise<Answered | undefined> {
  const peer = peerOf(run);
  const connection = await connectTo(siteAs(run, name), peer);
  try {
    const raw = requestTo(host, method);
    return (await exchangeOn(connection, { proxy: '', peer, raw }, run.upstreams)).answers[0];
  } finally {
    connection.close();
  }
}

/** What is wrong with the answer to a method that makes a server another way into the network, or repeats a request. */
function oddMethod(
  answer: Answered | undefined,
  { name, method }: { name: string; method: string },
): string | undefined {
  if (answer?.arrival) return `the site ${name} passed ${method} on`;
  const status = answer?.response.status;
  // An engine may not read a CONNECT at all, and reads no small letters.
  return status === (method === 'trace' ? 400 : 405) || (status === 400 && method === 'CONNECT')
    ? undefined
    : `the site ${name} answered ${status ?? 'nothing'} to ${method} instead of refusing it`;
}

interface Asked {
  readonly name: string;
  readonly rewrite: SiteRewrite;
}

function passedOn(
  answer: Answered | undefined,
  { name, rewrite, upstream, client }: Asked & { upstream: Upstream; client: string },
): string | undefined {
  const got = answer?.arrival?.request;
  if (!got)
    return `the site ${name} answered ${answer?.response.status ?? 'nothing'} instead of passing the request on`;
  const port = upstream.port === (upstream.scheme === 'https' ? 443 : 80) ? '' : `:${upstream.port}`;
  const due = {
    upstream: [answer.arrival?.upstream, upstream.id],
    target: [got.target, TARGET],
    Host: [got.field('host'), `${rewrite.from}${port}`],
    'X-Forwarded-For': [got.field('x-forwarded-for'), client],
    'X-Real-IP': [got.field('x-real-ip') ?? client, client],
    Forwarded: [got.field('forwarded') || undefined, undefined],
  };
  const wrong = Object.entries(due).find(([, [is, should]]) => is !== should);
  return wrong && `behind the site ${name}, the ${wrong[0]} is ${wrong[1][0]} instead of ${wrong[1][1] ?? 'nothing'}`;
}

/** What is wrong with a redirection: it must stay under the name, private or public, that the client asked for. */
async function redirected(run: EngineRun, { name, rewrite }: Asked): Promise<string | undefined> {
  run.upstreams.answerWith(() => ({
    status: 302,
    fields: FOLLOWED_HEADERS.map((header): [string, string] => [header, `https://${rewrite.from}${TARGET}`]),
  }));
  const answer = await ask(run, name);
  run.upstreams.answerWith(undefined);
  const due = new RegExp(`^https?://${name.replaceAll('.', '[.]')}/there[?]a=b$`);
  const urls = FOLLOWED_HEADERS.map((header) => answer?.response.field(header) ?? 'nothing');
  const wrong = urls.find((url) => !due.test(url));
  return wrong && `the site ${name} sends clients to ${wrong}`;
}

function strange(answer: Answered | undefined, name: string): string | undefined {
  if (answer?.arrival) return `a request for ${name} was passed on`;
  const status = answer?.response.status;
  const isRefusal = status === 421 || (status === 400 && /[.][.]|[^a-z0-9.-]/.test(name));
  return isRefusal ? undefined : `a request for ${name} was answered ${status ?? 'nothing'} instead of 421`;
}
