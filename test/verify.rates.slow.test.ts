import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTarget } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

const { test, engines } = await engineSuite('verify: rates of keys', ['nginx']);

const spec = {
  upstreams: { up: { url: 'http://up.example.com' } },
  routes: { read: { upstream: 'up', allow: ['GET /a'] } },
  apiKeys: {
    quick: { key: 'env:Q', token: 'env:T', rateLimit: '10/s burst 20' },
    slow: { key: 'env:S', token: 'env:T', rateLimit: '6/m' },
    free: { key: 'env:F', token: 'env:T' },
  },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'] } },
};

function check(tamper?: (file: RenderedFile) => RenderedFile, changed: object = spec) {
  return verified({ target: proxyTarget('nginx'), spec: changed, program: engines.nginx.path, requests: 200, tamper });
}

const replacing = (from: RegExp, to: string) => (file: RenderedFile) => ({
  ...file,
  text: file.text.replaceAll(from, to),
});

test('a key may do what its burst and its rate say, and no more', async () => {
  const run = await check();
  assert.is(findings(run), '');
  assert.is(run.disagreements, 0);
});

for (const [title, tamper, expected] of [
  ['no limit at all', replacing(/limit_req zone.*;/g, ''), /key quick is not stopped beyond its rate/],
  ['a larger burst', replacing(/burst=20/g, 'burst=40'), /key quick is not stopped beyond its rate/],
  [
    'a smaller burst',
    replacing(/burst=20/g, 'burst=10'),
    /key quick was stopped after 11 requests, and its burst is 20/,
  ],
  ['another status', replacing(/limit_req_status 429/g, 'limit_req_status 503'), /key quick got 503 instead of 429/],
] as const) {
  test(`${title} is found`, async () => {
    const run = await check(tamper);
    assert.match(findings(run), expected);
    assert.ok(run.disagreements > 0);
    const at = run.diagnostics.filter(({ severity }) => severity === 'error').map((each) => each.at);
    assert.equal(at[0], ['apiKeys', 'quick', 'rateLimit']);
  });
}

test('what one client cannot exceed is said not to have been tried', async () => {
  const fast = { quick: { ...spec.apiKeys.quick, rateLimit: '100000/s' } };
  assert.match(findings(await check(undefined, { ...spec, apiKeys: fast })), /the rate of key quick is too high/);
});

test.run();
