import { guardsBehind } from '../../policy/chains.ts';
import { hasNamedSite, type SiteRewrite } from '../../policy/domains.ts';
import { problemsOf } from '../compare.ts';
import { hostOf } from '../compareUpstream.ts';
import { type Draft, type Probe, raw, replaceField, withField, withoutField } from '../draft.ts';
import { type EngineRun, type EngineRunOptions, startEngineRun } from '../engineRun.ts';
import { type Answered, connectTo, exchangeOn } from '../exchange.ts';
import { type Expectation, expectationOf } from '../expect.ts';
import { DIRECT_CLIENT, DIRECT_STRANGER } from '../loopback.ts';
import { attempt, LOOPBACK_PEER } from '../probes/base.ts';
import { pathTo } from '../probes/segments.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { Random } from '../random.ts';
import type { Scope } from '../scope.ts';
import { ADDRESSED_HEADERS, originsOf } from '../upstreams.ts';
import { type CheckFailure, type Forwarded, forwardedBy } from './check.ts';
import { clientOfSite, type SitesTried, siteAs, tellSite } from './sites.ts';

/** The most sites whose chain is tried, the most endpoints behind each, and the most clients of each endpoint. */
const MOST_CHAINS = 10;
const MOST_ENDPOINTS = 25;
const MOST_CLIENTS = 3;

/** Headers by which a client claims an address of its own, which neither site nor proxy may believe. */
const CLAIMS = ['X-Forwarded-For', 'X-Real-IP', 'Forwarded'];

interface Chain {
  readonly rewrite: SiteRewrite;
  /** The proxy that the site leads to. */
  readonly guard: ProxyFixture;
  readonly run: EngineRun;
}

/**
 * Checks sites whose upstream is a proxy of the same spec, both in one engine: what the proxy decides about the address
 * and the name that the site passes on, and what its upstream hears. Each site gets an engine of its own.
 */
export async function chainChecks(options: EngineRunOptions, scope: Scope): Promise<SitesTried> {
  const { policy, random, target } = options;
  const failures: CheckFailure[] = [];
  const diagnostics: SitesTried['diagnostics'][number][] = [];
  const chained = target.run.rendersSites(options.options) ? chainsOf(policy) : [];
  const tried = chained.filter(({ knownName }) => knownName).slice(0, MOST_CHAINS);
  let sent = 0;
  for (const { rewrite, guard: id } of tried) {
    const alone = { ...options, policy: { ...policy, rewrites: [rewrite] }, only: 'chain' as const };
    const started = await startEngineRun(alone, scope);
    const guard = 'run' in started ? started.run.fixtures.get(id) : undefined;
    if (!('run' in started) || !guard) {
      diagnostics.push(...('run' in started ? [] : started.diagnostics));
      continue;
    }
    const chain = { rewrite, guard, run: started.run };
    const found = new Map<string, string>();
    for (const asked of askedThrough(chain, random)) {
      sent += 1;
      for (const { kind, text } of await problemsBehind(chain, asked)) found.set(kind, found.get(kind) ?? text);
    }
    for (const text of found.values())
      failures.push({ at: rewrite.origin, problem: `behind the site ${rewrite.to} and the proxy ${id}, ${text}` });
    await started.run.server.stop();
  }
  return { sent, untried: chained.length - tried.length, failures, diagnostics };
}

/** Sites that lead to one proxy of the spec, and whether that can show a certificate for the name that they ask for. */
function chainsOf(policy: EngineRunOptions['policy']) {
  return policy.rewrites.filter(hasNamedSite).flatMap((rewrite) => {
    const upstream = policy.upstreams.find(({ id }) => id === rewrite.upstream);
    const [guard] = upstream ? guardsBehind(upstream, policy.proxies) : [];
    const knownName = !upstream?.tls || upstream.tls.serverName === rewrite.from;
    return guard ? [{ rewrite, guard: guard.proxy.id, knownName }] : [];
  });
}

interface Asked {
  readonly name: string;
  readonly peer: string;
  readonly draft: Draft;
}

/** Requests that the guard would forward for some clients, from those and from others, under both names of the site. */
function* askedThrough({ rewrite, guard, run }: Chain, random: Random): Generator<Asked> {
  const endpoints = random.shuffled([...forwardedBy(run)].filter(({ fixture }) => fixture === guard));
  for (const each of endpoints.slice(0, MOST_ENDPOINTS))
    for (const name of [rewrite.to, rewrite.from])
      for (const client of clientsOf(run, guard, random)) {
        const plain = replaceField(draftFor(each, random), 'Host', name);
        const claimed = withField(plain, random.pick(CLAIMS), random.pick([...guard.admitted(), '203.0.113.9']));
        yield { name, ...tellSite(run, client, claimed) };
      }
}

/** Where a site takes the client from the connection, that is on this machine, where the site itself is, too. */
function clientsOf({ site }: EngineRun, guard: ProxyFixture, random: Random): readonly string[] {
  if (site.clientIp.kind === 'direct') return [DIRECT_CLIENT, DIRECT_STRANGER, LOOPBACK_PEER];
  return [guard.admitted(), guard.refused()].flatMap((addresses) => random.shuffled(addresses).slice(0, MOST_CLIENTS));
}

/** A request for the guard that names no client. */
function draftFor({ fixture, endpoint, method }: Forwarded, random: Random): Draft {
  const context = { fixture, random, now: Date.now() / 1000 };
  const { draft } = attempt({ endpoint, method, target: pathTo(endpoint, fixture, random) }, context);
  const { clientIp } = fixture.proxy;
  return clientIp.kind === 'header' ? withoutField(draft, clientIp.header) : draft;
}

async function problemsBehind(chain: Chain, { name, peer, draft }: Asked) {
  const { run, rewrite } = chain;
  const connection = await connectTo(siteAs(run, name), peer);
  try {
    const exchange = await exchangeOn(connection, { proxy: '', peer, raw: raw(draft) }, run.upstreams);
    const due = dueOf(chain, draft, peer);
    // The site maps once more what the proxy mapped.
    const problems = problemsOf(due, exchange).filter(({ kind }) => !kind.startsWith('origin '));
    const [answer] = exchange.answers;
    const revealed = answer && unmapped(answer, { run, name, rewrite });
    return revealed === undefined ? problems : [...problems, { kind: 'unmapped', text: revealed }];
  } finally {
    connection.close();
  }
}

/** What the guard has to do with the request as a site must pass it on: under the public name, telling one client. */
function dueOf({ run, rewrite, guard }: Chain, draft: Draft, peer: string): Expectation {
  const client = clientOfSite(run, peer, draft.fields);
  const upstream = run.policy.upstreams.find(({ id }) => id === rewrite.upstream);
  const host = upstream ? hostOf({ ...upstream, host: rewrite.from }) : rewrite.from;
  let passed = replaceField(withoutField(draft, 'Forwarded'), 'Host', host);
  for (const header of ['X-Forwarded-For', 'X-Real-IP']) passed = replaceField(passed, header, client);
  const probe: Probe = { proxy: guard.proxy.id, peer: LOOPBACK_PEER, raw: raw(passed) };
  return expectationOf(probe, guard, Date.now() / 1000);
}

/** An own URL of the upstream, or of the public name where the client asked for the private one, that a client is sent. */
function unmapped(
  { response, arrival }: Answered,
  { run, name, rewrite }: { run: EngineRun; name: string; rewrite: SiteRewrite },
): string | undefined {
  const behind = run.policy.upstreams.find(({ id }) => id === arrival?.upstream);
  const hidden = [...(behind ? originsOf(behind) : []), ...originsOf({ host: rewrite.from, port: 443 })];
  const own = originsOf({ host: name, port: 443 });
  for (const header of ADDRESSED_HEADERS) {
    const value = response.field(header) ?? '';
    const origins = [...value.matchAll(/(?:^|[<"])(https?:\/\/[^/?#>"]+)/g)].map(([, origin = '']) => origin);
    const shown = origins.find((origin) => hidden.includes(origin) && !own.includes(origin));
    if (shown !== undefined) return `clients of ${name} are sent to ${shown} by ${header}`;
  }
  return undefined;
}
