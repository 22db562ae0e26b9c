import { type Draft, type Probe, raw } from '../draft.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import { randomOf } from '../random.ts';
import { hostFor, sentFrom, withKey } from './base.ts';

/** A request of the spec's `tests:`. */
export interface TestRequest {
  readonly request: string;
  readonly apiKey?: string | undefined;
  readonly from?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly proxy?: string | undefined;
}

/** The spec's own requests as bytes; `postern test` reports those that name a proxy that does not exist. */
export function testProbes(tests: readonly TestRequest[], fixtures: readonly ProxyFixture[]): Probe[] {
  return tests.flatMap((test) => {
    const fixture =
      fixtures.find(({ proxy }) => proxy.id === test.proxy) ?? (test.proxy === undefined ? fixtures[0] : undefined);
    return fixture ? [probeOf(test, fixture)] : [];
  });
}

function probeOf({ request, apiKey, from, headers = {} }: TestRequest, fixture: ProxyFixture): Probe {
  const [method = '', target = ''] = request.split(' ');
  const caller = fixture.callers.find(({ id }) => id === apiKey);
  const key = caller ? fixture.secrets.keysOf(caller.id)[0] : undefined;
  const own = Object.entries(headers);
  const host = own.some(([name]) => name.toLowerCase() === 'host') ? [] : [['Host', hostFor(fixture)] as const];
  const plain: Draft = { method, target, version: 'HTTP/1.1', fields: [...host, ...own] };
  const keyed = key === undefined ? plain : withKey(plain, fixture, key);
  const context = { fixture, random: randomOf(request), now: 0 };
  const { draft, peer } = sentFrom(keyed, from === undefined ? fixture.admitted(caller) : [from], context);
  return { proxy: fixture.proxy.id, peer, raw: raw(draft) };
}
