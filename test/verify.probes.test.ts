import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ApiKey } from '../src/policy/types.ts';
import { probesOf, type Shard, WHOLE } from '../src/verify/probes/generate.ts';
import { fixturesOf } from '../src/verify/proxyFixture.ts';
import { randomOf } from '../src/verify/random.ts';
import { throwAwaySecrets } from '../src/verify/secrets.ts';
import { policyOf } from './support/policy.ts';

const test = suite('probes');

test('making a probe does not look at every key', () => {
  const keys = 2_000;
  const apiKeys = Array.from({ length: keys }, (_, index) => [
    `caller-${index}`,
    { key: `env:K${index}`, token: `env:T${index}`, ...(index % 3 === 0 ? { ipRanges: ['10.1.0.0/16'] } : {}) },
  ]);
  const policy = policyOf({
    upstreams: { up: { url: 'http://up.example.com' } },
    routes: { read: { upstream: 'up', allow: ['GET /a', 'POST /b/{x}'] } },
    apiKeys: Object.fromEntries(apiKeys),
    proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], clientIp: { trustedProxies: ['127.0.0.0/8'] } } },
  });
  let looks = 0;
  const watched = (key: ApiKey) =>
    new Proxy(key, {
      get(target, name, receiver) {
        looks += 1;
        return Reflect.get(target, name, receiver);
      },
    });
  const fixtures = fixturesOf(
    { ...policy, apiKeys: policy.apiKeys.map(watched) },
    throwAwaySecrets(policy, randomOf('secrets')),
  );
  const probes = probesOf({ fixtures, ownTargets: [], seed: 'probes', shard: WHOLE, now: 0 });
  const make = (count: number) => {
    for (let made = 0; made < count; made += 1) probes.next();
    const taken = looks;
    looks = 0;
    return taken;
  };
  make(200);
  const each = make(1_000) / 1_000;
  assert.ok(each < 20, `${each} looks at keys for one probe of ${keys} keys`);
});

test('parts of the probes share out what is listed, and have chances of their own', () => {
  const policy = policyOf({
    upstreams: { up: { url: 'http://up.example.com' } },
    routes: { read: { upstream: 'up', auth: 'passthrough', allow: ['GET /a', 'POST /b/{x}'] } },
    proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], clientIp: { trustedProxies: ['127.0.0.0/8'] } } },
  });
  const fixtures = fixturesOf(policy, throwAwaySecrets(policy, randomOf('secrets')));
  const made = (shard: Shard, count: number) => {
    const probes = probesOf({ fixtures, ownTargets: [], seed: 'parts', shard, now: 0 });
    const taken = Array.from({ length: 2 * count }, () => probes.next().value.raw);
    // Of each two the first is listed.
    return { listed: taken.filter((_, index) => index % 2 === 0), chance: taken.filter((_, index) => index % 2 === 1) };
  };
  const whole = made(WHOLE, 90);
  const parts = [1, 2, 3].map((part) => made({ part, of: 3 }, 30));
  assert.equal(parts.flatMap(({ listed }) => listed).sort(), whole.listed.sort());
  assert.is(new Set([...parts, whole].map(({ chance }) => chance.join())).size, 4);
});

test.run();
