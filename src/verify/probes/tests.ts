import { type Draft, type Probe, raw, withField } from '../draft.ts';
import { randomOf } from '../random.ts';
import type { Ground } from '../world.ts';
import { admitted } from '../world.ts';
import { HOST, sentFrom } from './base.ts';

/** A request of the spec's `tests:`. */
export interface TestRequest {
  readonly request: string;
  readonly apiKey?: string | undefined;
  readonly from?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly proxy?: string | undefined;
}

/** The spec's own requests as bytes; those to a proxy that is not there are the business of `postern test`. */
export function testProbes(tests: readonly TestRequest[], grounds: readonly Ground[]): Probe[] {
  return tests.flatMap((test) => {
    const ground =
      grounds.find(({ proxy }) => proxy.id === test.proxy) ?? (test.proxy === undefined ? grounds[0] : undefined);
    return ground ? [probeOf(test, ground)] : [];
  });
}

function probeOf({ request, apiKey, from, headers = {} }: TestRequest, ground: Ground): Probe {
  const [method = '', target = ''] = request.split(' ');
  const caller = ground.callers.find(({ id }) => id === apiKey);
  const key = caller ? ground.secrets.keysOf(caller.id)[0] : undefined;
  const plain: Draft = { method, target, version: 'HTTP/1.1', fields: [['Host', HOST], ...Object.entries(headers)] };
  const keyed = key === undefined ? plain : withField(plain, ground.proxy.apiKeyHeader, key);
  const workshop = { ground, random: randomOf(request), now: 0 };
  const { draft, peer } = sentFrom(keyed, from === undefined ? admitted(ground, caller) : [from], workshop);
  return { proxy: ground.proxy.id, peer, raw: raw(draft) };
}
