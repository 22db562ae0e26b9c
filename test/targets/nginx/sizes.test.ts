import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nginx } from '../../../src/targets/nginx/index.ts';
import { policyOf } from '../../support/policy.ts';

const test = suite('nginx: sizes of tables');

/** Names of 2 × 7 letters that are one number to the base of 31. */
const ALIKE = Array.from({ length: 128 }, (_, index) =>
  Array.from({ length: 7 }, (_, bit) => ((index >> bit) % 2 === 0 ? 'a_' : 'b@')).join(''),
);

function problemsFor(names: readonly string[]): readonly string[] {
  const policy = policyOf({
    upstreams: { up: { url: 'http://127.0.0.1:9' } },
    routes: { read: { upstream: 'up', allow: names.map((name) => `GET /api/${name}/{id:int}`) } },
    apiKeys: { caller: { key: 'env:K', token: 'env:T' } },
    proxies: { api: { listen: 1, ipRanges: 'any' } },
  });
  const input = { policy, options: nginx.options.parse({}), at: ['targets', 'nginx'], read: () => undefined };
  return nginx.emit(input).diagnostics.flatMap(({ code, message }) => (code === 'nginx/names-alike' ? [message] : []));
}

test('names that nginx looks for one after the other are refused where they are many', () => {
  assert.match(problemsFor(ALIKE).join(), /^128 rows of a table, such as "GET \/api\/a_/);
  assert.equal(problemsFor(ALIKE.slice(0, 100)), []);
  assert.equal(problemsFor(ALIKE.map((name, index) => `${name}${index}`)), []);
});

test.run();
