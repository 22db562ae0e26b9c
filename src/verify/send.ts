import { problemsOf } from './compare.ts';
import type { Probe } from './draft.ts';
import type { EngineRun } from './engineRun.ts';
import { connectTo, type Exchange, exchangeAlone, exchangeOn } from './exchange.ts';
import { type Expectation, expectationOf, isOrdinary, type Problem } from './expect.ts';
import type { ProxyFixture } from './proxyFixture.ts';
import type { Connection } from './raw.ts';

/** A probe with which engine and evaluator do not agree. */
export interface Disagreement {
  readonly probe: Probe;
  readonly expectation: Expectation;
  readonly problems: readonly Problem[];
}

export interface SendOptions {
  /** Seconds since the epoch, asked for each probe. */
  readonly now: () => number;
  readonly found: (disagreement: Disagreement) => void;
  readonly agreed?: (expectation: Expectation, exchange: Exchange) => void;
  /** After each probe. */
  readonly sent: () => void;
  readonly signal: AbortSignal;
}

/** Probes sent at a time; an engine must also cope with many connections. */
const LANES = 32;
const CONNECTIONS_EACH = 6;

/** Sends probes over many connections at once and compares what becomes of each. */
export async function sendAll(probes: Iterator<Probe>, run: EngineRun, options: SendOptions): Promise<void> {
  const flying = new Set<Probe>();
  const suspects = new Map<string, readonly Probe[]>();
  const lane = async () => {
    const connections = new Map<string, Connection>();
    try {
      for (let next = probes.next(); !next.done && !options.signal.aborted; next = probes.next()) {
        flying.add(next.value);
        await sendOne(next.value, { run, options, connections });
        flying.delete(next.value);
        options.sent();
        suspect(suspects, run.upstreams.unclaimed, [...flying, next.value]);
      }
    } finally {
      for (const connection of connections.values()) connection.close();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  for (const number of run.upstreams.unclaimed.keys()) await nameCulprit(suspects.get(number) ?? [], run, options);
}

/** Remembers which probes were under way when an unclaimed arrival was first seen. */
function suspect(
  suspects: Map<string, readonly Probe[]>,
  unclaimed: ReadonlyMap<string, unknown>,
  probes: readonly Probe[],
): void {
  for (const number of suspects.keys()) if (!unclaimed.has(number)) suspects.delete(number);
  for (const number of unclaimed.keys()) if (!suspects.has(number)) suspects.set(number, probes);
}

interface LaneContext {
  readonly run: EngineRun;
  readonly options: SendOptions;
  readonly connections: Map<string, Connection>;
}

async function sendOne(probe: Probe, context: LaneContext): Promise<void> {
  const { run, options } = context;
  const fixture = fixtureOf(probe, run);
  const expectation = expectationOf(probe, fixture, options.now());
  const exchange = await exchangeWith(probe, { expectation, fixture, context });
  const problems = problemsOf(expectation, exchange, fixture);
  if (problems.length === 0) options.agreed?.(expectation, exchange);
  if (problems.length > 0 && !options.signal.aborted) options.found({ probe, expectation, problems });
}

async function exchangeWith(
  probe: Probe,
  details: { expectation: Expectation; fixture: ProxyFixture; context: LaneContext },
): Promise<Exchange> {
  const { expectation, fixture, context } = details;
  const { run, connections } = context;
  const { proxy } = fixture;
  const alone = () => exchangeAlone(probe, expectation, { proxy, upstreams: run.upstreams });
  if (!isOrdinary(expectation) || proxy.clientIp.kind === 'proxyProtocol') return alone();
  const key = `${proxy.id} ${probe.peer}`;
  const kept = connections.get(key);
  const connection = kept?.open ? kept : await connectTo(proxy, probe.peer);
  keep(connections, key, connection);
  const exchange = await exchangeOn(connection, probe, run.upstreams);
  const response = exchange.answers[0]?.response;
  if (!response || /\bclose\b/i.test(response.field('connection') ?? '')) drop(connections, key);
  // A server may close a kept connection at any time, also just while it is used again.
  return !response && connection === kept ? alone() : exchange;
}

function keep(connections: Map<string, Connection>, key: string, connection: Connection): void {
  connections.delete(key);
  connections.set(key, connection);
  const [oldest] = connections.keys();
  if (connections.size > CONNECTIONS_EACH && oldest !== undefined) drop(connections, oldest);
}

function drop(connections: Map<string, Connection>, key: string): void {
  connections.get(key)?.close();
  connections.delete(key);
}

export function fixtureOf({ proxy }: Probe, { fixtures }: EngineRun): ProxyFixture {
  const fixture = fixtures.get(proxy);
  if (!fixture) throw new Error(`a probe for the proxy ${proxy}, which is not there`);
  return fixture;
}

/** What one probe shows alone, including that it reached an upstream whose answer never came back. */
export async function judgeAlone(probe: Probe, run: EngineRun, now: number): Promise<Disagreement | undefined> {
  const fixture = fixtureOf(probe, run);
  const expectation = expectationOf(probe, fixture, now);
  run.upstreams.forgetUnclaimed();
  const exchange = await exchangeAlone(probe, expectation, { proxy: fixture.proxy, upstreams: run.upstreams });
  const [secret] = run.upstreams.unclaimed.values();
  const found = problemsOf(expectation, exchange, fixture);
  const hidden = secret
    ? [
        {
          kind: 'unanswered',
          text: `the upstream got "${secret.request.head.split('\r\n')[0]}", but its answer never came back`,
        },
      ]
    : [];
  const problems = [...found, ...hidden];
  return problems.length > 0 ? { probe, expectation, problems } : undefined;
}

async function nameCulprit(
  suspects: readonly Probe[],
  run: EngineRun,
  { now, found, signal }: SendOptions,
): Promise<void> {
  for (const probe of suspects) {
    if (signal.aborted) return;
    const disagreement = await judgeAlone(probe, run, now());
    if (disagreement) return found(disagreement);
  }
}
