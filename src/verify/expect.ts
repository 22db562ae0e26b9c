import { type Logged, loggedOf, type ShadowLine, shadowOf } from '../plan/log.ts';
import { type Address, parseAddress } from '../policy/cidr.ts';
import type { Decision } from '../policy/decide.ts';
import { clientAddress, credentialOf } from '../policy/request.ts';
import type { Probe } from './draft.ts';
import type { ProxyFixture } from './proxyFixture.ts';
import { type Reading, type ReadRequest, readAll } from './reading.ts';

/** What the reference evaluator says about one request of a probe. */
export interface Expected {
  /** The proxy that is asked. */
  readonly fixture: ProxyFixture;
  readonly request: ReadRequest;
  /** Why an engine may refuse the request while parsing it; absent where it may not. */
  readonly refusable?: string;
  readonly framed: boolean;
  readonly loose: boolean;
  readonly midway: boolean;
  readonly decision: Decision;
  readonly client: Address;
  /** What the access log must say of the request. */
  readonly logged: Logged & Partial<ShadowLine>;
}

/** What must become of a probe's bytes. */
export interface Expectation {
  readonly expected: readonly Expected[];
  /** What the bytes after the last whole request are: none, the beginning of one, or none that is well formed. */
  readonly end: 'clean' | 'incomplete' | { readonly malformed: string; readonly late: boolean };
}

/** One way in which an engine did not do what the evaluator says. */
export interface Problem {
  /**
   * Text that is equal for the same kind of mistake: shrinking keeps a smaller request only if it shows the same kind.
   */
  readonly kind: string;
  readonly text: string;
  /** Index of the request among those of the probe; absent where the problem is about none of them. */
  readonly index?: number;
}

export function expectationOf(probe: Probe, fixture: ProxyFixture, now: number): Expectation {
  const readings = readAll(probe.raw);
  const expected = readings.flatMap((reading) =>
    reading.kind === 'request' ? [expectedOf(reading, { probe, fixture, now })] : [],
  );
  const last = readings.at(-1);
  if (last?.kind === 'malformed') return { expected, end: { malformed: last.why, late: last.late ?? false } };
  return { expected, end: last?.kind === 'incomplete' || !last ? 'incomplete' : 'clean' };
}

/** Bytes beyond the largest head that an engine may still take, because it reads into buffers of fixed sizes. */
export const HEAD_SLACK = 5 * 1024;

type Read = Extract<Reading, { kind: 'request' }>;

function expectedOf(
  { request, headBytes, refusable: reason, framed, loose = false, midway = false }: Read,
  context: { probe: Probe; fixture: ProxyFixture; now: number },
): Expected {
  const { probe, now } = context;
  const { method, target, fields } = request;
  const fixture = context.fixture.asked({ target, headers: fields });
  const { proxy, secrets, evaluator } = fixture;
  const peer = parseAddress(probe.peer);
  if (!peer) throw new Error(`a probe comes from ${probe.peer}, which is no address`);
  const client = clientAddress(proxy.clientIp, peer, fields);
  const credential = credentialOf(fields, proxy, secrets.idOf);
  const limit = proxy.maxRequestHead;
  const refusable = reason ?? (headBytes > limit ? 'a larger head than the proxy takes' : undefined);
  const isTooLarge = headBytes > limit + HEAD_SLACK;
  const asked = { method, target, headers: fields, client, credential, at: now, headBytes: isTooLarge ? headBytes : 0 };
  const decision = evaluator.decide(asked);
  const logged = {
    ...loggedOf(decision, { target, credential }, evaluator.access),
    ...(fixture.shadow && shadowOf(fixture.shadow.decide(asked))),
  };
  return {
    fixture,
    request,
    decision,
    client,
    framed,
    // Some engines check the size last, after another check may have refused the request.
    loose: loose || headBytes > limit,
    midway,
    logged,
    ...(refusable === undefined ? {} : { refusable }),
  };
}

/** Whether the connection is in a known state after the answer, so that another probe may follow on it. */
export function isOrdinary({ expected, end }: Expectation): boolean {
  const [only, ...others] = expected;
  if (!only || others.length > 0 || end !== 'clean' || !only.framed) return false;
  const { request } = only;
  return (
    request.version === '1.1' &&
    !request.fields.some(([name]) => /^(?:connection|expect|upgrade|te|keep-alive)$/i.test(name))
  );
}
