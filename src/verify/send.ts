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
const TOGETHER = 32;
/**
 * Characters of a probe that is the first of those written at once: nginx counts the buffers of all heads that have
 * arrived, so it may refuse a large one for the size of others.
 */
const LARGE = 4_096;
/** The most probes at a time on connections of their own; some of them wait for an engine that stays silent. */
const MOST_APART = 128;

/** Sends probes over many connections at once and compares what becomes of each. */
export async function sendAll(probes: Iterator<Probe>, run: EngineRun, options: SendOptions): Promise<void> {
  const apart = new Set<Promise<void>>();
  const suspects = openSuspects(run.upstreams.unclaimed);
  const done = ({ probe, expectation }: Prepared, exchange: Exchange) => {
    const problems = problemsOf(expectation, exchange);
    if (problems.length === 0) options.agreed?.(expectation, exchange);
    if (problems.length > 0 && !options.signal.aborted)
      options.found({ probe, expectation, problems, exchange, alone: false });
    suspects.ended(probe);
    options.sent();
  };
  const sendApart = async (prepared: Prepared) => done(prepared, await exchangeApart(prepared, run.upstreams));
  const lane = async () => {
    const connections = new Map<string, Connection>();
    try {
      while (!options.signal.aborted) {
        const taken = take(probes, TOGETHER).map((probe) => prepare(probe, run, options.now()));
        if (taken.length === 0) return;
        for (const { probe } of taken) suspects.began(probe);
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
  for (const number of run.upstreams.unclaimed.keys()) await nameCulprit(suspects.of(number), run, options);
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

/** Remembers which probes were under way when an arrival was first seen that nobody has claimed. */
interface Suspects {
  began(probe: Probe): void;
  ended(probe: Probe): void;
  of(number: string): readonly Probe[];
}

/** Probes that begin before another list of those under way is made; each list costs a copy. */
const PROBES_A_LIST = 256;

function openSuspects(unclaimed: ReadonlyMap<string, unknown>): Suspects {
  const flying = new Set<Probe>();
  const listed = new Map<string, readonly Probe[]>();
  // Those that were under way when this list was begun, and all that began since.
  let list: Probe[] = [];
  let begun = 0;
  return {
    began(probe) {
      if (begun % PROBES_A_LIST === 0) list = [...flying];
      begun += 1;
      flying.add(probe);
      list.push(probe);
    },
    ended(probe) {
      for (const number of listed.keys()) if (!unclaimed.has(number)) listed.delete(number);
      for (const number of unclaimed.keys()) if (!listed.has(number)) listed.set(number, list);
      flying.delete(probe);
    },
    of: (number) => listed.get(number) ?? [],
  };
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
    const large = left.findIndex(({ probe: { raw } }, index) => index > 0 && raw.length > LARGE);
    const written = large < 0 ? left : left.slice(0, large);
    connection.write(written.map(({ probe: { raw } }) => raw).join(''));
    const isNew = connection !== kept;
    for (const [ahead, next] of written.entries()) {
      left = left.slice(1);
      const response = await connection.receive(methodOf(next.probe), PATIENCE);
      const open = response !== undefined && !/\bclose\b/i.test(response.field('connection') ?? '');
      // A server may close a used connection at any moment, and one that closes with requests unread takes the answer
      // before them along, so a probe without an answer on such a connection is sent again, alone.
      const isUnheard = response === undefined && (written.length > 1 || !isNew);
      const isCrowded = [414, 431].includes(response?.status ?? 0) && ahead > 0;
      done(next, isUnheard || isCrowded ? await exchangeApart(next, upstreams) : exchangeOf(response, upstreams));
      if (open) continue;
      drop(connections, key);
      break;
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
