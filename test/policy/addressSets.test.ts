import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type AddressRange, parseCidr, partsOf, toCidrs, unionOf } from '../../src/policy/cidr.ts';
import { digestOfRanges } from '../../src/policy/rangeFiles.ts';
import { resolvePolicy } from '../../src/policy/resolve.ts';
import { addresses } from '../../src/rules/ranges.ts';
import { randomOf } from '../../src/verify/random.ts';

const AWS = {
  syncToken: '1',
  prefixes: [
    { ip_prefix: '3.4.12.4/32', region: 'eu-west-1', service: 'AMAZON' },
    { ip_prefix: '34.250.63.248/29', region: 'eu-west-1', service: 'CODEBUILD' },
    { ip_prefix: '34.228.4.208/28', region: 'us-east-1', service: 'CODEBUILD' },
  ],
  ipv6_prefixes: [{ ipv6_prefix: '2600:1f00::/40', region: 'eu-west-1', service: 'CODEBUILD' }],
};
const GITHUB = {
  verifiable_password_authentication: false,
  ssh_keys: ['ssh-ed25519 AAAA'],
  domains: { website: ['*.github.com'] },
  hooks: ['192.30.252.0/22', '2a0a:a440::/29'],
  web: ['140.82.112.0/20'],
};
const CLOUDFLARE = { result: { ipv4_cidrs: ['173.245.48.0/20'], ipv6_cidrs: ['2400:cb00::/32'] }, success: true };
const AZURE = {
  values: [
    { name: 'AzureDevOps', properties: { addressPrefixes: ['13.107.6.0/24', '2620:1ec:4::/48'] } },
    { name: 'Sql', properties: { addressPrefixes: ['13.65.0.0/16'] } },
  ],
};

function resolved(ipRanges: object, files: Readonly<Record<string, string>> = {}) {
  const { value, diagnostics } = resolvePolicy({ version: 1, name: 'sets', ipRanges } as never, (path) => files[path]);
  const sets = Object.fromEntries((value?.addressSets ?? []).map(({ id, set }) => [id, toCidrs(set)]));
  return { sets, policy: value, problems: diagnostics.map(({ code, message }) => `${code} ${message}`) };
}

function published(text: string, options: object) {
  return resolved({ them: { file: 'them', sha256: digestOfRanges(text), ...options } }, { them: text });
}

const test = suite('address sets');

test('a set may take away from what it takes in, whatever the order', () => {
  const { sets, problems } = resolved({
    all: ['10.0.0.0/30', '2001:db8::/127'],
    some: [{ not: '10.0.0.2/31' }, '@all', { not: '@one' }],
    one: ['2001:db8::1'],
  });
  assert.equal(problems, []);
  assert.equal(sets['some'], ['10.0.0.0/31', '2001:db8::/128']);
});

test('a set holds what its lists hold together, whatever names what', () => {
  const random = randomOf(3);
  for (let round = 0; round < 200; round++) {
    const count = 1 + random.below(6);
    const own = Array.from({ length: count }, () =>
      Array.from(
        { length: random.below(random.pick([2, 12])) },
        () => `10.0.0.${4 * random.below(32)}/${random.pick([30, 32])}`,
      ),
    );
    const named = own.map((_, at) => own.flatMap((__, other) => (other < at && random.below(2) === 0 ? [other] : [])));
    const ipRanges = Object.fromEntries(
      own.map((cidrs, at) => [
        `s${at}`,
        random.shuffled([...cidrs, ...(named[at] ?? []).map((other) => `@s${other}`)]),
      ]),
    );
    const { policy } = resolved({ ...ipRanges, last: [`@s${count - 1}`] });
    const below = (at: number): Set<number> =>
      new Set([at, ...(named[at] ?? []).flatMap((other) => [...below(other)])]);
    const all = [...below(count - 1)];
    const last = policy?.addressSets.find(({ id }) => id === 'last')?.set;
    const ranges = all.flatMap((at) => own[at] ?? []).map((cidr) => parseCidr(cidr) as AddressRange);
    assert.equal(last, unionOf(ranges), JSON.stringify(ipRanges));
    assert.equal(
      last &&
        partsOf(last)
          .map(({ name }) => name)
          .sort(),
      all
        .filter((at) => (own[at] ?? []).length > 0)
        .map((at) => `s${at}`)
        .sort(),
    );
  }
});

test('what is said of an entry is kept, and a date that does not exist is an error', () => {
  const entry = { cidr: '198.51.100.7', owner: 'me', expires: '2027-01-31', reason: 'Oslo' };
  const { policy } = resolved({ offices: ['203.0.113.0/24', entry] });
  const [note] = policy?.addressSets[0]?.notes ?? [];
  assert.equal([note?.owner, note?.expires, note?.reason], ['me', Date.UTC(2027, 0, 31) / 1000, 'Oslo']);
  const { problems } = resolved({ offices: [{ ...entry, expires: '2027-02-31' }, { cidr: '@x' }] });
  assert.equal(
    problems.map((line) => line.split(' ')[0]),
    ['policy/bad-date', 'policy/bad-range'],
  );
});

const FORMATS: readonly [
  format: string,
  value: object | string,
  select: readonly string[] | undefined,
  cidrs: readonly string[],
][] = [
  ['aws', AWS, ['CODEBUILD/eu-west-1'], ['34.250.63.248/29', '2600:1f00::/40']],
  ['aws', AWS, ['CODEBUILD'], ['34.228.4.208/28', '34.250.63.248/29', '2600:1f00::/40']],
  ['github', GITHUB, ['hooks'], ['192.30.252.0/22', '2a0a:a440::/29']],
  ['cloudflare', CLOUDFLARE, undefined, ['173.245.48.0/20', '2400:cb00::/32']],
  ['cloudflare', '173.245.48.0/20\n103.21.244.0/22\n', undefined, ['103.21.244.0/22', '173.245.48.0/20']],
  ['azure', AZURE, ['AzureDevOps'], ['13.107.6.0/24', '2620:1ec:4::/48']],
];
for (const [format, value, select, cidrs] of FORMATS) {
  test(`addresses as ${format} publishes them, ${select?.join() ?? 'all'}`, () => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const { sets, problems } = published(text, { format, ...(select && { select }) });
    assert.equal(problems, []);
    assert.equal(sets['them'], cidrs);
  });
}

const REFUSED: readonly [title: string, text: string, options: object, problem: RegExp][] = [
  ['no choice where there is one', JSON.stringify(AWS), { format: 'aws' }, /bad-select .* many services/],
  [
    'a choice that is none',
    JSON.stringify(GITHUB),
    { format: 'github', select: ['hook'] },
    /no "hook", did you mean "hooks"/,
  ],
  ['a choice of a plain list', '10.0.0.0/8\n', { select: ['a'] }, /bad-select .* no parts/],
  ['a choice where all is one', JSON.stringify(CLOUDFLARE), { format: 'cloudflare', select: ['a'] }, /no parts/],
  ['another format', JSON.stringify(AWS), { format: 'azure', select: ['Sql'] }, /bad-snapshot .* service tags/],
  ['a page of an error', '<html>', { format: 'cloudflare' }, /bad-snapshot/],
  [
    'an entry without its address',
    JSON.stringify({ prefixes: [{ service: 'S3' }] }),
    { format: 'aws', select: ['S3'] },
    /without an address/,
  ],
  [
    'an address with host bits',
    JSON.stringify({ prefixes: [{ service: 'S3', ip_prefix: '10.0.0.1/8' }] }),
    { format: 'aws', select: ['S3'] },
    /has host bits/,
  ],
  ['everybody', JSON.stringify({ web: ['0.0.0.0/0'] }), { format: 'github', select: ['web'] }, /admits everybody/],
  ['another file', 'x', { format: 'github', select: ['web'], sha256: '0'.repeat(64) }, /wrong-digest/],
  ['no digest', JSON.stringify(GITHUB), { format: 'github', select: ['web'], sha256: undefined }, /unpinned/],
  [
    'no digest of a list with an address',
    '10.0.0.0/8\n',
    { url: 'https://example.com/', sha256: undefined },
    /unpinned/,
  ],
];
for (const [title, text, options, problem] of REFUSED) {
  test(`refused: ${title}`, () => {
    const { problems } = published(text, options);
    assert.is(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem);
  });
}

test('entries that add nothing, that nobody comes from, or that say too much', () => {
  const ipRanges = {
    twice: ['203.0.113.0/24', '203.0.113.7', { cidr: '203.0.113.0/24' }],
    // What outlives the entry around it is needed from then on.
    outlives: [{ cidr: '203.0.113.0/24', expires: '2027-06-30' }, '203.0.113.0/28', '203.0.113.7'],
    ends: ['203.0.113.0/24', { cidr: '203.0.113.0/28', expires: '2027-06-30' }],
    bogon: ['224.0.0.5', '203.0.113.9'],
    mixed: ['10.0.0.0/8', '203.0.113.9'],
    wide: ['64.0.0.0/4'],
    gone: ['203.0.113.9', { not: '203.0.113.0/24' }],
    fine: ['10.0.0.0/8', '127.0.0.1', 'fd00::/16'],
  };
  const { policy } = resolved(ipRanges);
  if (!policy) throw new Error('no policy');
  const found = addresses(policy, { version: 1, name: 'sets', ipRanges } as never);
  assert.equal(
    found.map(({ code, at }) => `${at.slice(1).join('.')} ${code}`),
    [
      'bogon.0 rule/bogon-range',
      'ends.1 rule/covered-range',
      'gone rule/empty-set',
      'mixed rule/mixed-range',
      'outlives.2 rule/covered-range',
      'twice.2 rule/covered-range',
      'twice.1 rule/covered-range',
      'wide.0 rule/wide-range',
    ],
  );
});

test.run();
