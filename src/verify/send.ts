import { problemsOf } from './compare.ts';
import type { Probe } from './draft.ts';
import type { EngineRun } from './engineRun.ts';
import { connectTo, type Exchange, exchangeAlone, exchangeOf, methodOf, PATIENCE } from './exchange.ts';
import { type Expectation, expectationOf, isOrdinary, type Problem } from './expect.ts';
import type { ProxyFixture } from './proxyFixture.ts';
import type { Connection } from './raw.ts';
import type { Upstreams } from './upstreams.ts';

/** A probe on which engine and evaluator disagree. */
export interface Disagreement {
  readonly probe: Probe;
  readonly expectation: Expectation;
  readonly problems: readonly Problem[];
  readonly exchange: Exchange;
  /** Whether no other probe was under way. */
  readonly alone: boolean;
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

/** Lanes that send ordinary probes side by side. There are many, because an engine must cope with many connections. */
const LANES = 32;
const CONNECTIONS_EACH = 6;
/**
 * Probes that a lane takes at a time; ordinary ones for one connection are sent one behind the other, without waiting.
 */
const TOGETHER = 16;
/** The most probes at a time on connections of their own; some of them wait for an engine that stays silent. */
const MOST_APART = 128;

/** Sends probes over many connections at once and compares what becomes of each. */
export async function sendAll(probes: Iterator<Probe>, run: EngineRun, options: SendOptions): Promise<void> {
  const flying = new Set<Probe>();
  const apart = new Set<Promise<void>>();
  const suspects = new Map<string, readonly Probe[]>();
  const done = ({ probe, expectation }: Prepared, exchange: Exchange) => {
    const problems = problemsOf(expectation, exchange);
    if (problems.length === 0) options.agreed?.(expectation, exchange);
    if (problems.length > 0 && !options.signal.aborted)
      options.found({ probe, expectation, problems, exchange, alone: false });
    suspect(suspects, run.upstreams.unclaimed, flying);
    flying.delete(probe);
    options.sent();
  };
  const sendApart = async (prepared: Prepared) => done(prepared, await exchangeApart(prepared, run.upstreams));
  const lane = async () => {
    const connections = new Map<string, Connection>();
    try {
      while (!options.signal.aborted) {
        const taken = take(probes, TOGETHER).map((probe) => prepare(probe, run, options.now()));
        if (taken.length === 0) return;
        for (const { probe } of taken) flying.add(probe);
        for (const prepared of taken.filter((each) => !sharesConnections(each))) {
          while (apart.size >= MOST_APART) await Promise.race(apart);
          const sending = sendApart(prepared);
          apart.add(sending);
          // A failed one stays in the set, so that the error reaches whoever awaits the set.
          sending.then(() => apart.delete(sending)).catch(() => {});
        }
        for (const group of byConnection(taken.filter(sharesConnections)).values())
          await sendTogether(group, { connections, upstreams: run.upstreams, done });
      }
    } finally {
      for (const connection of connections.values()) connection.close();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await Promise.all(apart);
  for (const number of run.upstreams.unclaimed.keys()) await nameCulprit(suspects.get(number) ?? [], run, options);
}

function take<T>(items: Iterator<T>, most: number): T[] {
  const taken: T[] = [];
  while (taken.length < most) {
    const next = items.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

/** Remembers which probes were under way when an unclaimed arrival was first seen. */
function suspect(
  suspects: Map<string, readonly Probe[]>,
  unclaimed: ReadonlyMap<string, unknown>,
  flying: ReadonlySet<Probe>,
): void {
  for (const number of suspects.keys()) if (!unclaimed.has(number)) suspects.delete(number);
  let probes: readonly Probe[] | undefined;
  for (const number of unclaimed.keys()) {
    if (suspects.has(number)) continue;
    probes ??= [...flying];
    suspects.set(number, probes);
  }
}

/** A probe, and what must become of it. */
interface Prepared {
  readonly probe: Probe;
  readonly fixture: ProxyFixture;
  readonly expectation: Expectation;
}

function prepare(probe: Probe, run: EngineRun, now: number): Prepared {
  const fixture = fixtureOf(probe, run);
  return { probe, fixture, expectation: expectationOf(probe, fixture, now) };
}

function sharesConnections({ expectation, fixture }: Prepared): boolean {
  return isOrdinary(expectation) && fixture.proxy.clientIp.kind !== 'proxyProtocol';
}

function exchangeApart({ probe, fixture, expectation }: Prepared, upstreams: Upstreams): Promise<Exchange> {
  return exchangeAlone(probe, expectation, { proxy: fixture.proxy, upstreams });
}

function byConnection(all: readonly Prepared[]): ReadonlyMap<string, readonly Prepared[]> {
  const groups = new Map<string, Prepared[]>();
  for (const prepared of all) {
    const key = connectionOf(prepared);
    groups.set(key, [...(groups.get(key) ?? []), prepared]);
  }
  return groups;
}

/** Proxy and peer of a probe, as text. Probes with equal texts may share a connection. */
function connectionOf({ probe: { proxy, peer } }: Prepared): string {
  return `${proxy} ${peer}`;
}

interface LaneContext {
  readonly connections: Map<string, Connection>;
  readonly upstreams: Upstreams;
  readonly done: (prepared: Prepared, exchange: Exchange) => void;
}

/**
 * Sends ordinary probes of one proxy and peer one behind the other, over connections that others have used and will
 * use.
 */
async function sendTogether(group: readonly Prepared[], { connections, upstreams, done }: LaneContext): Promise<void> {
  for (let left = group; left[0] !== undefined; ) {
    const [head] = left;
    const key = connectionOf(head);
    const kept = connections.get(key);
    const connection = kept?.open ? kept : await connectTo(head.fixture.proxy, head.probe.peer);
    keep(connections, key, connection);
    connection.write(left.map(({ probe: { raw } }) => raw).join(''));
    const isNew = connection !== kept;
    for (let open = true, ahead = 0; open && left[0] !== undefined; ahead += 1) {
      const [next] = left;
      left = left.slice(1);
      const response = await connection.receive(methodOf(next.probe), PATIENCE);
      open = response !== undefined && !/\bclose\b/i.test(response.field('connection') ?? '');
      // A server may close a used connection at any moment, so a probe without an answer on one is sent again, alone.
      const isUnheard = response === undefined && (ahead > 0 || !isNew);
      // nginx counts the buffers of all heads that have arrived, so it may refuse a head for the size of others.
      const isCrowded = [414, 431].includes(response?.status ?? 0) && ahead > 0;
      done(next, isUnheard || isCrowded ? await exchangeApart(next, upstreams) : exchangeOf(response, upstreams));
      if (!open) drop(connections, key);
    }
  }
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

/** The disagreement that a probe shows when it is sent alone, also that an upstream's answer never came back. */
export async function judgeAlone(probe: Probe, run: EngineRun, now: number): Promise<Disagreement | undefined> {
  const fixture = fixtureOf(probe, run);
  const expectation = expectationOf(probe, fixture, now);
  run.upstreams.forgetUnclaimed();
  const exchange = await exchangeAlone(probe, expectation, { proxy: fixture.proxy, upstreams: run.upstreams });
  const [secret] = run.upstreams.unclaimed.values();
  const found = problemsOf(expectation, exchange);
  const hidden = secret
    ? [
        {
          kind: 'unanswered',
          text: `the upstream got "${secret.request.head.split('\r\n')[0]}", but its answer never came back`,
        },
      ]
    : [];
  const problems = [...found, ...hidden];
  return problems.length > 0 ? { probe, expectation, problems, exchange, alone: true } : undefined;
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
