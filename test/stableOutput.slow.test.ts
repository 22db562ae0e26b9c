import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  addGiven,
  examples,
  KEYS,
  leftOut,
  ofDocker,
  ofRewrites,
  ofRoutes,
  PROXIES,
  THINGS,
  withTwins,
} from './support/additions.ts';
import { addedTo, budgetOf, changesOf, countOf, goneFrom, outputOf } from './support/outputChanges.ts';
import { testAdditions, testOthers, testRoutes } from './support/stableOutput.ts';

const test = suite('stable output');

const MADE = [ofDocker(), ofRoutes(10), ofRewrites(50)];
for (const base of [...examples(), ...MADE]) testAdditions(test, base);

const NO_KEYS = KEYS.map(({ what }) => what);
const NO_REWRITES = THINGS.map(({ what }) => what).filter((what) => what.startsWith('a rewrite'));
const NO_MIRROR = 'a mirror of Docker Hub';

/** What each example is not looked at with, since it has nothing of the kind. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  addresses: [...NO_KEYS, ...NO_REWRITES, NO_MIRROR],
  'all-options': [NO_MIRROR],
  'dependency-proxy': [...NO_KEYS, NO_MIRROR],
  deploy: ['a proxy behind another', ...NO_REWRITES, NO_MIRROR],
  'gitlab-proxy': [...NO_REWRITES, NO_MIRROR],
  privatelink: [...NO_KEYS, 'a proxy', 'a proxy behind another', 'a range', 'an upstream with a route', NO_MIRROR],
  runner: [...NO_KEYS, ...NO_REWRITES, NO_MIRROR],
  vault: ['a key with a named range', 'a range', ...NO_REWRITES, NO_MIRROR],
};

for (const base of examples()) {
  test(`${base.name}: is looked at with whatever it has room for`, () =>
    assert.equal(leftOut(base), LEFT_OUT[base.name]));
}

test('groups whose names differ in capitals alone keep their names in rows when either gets a route', () => {
  const specOf = (more: readonly string[]) => ({
    version: 1,
    name: 'twins',
    upstreams: { up: { url: 'https://up.example.com' } },
    routes: {
      Read: { upstream: 'up', allow: ['GET /m/b', 'GET /m/c'] },
      read: { upstream: 'up', contentTypes: ['text/plain'], allow: [...more, 'GET /n/b'] },
    },
    apiKeys: { reader: { key: 'env:KEY', token: 'env:TOKEN' } },
    proxies: { api: { listen: 8080, ipRanges: 'any' } },
    targets: { nginx: {}, caddy: {} },
  });
  const [before, after] = [outputOf(specOf([]), '.'), outputOf(specOf(['GET /a']), '.')];
  for (const target of ['nginx', 'caddy'])
    assert.ok(countOf(changesOf(before, after, target)) <= budgetOf('GET /a', []), target);
});

test('the 257th path of a proxy makes the one jump there is: from then on paths share rows of Caddy', () => {
  const { spec, folder } = ofRoutes(256);
  const targets = { caddy: {} };
  const add = (count: number) => {
    const copy = { ...structuredClone(spec), targets };
    for (let number = 1; number <= count; number++) addGiven(`GET /more${number}`)(copy, (length) => length);
    return outputOf(copy, folder);
  };
  const [before, jump, after] = [add(0), add(1), add(2)];
  const jumped = countOf(changesOf(before, jump, 'caddy'));
  // 256 rows become 64; their comments stand above all of them now.
  assert.ok(jumped > 256 && jumped <= 256 * 3 + 64, String(jumped));
  assert.ok(countOf(changesOf(jump, after, 'caddy')) <= budgetOf('GET /more2', []) + 4);
});

// nginx looks keys up in tables that all proxies share. A site of Caddy has all of its tables in it, since each keeps
// the groups of its own proxy alone: with a second proxy that reads the same keys, what a key changes is there twice.
const twins = withTwins(ofRoutes(10), 1);
for (const { what, add, gone, added } of KEYS) {
  test(`two proxies of the same keys: ${what} takes ${gone} lines away and brings ${added}, on Caddy once for each proxy`, () => {
    const before = outputOf(twins.spec, twins.folder);
    for (const name of ['aaa', 'mmm', 'zzz']) {
      const copy = structuredClone(twins.spec);
      assert.ok(add(name)(copy, (length) => length >> 1));
      const after = outputOf(copy, twins.folder);
      for (const target of after.keys()) {
        const changes = changesOf(before, after, target);
        const times = target === 'caddy' ? 2 : 1;
        assert.ok(goneFrom(changes).length <= gone * times, `${target} ${goneFrom(changes).join('\n')}`);
        assert.ok(addedTo(changes).length <= added * times, `${target} ${addedTo(changes).join('\n')}`);
      }
    }
  });
}

const sharing = { ...withTwins(ofRoutes(10), 4), name: '10 routes of five proxies' };
testRoutes(test, sharing);
testOthers(test, sharing, PROXIES);

test('the fourth proxy with the same paths makes the one jump there is: from then on all of them share their tables', () => {
  const rows = (count: number) =>
    ['nginx', 'caddy'].map((target) => {
      const { spec, folder } = withTwins(ofRoutes(10), count - 1);
      const files = outputOf({ ...spec, targets: { [target]: {} } }, folder).get(target);
      return [...(files?.values() ?? [])].filter((text) => text.includes('/thing9/')).length;
    });
  assert.equal([1, 2, 3, 4, 5].map(rows), [
    [1, 1],
    [2, 2],
    [3, 3],
    [1, 1],
    [1, 1],
  ]);
});

test.run();
