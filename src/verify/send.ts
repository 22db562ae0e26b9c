import { exchangeAgain } from './again.ts';
import { problemsOf } from './compare.ts';
import type { Probe } from './draft.ts';
import type { EngineRun } from './engineRun.ts';
import { connectTo, type Exchange, exchangeAlone, exchangeOf, isLast, methodOf, PATIENCE } from './exchange.ts';
import { type Expectation, expectationOf, isOrdinary, type Problem } from './expect.ts';
import type { ProxyFixture } from './proxyFixture.ts';
import type { Connection, RawResponse } from './raw.ts';
import type { Recorded } from './recorder.ts';
import type { Arrival, Upstreams } from './upstreams.ts';

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
  const unheard = new Set<string>();
  const done = ({ probe, expectation }: Prepared, exchange: Exchange) => {
    const problems = problemsOf(expectation, exchange);
    if (problems.length === 0) options.agreed?.(expectation, exchange);
    if (problems.length > 0 && !options.signal.aborted)
      options.found({ probe, expectation, problems, exchange, alone: false });
    const { length } = exchange.answers;
    if (length < expectation.expected.length) noteUnheard(expectation);
    suspects.ended(probe);
    options.sent();
  };
  const noteUnheard = ({ expected }: Expectation) => {
    for (const { request } of expected) unheard.add(`${request.method} ${request.target}`);
  };
  const sendApart = async (prepared: Prepared) => done(prepared, await exchangeApart(prepared, run.upstreams));
  const lane = async () => {
    const connections = new Map<string, Kept>();
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
          await sendTogether(group, { connections, upstreams: run.upstreams, done, noteUnheard });
      }
    } finally {
      for (const { connection } of connections.values()) connection.close();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await Promise.all(apart);
  // What the upstream has answered to a client that is gone is not told from what no client has asked for.
  const hidden = [...run.upstreams.unclaimed].find(
    ([, { request }]) => !unheard.has(`${request.method} ${request.target}`),
  );
  if (hidden) await nameCulprit(hidden[1], { suspects: suspects.of(hidden[0]), run, options });
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
    of: (number) => listed.get(number) ?? list,
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

/** A connection, and what was last answered on it without ending it. */
interface Kept {
  readonly connection: Connection;
  readonly last: Probe | undefined;
}

interface LaneContext {
  readonly connections: Map<string, Kept>;
  readonly upstreams: Upstreams;
  readonly done: (prepared: Prepared, exchange: Exchange) => void;
  /** The upstream may have answered what the client does not get an answer to. */
  readonly noteUnheard: (expectation: Expectation) => void;
}

/**
 * Sends ordinary probes of one proxy and peer one behind the other, over connections that others have used and will
 * use.
 */
async function sendTogether(group: readonly Prepared[], context: LaneContext): Promise<void> {
  const { connections, done } = context;
  for (let left = group; left[0] !== undefined; ) {
    const [head] = left;
    const key = connectionOf(head);
    const kept = connections.get(key);
    const connection = kept?.connection.open ? kept.connection : await connectTo(head.fixture.proxy, head.probe.peer);
    const ahead = connection === kept?.connection && kept.last ? [kept.last] : [];
    const large = left.findIndex(({ probe: { raw } }, index) => index > 0 && raw.length > LARGE);
    const written = large < 0 ? left : left.slice(0, large);
    keep(connections, key, { connection, last: undefined });
    connection.write(written.map(({ probe: { raw } }) => raw).join(''));
    let open = true;
    for (const next of written) {
      left = left.slice(1);
      const response = await connection.receive(methodOf(next.probe), PATIENCE);
      open = response !== undefined && !isLast(response);
      const isAlone = written.length === 1 && ahead.length === 0;
      done(next, await heard(next, { ...context, response, ahead, isAlone, isSilent: connection.open }));
      if (!open) break;
      ahead.push(next.probe);
    }
    if (open) keep(connections, key, { connection, last: ahead.at(-1) });
    else drop(connections, key);
  }
}

interface Heard extends LaneContext {
  readonly response: RawResponse | undefined;
  readonly ahead: readonly Probe[];
  /** Whether nothing else was sent on its connection. */
  readonly isAlone: boolean;
  /** Whether the connection is still open. */
  readonly isSilent: boolean;
}

/** What became of a probe between others: it is asked again where they may be why it has no answer of its own. */
async function heard(prepared: Prepared, context: Heard): Promise<Exchange> {
  const { upstreams, response, ahead, isAlone, isSilent, noteUnheard } = context;
  const { probe, fixture, expectation } = prepared;
  if (response === undefined && !isAlone && !isSilent) {
    noteUnheard(expectation);
    return exchangeAgain({ probe, ahead }, { proxy: fixture.proxy, upstreams });
  }
  const isCrowded = response !== undefined && [414, 431].includes(response.status) && ahead.length > 0;
  return isCrowded ? exchangeApart(prepared, upstreams) : exchangeOf(response, upstreams);
}

function keep(connections: Map<string, Kept>, key: string, kept: Kept): void {
  connections.delete(key);
  connections.set(key, kept);
  const [oldest] = connections.keys();
  if (connections.size > CONNECTIONS_EACH && oldest !== undefined) drop(connections, oldest);
}

function drop(connections: Map<string, Kept>, key: string): void {
  connections.get(key)?.connection.close();
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
  const hidden = secret ? [unseen(secret.request)] : [];
  const problems = [...found, ...hidden];
  return problems.length > 0 ? { probe, expectation, problems, exchange, alone: true } : undefined;
}

interface Hidden {
  /** Probes that were under way when it was first seen. */
  readonly suspects: readonly Probe[];
  readonly run: EngineRun;
  readonly options: SendOptions;
}

/** Tells which probe made an engine ask the upstream for what no client got: one that does so alone, or any of these. */
async function nameCulprit({ request }: Arrival, { suspects, run, options }: Hidden): Promise<void> {
  const { now, found, signal } = options;
  const isNamed = ({ raw }: Probe) => raw.includes(request.target);
  const sorted = [...suspects.filter(isNamed), ...suspects.filter((each) => !isNamed(each))];
  for (const probe of sorted) {
    if (signal.aborted) return;
    const disagreement = await judgeAlone(probe, run, now());
    if (disagreement) return found(disagreement);
  }
  const [probe] = sorted;
  if (!probe) throw new Error('an arrival without a probe');
  const { expectation } = prepare(probe, run, now());
  found({ probe, expectation, problems: [unseen(request)], exchange: { answers: [], extra: [] }, alone: false });
}

function unseen({ head }: Recorded): Problem {
  return { kind: 'unanswered', text: `the upstream got "${head.split('\r\n')[0]}", but its answer never came back` };
}
