import { isIPv6 } from 'node:net';
import type { Proxy } from '../policy/types.ts';
import type { Probe } from './draft.ts';
import type { Expectation } from './expect.ts';
import { type Address, type Connection, openConnection, type RawResponse } from './raw.ts';
import { ARRIVAL_HEADER, type Arrival, type Upstreams } from './upstreams.ts';

/** An answer as the client got it, and the arrival that it belongs to. */
export interface Answered {
  readonly response: RawResponse;
  readonly arrival?: Arrival;
}

/** What became of a probe. */
export interface Exchange {
  /** The answers in order; fewer than requests where the engine closed the connection. */
  readonly answers: readonly Answered[];
  /** Answers after those: to the sentinel, to bytes that are no request, or to requests that nobody sent. */
  readonly extra: readonly Answered[];
}

/** Milliseconds without a byte after which `unlessSilent` sends another request, and the same after its answer. */
const SILENCE = 1_500;
const SILENCE_AFTERWARDS = 300;
/** Milliseconds within which an answer that is due must come, however busy the machine is. */
export const PATIENCE = 90_000;
/** Sent after a probe, to see that the engine read it to its end. No pattern matches a segment such as "..;". */
export const SENTINEL = 'GET /postern/..;/sentinel HTTP/1.1\r\nHost: probe.example\r\nConnection: close\r\n\r\n';

/** Where something listens, and how it learns the client's address. */
export type Listener = Pick<Proxy, 'listen' | 'hosts' | 'clientIp' | 'tls'>;

export function connectTo(proxy: Listener, peer: string): Promise<Connection> {
  const { port } = proxy.listen;
  const to: Address = { port, ...(proxy.tls ? { tls: { serverName: proxy.hosts[0] ?? 'probe.example' } } : {}) };
  if (proxy.clientIp.kind === 'direct') return openConnection({ ...to, from: peer });
  return openConnection({ ...to, preface: prefaceOf(proxy, peer) });
}

/** The line of PROXY protocol, version 1, by which a balancer names the client before anything else; "" without it. */
export function prefaceOf({ clientIp }: Listener, peer: string): string {
  if (clientIp.kind !== 'proxyProtocol') return '';
  return isIPv6(peer) ? `PROXY TCP6 ${peer} ::1 50000 80\r\n` : `PROXY TCP4 ${peer} 127.0.0.1 50000 80\r\n`;
}

/** Sends one ordinary request over a connection that others have used and will use. */
export async function exchangeOn(connection: Connection, probe: Probe, upstreams: Upstreams): Promise<Exchange> {
  connection.write(probe.raw);
  return exchangeOf(await connection.receive(methodOf(probe), PATIENCE), upstreams);
}

/** What became of one ordinary request; there is no response where the server closed without one. */
export function exchangeOf(response: RawResponse | undefined, upstreams: Upstreams): Exchange {
  return { answers: response ? [answered(response, upstreams)] : [], extra: [] };
}

/** Whether a response announces the end of its connection. */
export function isLast(response: RawResponse): boolean {
  return /\bclose\b/i.test(response.field('connection') ?? '');
}

export function methodOf({ raw }: Probe): string {
  return raw.slice(0, Math.max(0, raw.indexOf(' ')));
}

/** Sends any bytes over a connection of their own, and waits until the server has nothing more to say about them. */
export async function exchangeAlone(
  probe: Probe,
  { expected, end }: Expectation,
  context: { proxy: Listener; upstreams: Upstreams },
): Promise<Exchange> {
  const { proxy, upstreams } = context;
  const connection = await connectTo(proxy, probe.peer);
  const all: RawResponse[] = [];
  const receive = async (method: string, isDue: boolean): Promise<boolean> => {
    const response = await (isDue ? connection.receive(method, PATIENCE) : unlessSilent(connection, method, proxy));
    if (response) all.push(response);
    return response !== undefined && !isLast(response);
  };
  try {
    connection.write(probe.raw);
    let open = true;
    // A server that may refuse a request may also take it for unfinished, and wait for more.
    for (const { request, refusable } of expected)
      open = open && (await receive(request.method, refusable === undefined));
    if (open && end !== 'incomplete') connection.write(SENTINEL);
    else connection.end();
    // After a malformed request the server may have read the sentinel as its body, and then only silence ends the wait.
    while (open) open = await receive('GET', end === 'clean');
    connection.end();
    const found = all.map((response) => answered(response, upstreams));
    return { answers: found.slice(0, expected.length), extra: found.slice(expected.length) };
  } finally {
    connection.close();
  }
}

/**
 * The next response; `undefined` where the engine is silent. Time alone does not show that on a busy machine, so a
 * later request is sent on another connection: an engine that has answered it has had time for this one.
 */
export async function unlessSilent(
  connection: Connection,
  method: string,
  proxy: Listener,
): Promise<RawResponse | undefined> {
  const response = await connection.receive(method, SILENCE);
  if (response || !connection.open) return response;
  const later = await connectTo(proxy, '127.0.0.1');
  later.write(SENTINEL);
  await later.receive('GET', PATIENCE);
  later.close();
  return connection.receive(method, SILENCE_AFTERWARDS);
}

function answered(response: RawResponse, upstreams: Upstreams): Answered {
  const number = response.field(ARRIVAL_HEADER);
  const arrival = number === undefined ? undefined : upstreams.claim(number);
  return { response, ...(arrival ? { arrival } : {}) };
}
