import * as assert from 'uvu/assert';
import { type AddressRange, contains, parseAddress, parseCidr, unionOf } from '../../../src/policy/cidr.ts';
import { engineSuite } from '../../engines/suite.ts';
import { scoped } from '../../support/scoped.ts';
import { KEY, startWorld } from './world.ts';

const { test, engines } = await engineSuite('nginx: addresses at the edges', ['nginx', 'nginx-newest']);

const ADDRESSES = [
  '0.0.0.0',
  '0.255.255.255',
  '1.0.0.0',
  '127.255.255.255',
  '128.0.0.0',
  '254.255.255.255',
  '255.0.0.0',
  '255.255.255.253',
  '255.255.255.254',
  '255.255.255.255',
  '::ffff:255.255.255.255',
  '::ffff:0.0.0.0',
  '::',
  '::1',
  '::fffe:ffff:ffff',
  '::1:0:0:0',
  '7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '8000::',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];

const LISTS = [
  ['255.255.255.255/32'],
  ['255.255.255.254/31'],
  ['255.255.255.255', '255.255.255.253'],
  ['255.0.0.0/9', '255.255.255.255'],
  ['0.0.0.0/8'],
  ['0.0.0.0'],
  ['0.0.0.0/1', '128.0.0.0/2'],
  ['128.0.0.0/1'],
  ['::/128'],
  ['::/1', '8000::/2'],
  ['::/64'],
  ['::fffe:0:0/96', '::1'],
  ['::ffff:0:0/97'],
  ['::ffff:255.255.255.255', '::ffff:0.0.0.0/104'],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
  ['8000::/1', '0.0.0.0/1'],
];

const setOf = (list: readonly string[]) => unionOf(list.map((text) => parseCidr(text) as AddressRange));

const NAMES = ['nginx', 'nginx-newest'] as const;
const trusting = { trustedProxies: ['127.0.0.1', '255.255.255.255'] };

for (const list of LISTS) {
  test(
    `${list.join(' and ')} hold what the policy says they hold`,
    scoped(async (scope) => {
      for (const name of NAMES) {
        const program = engines[name].path;
        const open = await startWorld(scope, { program, proxy: { ipRanges: list, clientIp: trusting } });
        const apiKeys = { caller: { key: 'env:KEY', token: 'env:TOKEN', ipRanges: list } };
        const keyed = await startWorld(scope, { program, proxy: { ipRanges: 'any', clientIp: trusting }, apiKeys });
        for (const text of ADDRESSES) {
          const address = parseAddress(text);
          assert.ok(address);
          const expected = contains(setOf(list), address) ? 200 : 403;
          const fields = [`PRIVATE-TOKEN: ${KEY}`, `X-Forwarded-For: ${text}`];
          assert.is((await open.ask('GET /things', fields)).status, expected, `${name}: ${text}`);
          assert.is((await keyed.ask('GET /things', fields)).status, expected, `${name}: ${text}, for a key`);
        }
      }
    }),
  );
}

test(
  'any edge can be a trusted peer',
  scoped(async (scope) => {
    const trustedProxies = ['255.255.255.255', '0.0.0.0', '::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '127.0.0.2'];
    for (const name of NAMES)
      assert.ok(
        await startWorld(scope, {
          program: engines[name].path,
          proxy: { clientIp: { trustedProxies, proxyProtocol: true } },
        }),
      );
  }),
);

test(
  'of a header that is sent twice the first value is never the client',
  scoped(async (scope) => {
    for (const name of NAMES) {
      const proxy = { ipRanges: ['192.0.2.0/24'], clientIp: { trustedProxies: ['127.0.0.1'] } };
      const { ask, requests } = await startWorld(scope, { program: engines[name].path, proxy });
      const told = (...values: string[]) =>
        ask('GET /things', [`PRIVATE-TOKEN: ${KEY}`, ...values.map((value) => `X-Forwarded-For: ${value}`)]);
      assert.is((await told('192.0.2.1', '203.0.113.9')).status, 403, name);
      assert.is((await told('192.0.2.1', '192.0.2.2, 203.0.113.9')).status, 403, name);
      assert.is((await told('192.0.2.1', '')).status, 403, name);
      assert.is((await told('203.0.113.9', '192.0.2.1')).status, 200, name);
      assert.equal(
        requests.map((request) => request.field('x-forwarded-for')),
        ['192.0.2.1'],
      );
    }
  }),
);

test.run();
