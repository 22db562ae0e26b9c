import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from '../../../src/policy/cidr.ts';
import { addressTables } from '../../../src/targets/nginx/addresses.ts';
import { ADDRESS } from '../../../src/targets/nginx/client.ts';
import { nginx } from '../../../src/targets/nginx/index.ts';
import { policyOf } from '../../support/policy.ts';
import { specFiles } from '../../support/proofs.ts';

const test = suite('nginx: tables');

test('each list of addresses is one table, and @names in it are tables of their own', () => {
  const policy = policyOf({
    ipRanges: {
      offices: ['10.0.0.0/9', '10.128.0.0/9'],
      partners: ['@offices', '2001:db8::/32', '255.255.255.255'],
      unused: ['192.0.2.0/24'],
    },
    upstreams: { up: { url: 'http://127.0.0.1:9' } },
    routes: { read: { upstream: 'up', allow: ['GET /x'] } },
    apiKeys: { caller: { key: 'env:K', token: 'env:T', ipRanges: ['198.51.100.7', '@offices'] } },
    proxies: { api: { listen: 1, ipRanges: ['@partners'] }, open: { listen: 2, ipRanges: 'any' } },
  });
  const tables = addressTables(policy).map(({ variable, cidrs }) => [
    String(variable),
    ...cidrs.map(({ cidr, value }) => `${cidr} ${value}`),
  ]);
  assert.equal(tables, [
    ['$in_key_caller', '198.51.100.7/32 ""'],
    ['$in_offices', '10.0.0.0/8 ""'],
    // nginx cannot read the last address: the pair that it is half of, and the other half as it was.
    ['$in_partners', '2001:db8::/32 ""', '255.255.255.254/31 ""', '255.255.255.254/32 "-"'],
  ]);
});

/** All files for a proxy that allows these requests. */
function textFor(allow: readonly string[]): string {
  const { files } = specFiles(
    JSON.stringify({
      version: 1,
      name: 'deep',
      upstreams: { up: { url: 'http://127.0.0.1:9' } },
      routes: { read: { upstream: 'up', auth: 'passthrough', allow } },
      proxies: { api: { listen: 1, ipRanges: 'any' } },
      targets: { nginx: {} },
    }),
    'nginx',
  );
  return files.map(({ text }) => text).join('\n');
}

test('an expression for longer paths goes on from what eight tables can find', () => {
  const text = textFor(['GET /a/b/c/d/e/f/g/h/i/{id:int*}', 'GET /a/b/c/d/e/f/g/h/i/{id:slug*}', 'GET /a/{id:hex*}']);
  const beginnings = [...text.matchAll(/"~\^(\/[^ "]*) /g)].map(([, before = '']) => before.split('/').length - 1);
  assert.ok(beginnings.length > 0);
  assert.ok(Math.max(...beginnings) <= 8, text);
});

test('nginx tries no more than some hundred expressions for a path, whatever its segments', () => {
  for (const end of ['', '/{id}', '/{id:int}/logs', '/{rest*}']) {
    const expressions = (count: number) => {
      const allow = Array.from({ length: count }, (_, number) => `GET /a/b/c/d/e/f/g/h/item-${number}${end}`);
      return (textFor(allow).match(/^ *"~\^\/a\/.*$/gm) ?? []).length;
    };
    assert.ok(expressions(100) >= 100, end);
    assert.is(expressions(300), 0, end);
  }
});

test('an address is what the policy takes for one', () => {
  const regex = new RegExp(`^${ADDRESS}$`);
  const check = (text: string) => assert.is(regex.test(text), parseAddress(text) !== undefined, text);
  const part = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('0', '1', 'ffff', 'FfFf', '00a', '12345', '', 'g') },
    { weight: 1, arbitrary: fc.constantFrom('1.2.3.4', '01.2.3.4', '256.1.1.1', '1.2.3') },
  );
  const text = fc
    .array(fc.tuple(part, fc.constantFrom(':', ':', ':', '::')), { maxLength: 10 })
    .map((parts) => parts.flat().join('').replace(/:$/, ''));
  fc.assert(fc.property(fc.oneof(text, fc.ipV4(), fc.ipV6()), check), { numRuns: 5_000 });
  for (const each of [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1::2::3',
    '1.2.3.4:80',
    '[::1]',
    'fe80::1%eth0',
  ])
    check(each);
});

const spec = {
  apiKeys: { first: { key: ['env:A', 'env:B'], token: 'env:T' }, second: { key: 'env:C', token: 'env:U' } },
};

test('secrets are hashes of keys, and tokens', () => {
  const values = new Map([
    ['env:A', 'aaaaaaaaaaaaaaaaaaaa-Selector'],
    ['env:C', 'cccccccccccccccccccc-another1'],
    ['env:T', 'glpat-1'],
  ]);
  const files = nginx.secrets?.({ policy: policyOf(spec), values }).value ?? [];
  assert.equal(
    files.map(({ path }) => path),
    ['nginx/secrets/keys.conf', 'nginx/secrets/tokens.conf'],
  );
  const [keys = '', tokens = ''] = files.map(({ text }) =>
    text.replace(/^# of the references sha256:[0-9a-f]{16}\n/, ''),
  );
  assert.equal(
    keys
      .trim()
      .split('\n')
      .map((line) => line.replace(/[A-Za-z0-9_-]{22}/, 'HASH')),
    ['"hash:Selector" "HASH";', '"id:Selector" "first";', '"hash:another1" "HASH";', '"id:another1" "second";'],
  );
  assert.equal(tokens.trim(), '"first" "glpat-1";');
  assert.not.match(keys, /aaaa|cccc/);
});

test('two keys with one end are refused, naming both', () => {
  const values = new Map([
    ['env:A', 'aaaaaaaaaaaaaaaaaaaa-SELECTOR'],
    ['env:C', 'cccccccccccccccccccc-selector'],
  ]);
  const result = nginx.secrets?.({ policy: policyOf(spec), values });
  assert.is(result?.value, undefined);
  assert.equal(
    result?.diagnostics.map(({ code, message }) => `${code} ${message}`),
    ['nginx/selector-collision a key of "second" ends in the same 8 characters as one of "first", ignoring case'],
  );
});

test.run();
