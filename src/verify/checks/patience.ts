import type { SpecPath } from '../../diagnostics/diagnostic.ts';
import { PHASES, wholeBody } from '../../plan/bounds.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import type { RenderedFile } from '../../targets/target.ts';
import { type Draft, raw, replaceField } from '../draft.ts';
import { type EngineRun, type EngineRunOptions, startEngineRun } from '../engineRun.ts';
import { connectTo, type Listener } from '../exchange.ts';
import { attempt, LOOPBACK_PEER } from '../probes/base.ts';
import { pathTo } from '../probes/segments.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { Random } from '../random.ts';
import type { Connection } from '../raw.ts';
import type { Scope } from '../scope.ts';
import { type CheckFailure, type Forwarded, forwardedBy } from './check.ts';
import { reachableSites, type SitesTried, siteAs, tellSite } from './sites.ts';

/** The most proxies that are tried: each takes a dozen connections. */
const MOST_PROXIES = 8;

/** Milliseconds of silence that upstreams and bodies get here, so that nobody has to wait long for their ends. */
const SHORT = 2_000;
/** Bytes of the largest body here, for an engine that gives a body time by its size. */
const SMALL_BODY = 64 * 1024;

/**
 * Milliseconds after which a phase has not ended in time: engines look at their clocks now and then, and this machine
 * may be busy. Less than the bound that an engine has by itself, which is a minute or none.
 */
const latest = (bound: number) => bound + Math.min(2 * bound, 20_000) + 10_000;

/** What a client begins and leaves, and when the engine must have done with it. */
interface Left {
  readonly at: SpecPath;
  readonly words: string;
  /** Milliseconds. */
  readonly bound: number;
  open(): Promise<Connection>;
}

/**
 * Checks that each phase of a request ends by its bound, whoever begins it: nothing at all, half a head, half a body, and a
 * connection after its answer. It starts engines of its own with short timeouts, and waits for two minutes.
 */
export async function patience(options: EngineRunOptions, scope: Scope): Promise<Omit<SitesTried, 'untried'>> {
  const policy = withSmallBodies(options.policy);
  const { tamper: given = (file) => file } = options;
  const tamper = (file: RenderedFile) => given(withShortBodies(file));
  const runs = [
    ...(policy.proxies.length > 0 ? (['proxies'] as const) : []),
    ...(options.target.run.rendersSites(options.options) && policy.rewrites.length > 0 ? (['sites'] as const) : []),
  ];
  const started = await Promise.all(
    runs.map((only) => startEngineRun({ ...options, policy, only, silence: SHORT, tamper }, scope)),
  );
  const diagnostics = started.flatMap((one) => ('run' in one ? [] : one.diagnostics));
  const left = started.flatMap((one) => ('run' in one ? leftIn(one.run, options.random) : []));
  const endings = await Promise.all(left.map(async (each) => ({ each, seconds: await endOf(each) })));
  const failures = endings.flatMap(({ each: { at, words, bound }, seconds }): CheckFailure[] =>
    seconds === undefined ? [{ at, problem: `${words} is not ended after ${Math.round(latest(bound) / 1000)} s` }] : [],
  );
  await Promise.all(started.map((one) => ('run' in one ? one.run.server.stop() : undefined)));
  return { sent: left.length, failures, diagnostics };
}

function withSmallBodies(policy: Policy): Policy {
  const proxies = policy.proxies.map((proxy) => ({
    ...proxy,
    routes: proxy.routes.map((route) => {
      const { forwarding } = route;
      return {
        ...route,
        forwarding: { ...forwarding, maxBody: Math.min(forwarding.maxBody ?? SMALL_BODY, SMALL_BODY) },
      };
    }),
  }));
  return { ...policy, proxies };
}

/** Where an engine gives a whole body to a site an hour, since it cannot tell silence from slowness, it gives less here. */
function withShortBodies(file: RenderedFile): RenderedFile {
  return {
    ...file,
    text: file.text.replaceAll(`\tread_timeout ${PHASES.siteUpstream}ms`, `\tread_timeout ${SHORT}ms`),
  };
}

/** Seconds until the engine closed the connection; `undefined` where it did not in time. */
async function endOf({ bound, open }: Left): Promise<number | undefined> {
  const start = performance.now();
  const spent = () => performance.now() - start;
  const connection = await open();
  try {
    // An answer may come before the end.
    while (connection.open && spent() < latest(bound)) await connection.until('\0', latest(bound) - spent());
    return connection.open ? undefined : spent() / 1000;
  } finally {
    connection.close();
  }
}

function leftIn(run: EngineRun, random: Random): Left[] {
  const proxies = [...run.fixtures.values()].slice(0, MOST_PROXIES);
  if (proxies.length === 0)
    return [...atListener(run.site, { at: ['domainRewrites'], words: 'to a site' }), ...bodiesToSites(run)];
  const forwarded = [...forwardedBy(run)];
  return proxies.flatMap((fixture) => {
    const { id, origin } = fixture.proxy;
    const own = forwarded.filter((one) => one.fixture === fixture);
    const first = own[0];
    return [
      ...atListener(fixture.proxy, { at: origin, words: `to proxy ${id}` }),
      ...(first ? bodiesOf(first, run.policy, random) : []),
    ];
  });
}

/** What needs no whole head. Nothing is known of the client yet, so that it is the same for everybody. */
function atListener(listener: Listener, { at, words }: Pick<Left, 'at' | 'words'>): Left[] {
  const begun = (what: string, open: Left['open']): Left => ({
    at,
    words: `${what} ${words}`,
    bound: PHASES.head,
    open,
  });
  const bare: Listener = { listen: listener.listen, hosts: [], clientIp: { kind: 'direct' } };
  return [
    begun('a connection without a request', () => sent(listener, '')),
    begun('half a head', () => sent(listener, 'GET / HTTP/1.1\r\nHost: probe.example')),
    ...(listener.tls ? [begun('half a TLS handshake', () => sent(bare, '\x16\x03\x01'))] : []),
    ...(listener.clientIp.kind === 'proxyProtocol'
      ? [begun('half a line of the PROXY protocol', () => sent(bare, 'PROXY TCP4 127.0'))]
      : []),
  ];
}

async function sent(listener: Listener, bytes: string, peer = LOOPBACK_PEER): Promise<Connection> {
  const connection = await connectTo(listener, peer);
  connection.write(bytes);
  return connection;
}

/** Bodies that stop half way: one whose length is known, and one that is not. */
const HALF_BODIES = {
  'a body of known length': 'Content-Length: 20\r\n\r\nhalf',
  'a body in chunks': 'Transfer-Encoding: chunked\r\n\r\n14\r\nhalf',
} as const;

function bodiesOf(forwarded: Forwarded, policy: Policy, random: Random): Left[] {
  const { fixture, endpoint, method, routeClass } = forwarded;
  const { proxy } = fixture;
  const context = { fixture, random, now: Date.now() / 1000 };
  const target = pathTo(endpoint, fixture, random);
  const { draft: whole, peer } = attempt({ endpoint, method, target }, context);
  const { body: _, chunked: __, ...draft } = whole;
  const upstream = policy.upstreams.find(({ id }) => id === routeClass.forwarding.upstream);
  const half = (words: string, bound: number, asked: Attempted): Left[] =>
    Object.entries(HALF_BODIES).map(([name, bytes]) => ({
      at: proxy.origin,
      words: `half of ${name}, ${words} proxy ${proxy.id},`,
      bound,
      open: () => sent(proxy, `${raw(asked.draft).slice(0, -2)}${bytes}`, asked.peer),
    }));
  const refused = refusedBy(fixture, { draft, peer });
  return [
    ...(upstream ? half('forwarded by', wholeBody(routeClass.forwarding, upstream), { draft, peer }) : []),
    ...half('for an unknown path of', PHASES.unwantedBody, { draft: { ...draft, target: '/postern/..;/half' }, peer }),
    ...(refused ? half('from an address outside of', PHASES.unwantedBody, refused) : []),
    {
      at: proxy.origin,
      words: `a connection to proxy ${proxy.id} after an answer`,
      bound: PHASES.idle,
      open: () => sent(proxy, raw({ ...draft, target: '/postern/..;/idle' }), peer),
    },
  ];
}

/** A site takes bodies of everybody, and of any size. */
function bodiesToSites(run: EngineRun): Left[] {
  const [first] = reachableSites(run.policy);
  if (!first) return [];
  const { rewrite, upstream } = first;
  const head: Draft = { method: 'POST', target: '/half', version: 'HTTP/1.1', fields: [['Host', rewrite.to]] };
  const { draft, peer } = tellSite(run, LOOPBACK_PEER, head);
  return Object.entries(HALF_BODIES).map(([name, bytes]) => ({
    at: rewrite.origin,
    words: `half of ${name}, to the site ${rewrite.to},`,
    bound: upstream.timeouts.send,
    open: () => sent(siteAs(run, rewrite.to), `${raw(draft).slice(0, -2)}${bytes}`, peer),
  }));
}

interface Attempted {
  readonly draft: Draft;
  readonly peer: string;
}

function refusedBy({ proxy, refused }: ProxyFixture, { draft }: Attempted): Attempted | undefined {
  const [address] = refused();
  if (address === undefined) return undefined;
  const { clientIp }: Proxy = proxy;
  if (clientIp.kind !== 'header') return { draft, peer: address };
  return { draft: replaceField(draft, clientIp.header, address), peer: LOOPBACK_PEER };
}
