import { withField } from '../draft.ts';
import type { EngineRun } from '../engineRun.ts';
import { connectTo, PATIENCE } from '../exchange.ts';
import { expectationOf } from '../expect.ts';
import type { Random } from '../random.ts';
import { type CheckFailure, type Forwarded, forwardedBy, probeOf } from './check.ts';

const HANDSHAKE = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Version', '13'],
  ['Origin', 'https://page.example'],
] as const;
/** A WebSocket frame: a proxy that still expects HTTP does not pass it on. */
const MESSAGE = '\x81\x05hello';
/** The most endpoints of a proxy that are tried, of those with WebSockets and as many of those without. */
const MOST_PLACES = 10;

/** Checks that routes with `websocket: true`, and no others, upgrade and then pass bytes both ways. */
export async function upgrades(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const all = [...forwardedBy(run)].filter(({ method }) => method === 'GET');
  if (!all.some(({ routeClass }) => routeClass.forwarding.websocket)) return [];
  run.upstreams.acceptUpgrades();
  const failures: CheckFailure[] = [];
  const tried = new Map<string, number>();
  for (const each of all) {
    const kind = `${each.fixture.proxy.id} ${each.routeClass.forwarding.websocket}`;
    const times = tried.get(kind) ?? 0;
    if (times >= MOST_PLACES) continue;
    const problem = await problemOf(each, random);
    if (problem === 'denied') continue;
    tried.set(kind, times + 1);
    const [rule] = each.endpoint.state.accepts;
    if (problem !== undefined) failures.push({ at: rule?.origin ?? each.fixture.proxy.origin, problem });
  }
  return failures;
}

async function problemOf(each: Forwarded, random: Random): Promise<string | undefined> {
  const { fixture, routeClass } = each;
  const probe = probeOf(each, random, (draft) =>
    HANDSHAKE.reduce((made, [name, value]) => withField(made, name, value), draft),
  );
  const { decision, request } = expectationOf(probe, fixture, Date.now() / 1000).expected[0] ?? {};
  if (decision?.kind !== 'forward') return 'denied';
  const connection = await connectTo(fixture.proxy, probe.peer);
  try {
    connection.write(probe.raw);
    const head = await connection.until('\r\n\r\n', PATIENCE);
    const switched = /^HTTP\/1\.1 101 /.test(head);
    const asked = `GET ${request?.target}`;
    if (!routeClass.forwarding.websocket)
      return switched ? `${asked} was upgraded, although the route is none for WebSockets` : undefined;
    if (!switched) return `${asked} was not upgraded, but answered ${head.slice(0, 40).split('\r')[0] || 'nothing'}`;
    connection.write(MESSAGE);
    const back = await connection.until(MESSAGE, PATIENCE);
    return back.endsWith(MESSAGE) ? undefined : `${asked} was upgraded, but what is sent then does not come back`;
  } finally {
    connection.close();
  }
}
