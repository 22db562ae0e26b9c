import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type AddressRange,
  type CidrSet,
  contains,
  parseAddress,
  parseCidr,
  unionOf,
} from '../../../src/policy/cidr.ts';
import { areasOf } from '../../../src/targets/nginx/areas.ts';
import { ADDRESS } from '../../../src/targets/nginx/client.ts';
import { nginx } from '../../../src/targets/nginx/index.ts';
import { policyOf } from '../../support/policy.ts';

const test = suite('nginx: tables');

const range = fc
  .tuple(fc.boolean(), fc.nat(255), fc.constantFrom(0, 1, 8, 12, 24, 28, 30, 31, 32))
  .map(([six, low, bits]): AddressRange => {
    const family = six ? 6 : 4;
    const size = 1n << (BigInt(family === 6 ? 128 : 32) - BigInt(family === 6 ? bits * 4 : bits));
    const base = family === 6 ? (0x20010db8n << 96n) + BigInt(low) : (10n << 24n) + BigInt(low);
    const first = base - (base % size);
    return { family, first, last: first + size - 1n };
  });

/** What nginx's geo says: the value of the most specific network. */
function lookUp(areas: ReturnType<typeof areasOf>, address: { family: 4 | 6; value: bigint }): number {
  let best: { size: bigint; area: number } | undefined;
  for (const { cidr, area } of areas.cidrs) {
    const network = parseCidr(cidr);
    if (typeof network === 'string') throw new Error(cidr);
    const size = network.last - network.first;
    const inside = network.family === address.family && network.first <= address.value && address.value <= network.last;
    if (inside && (!best || size < best.size)) best = { size, area };
  }
  return best?.area ?? 0;
}

test('the area of an address says which sets hold it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(range, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      fc.nat(300),
      (lists, low) => {
        const sets: CidrSet[] = lists.map(unionOf);
        const areas = areasOf(sets);
        for (const address of [
          { family: 4 as const, value: (10n << 24n) + BigInt(low) },
          { family: 6 as const, value: (0x20010db8n << 96n) + BigInt(low) },
        ]) {
          for (const set of sets)
            assert.is(areas.areasOf(set).includes(lookUp(areas, address)), contains(set, address));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('equal sets are one', () => {
  const cidr = (text: string) => parseCidr(text) as AddressRange;
  const areas = areasOf([unionOf([cidr('10.0.0.0/9'), cidr('10.128.0.0/9')]), unionOf([cidr('10.0.0.0/8')])]);
  assert.equal(areas.cidrs, [{ cidr: '10.0.0.0/8', area: 1 }]);
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
  const [keys = '', tokens = ''] = files.map(({ text }) => text);
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
