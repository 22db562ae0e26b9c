import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { liveCase } from '../../support/live.ts';

const SPEC = (options: string) => `version: 1
name: shared
ipRanges:
  offices: [203.0.113.0/25, 203.0.113.128/25, 198.51.100.7]
  vpn: ["@offices", "2001:db8::/32"]
  legacy: [192.0.2.0/30]
  nobody: [192.0.2.1, { not: 192.0.2.1 }]
targets:
  ipRanges: ${options}
`;

const made = (options: string) => {
  const { files = [], diagnostics } = compile(SPEC(options), { file: 'postern.yaml', read: () => undefined });
  const text = (end: string) => files.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { text, problems: diagnostics.map(({ code, message }) => `${code} ${message}`) };
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const test = suite('ipRanges');

test('lists hold the fewest CIDRs, sorted', () => {
  const { text, problems } = made('{}');
  assert.equal(problems, []);
  assert.match(text('lists/offices.txt'), /# @offices\n198\.51\.100\.7\/32\n203\.0\.113\.0\/24\n$/);
  assert.match(text('lists/nobody.txt'), /# @nobody\n$/);
});

test('arguments and tags of ctrl-cidr', () => {
  const { text } = made(
    '{ sets: [offices], forms: [ctrlCidr], open: { git: { sets: [legacy, offices], ports: [443, 4567/udp, 22] } } }',
  );
  assert.equal(plain(load(text('ctrl-cidr.yaml'))), {
    args: [
      '--ingress-key',
      'ingress.controlant.com',
      ...['legacy=192.0.2.0/30', 'offices=198.51.100.7/32', 'offices=203.0.113.0/24'].flatMap((one) => ['--cidr', one]),
    ],
    tags: {
      git: { 'ingress.controlant.com/sources': 'legacy:offices', 'ingress.controlant.com/ports': '22:443:4567/udp' },
    },
  });
});

test('sets of nftables', () => {
  const { text } = made('{ sets: [vpn, nobody], forms: [nftables] }');
  assert.match(
    text('sets.nft'),
    /table inet postern-shared \{\n\tset nobody-ipv4 \{ type ipv4_addr; flags interval; \}/,
  );
  assert.match(text('sets.nft'), /add element inet postern-shared vpn-ipv6 \{\n\t2001:db8::\/32,\n\}/);
  assert.not.match(text('sets.nft'), /add element inet postern-shared nobody/);
});

test('a rule of a CIDR that another set has at the same port is left to that set', () => {
  const open = '{ git: { sets: [offices, vpn], ports: [443], securityGroup: sg-01234567 } }';
  const value = JSON.parse(made(`{ forms: [securityGroups], open: ${open} }`).text('aws.tf.json'));
  const rules = value.resource.aws_vpc_security_group_ingress_rule;
  assert.equal(
    Object.entries(rules).map(([name, rule]) => [name, (rule as { for_each: string }).for_each]),
    [
      ['git-offices-443-tcp-ipv4', '${toset(local.offices-ipv4)}'],
      ['git-vpn-443-tcp-ipv4', '${setsubtract(local.vpn-ipv4, setunion(local.offices-ipv4))}'],
      ['git-vpn-443-tcp-ipv6', '${toset(local.vpn-ipv6)}'],
    ],
  );
  assert.equal(value.output['security-group-rules'].value, { git: { ipv4: 2, ipv6: 1, quota: 60 } });
});

const PROBLEMS: readonly [options: string, problem: RegExp][] = [
  ['{ forms: [ctrlCidr], sets: [vpn] }', /ip-ranges\/ipv4-only "@vpn" holds IPv6 addresses, such as 2001:db8::\/32/],
  ['{ forms: [ctrlCidr], sets: [nobody] }', /ip-ranges\/nobody "@nobody"/],
  ['{ forms: [securityGroups] }', /ip-ranges\/no-opening/],
  ['{ forms: [networkPolicies], open: { a: { sets: [vpn], ports: [1] } } }', /ip-ranges\/no-pods/],
  ['{ sets: [vpm] }', /policy\/unknown-reference/],
  [
    '{ forms: [securityGroups], rulesPerGroup: 3, open: { a: { sets: [vpn], ports: [1, 2], securityGroup: sg-01234567 }, b: { sets: [offices], ports: [3], securityGroup: sg-01234567 } } }',
    /over-quota security group of "a" and "b": 2 vpn at 1 \+ 2 vpn at 2 \+ 2 offices at 3 = 6 rules for IPv4, and AWS takes 3/,
  ],
  [
    '{ sets: [offices], forms: [prefixLists, securityGroups], spare: 28, open: { a: { sets: [offices], ports: [1, 2, 3] } } }',
    /30 offices at 1 \+ 30 offices at 2 \+ 30 offices at 3 = 90 rules for IPv4, and AWS takes 60/,
  ],
  ['{ sets: [offices], forms: [prefixLists], spare: 999 }', /too-many-entries .* 1001 entries/],
];
for (const [options, problem] of PROBLEMS) {
  test(`refused: ${options}`, () => {
    const { problems } = made(options);
    assert.is(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', problem);
  });
}

test('a tag that AWS would not take', () => {
  const ports = Array.from({ length: 60 }, (_, index) => 10_000 + index).join(', ');
  const { problems } = made(
    `{ sets: [offices], forms: [ctrlCidr], open: { a: { sets: [offices], ports: [${ports}] } } }`,
  );
  assert.match(problems.join(), /long-tag the tag ingress\.controlant\.com\/ports of "a" has 359/);
});

const group = 'sg-01234567';
const byCidr = liveCase(
  SPEC(`{ forms: [securityGroups], open: { git: { sets: [vpn], ports: [443], securityGroup: ${group} } } }`),
);
const rule = (source: object, more: object = {}) => ({
  GroupId: group,
  IsEgress: false,
  IpProtocol: 'tcp',
  FromPort: 443,
  ToPort: 443,
  ...source,
  ...more,
});
const RULES = [
  rule({ CidrIpv4: '198.51.100.7/32' }),
  rule({ CidrIpv4: '203.0.113.0/24' }),
  rule({ CidrIpv6: '2001:db8::/32' }),
];
const rules = (list: readonly object[], more: object = {}) => JSON.stringify({ SecurityGroupRules: list, ...more });

const live = suite('live ipRanges');

live('rules as the CLI prints them are in sync, in both forms', () => {
  const egress = rule({ CidrIpv4: '0.0.0.0/0' }, { IsEgress: true, IpProtocol: '-1', FromPort: -1, ToPort: -1 });
  const told = byCidr.compare('ipRanges', rules([...RULES, egress]));
  assert.equal(told, { drift: [], foreign: [], problems: [] });
  const permission = {
    IpProtocol: 'tcp',
    FromPort: 443,
    ToPort: 443,
    IpRanges: [{ CidrIp: '203.0.113.0/24' }, { CidrIp: '198.51.100.7/32' }],
    Ipv6Ranges: [{ CidrIpv6: '2001:db8:0::/32' }],
    PrefixListIds: [],
  };
  const groups = [
    { GroupId: group, IpPermissions: [permission] },
    { GroupId: 'sg-89abcdef', IpPermissions: [permission] },
  ];
  const other = byCidr.compare('ipRanges', JSON.stringify({ SecurityGroups: groups }));
  assert.equal([other.drift, other.problems, other.foreign.length], [[], [], 1]);
});

live('rules that others added count, and so do those that are missing', () => {
  const { drift } = byCidr.compare(
    'ipRanges',
    rules([...RULES.slice(1), rule({ CidrIpv4: '0.0.0.0/0' }), rule({ CidrIpv4: '192.0.2.9/32' }, { ToPort: 8443 })]),
  );
  assert.equal(drift.map((line) => line.replace(/^\d+: /, '')).sort(), [
    `live (${group}) has a rule for 0.0.0.0/0 at 443, which the spec does not make [drift/added]`,
    `live (${group}) has a rule for 192.0.2.9/32 at 443-8443, which the spec does not make [drift/added]`,
    `live (${group}) lacks the rule for 198.51.100.7/32 at 443 [drift/missing]`,
  ]);
});

live('rules by prefix list are compared by the name of the list', () => {
  const byList = liveCase(
    SPEC(
      `{ sets: [offices], forms: [prefixLists, securityGroups], open: { git: { sets: [offices], ports: [443], securityGroup: ${group} } } }`,
    ),
  );
  const list = [rule({ PrefixListId: 'pl-1' })];
  assert.match(byList.compare('ipRanges', rules(list)).problems.join(), /by its id alone/);
  const named = { PrefixLists: [{ PrefixListId: 'pl-1', PrefixListName: 'shared-offices-ipv4' }] };
  assert.equal(byList.compare('ipRanges', rules(list, named)).drift, []);
  const entries = (cidrs: readonly string[], more: object = {}) =>
    byList.compare('ipRanges', JSON.stringify({ Entries: cidrs.map((Cidr) => ({ Cidr })), ...more }));
  assert.match(entries(['198.51.100.7/32']).problems.join(), /of which prefix list/);
  const name = { PrefixListName: 'shared-offices-ipv4' };
  assert.equal(entries(['198.51.100.7/32', '203.0.113.0/25', '203.0.113.128/25'], name).drift, []);
  assert.equal(entries(['198.51.100.6/31', '203.0.113.0/24'], name).drift, [
    '4: live (shared-offices-ipv4) has 198.51.100.6/32 as "offices", which the spec does not make [drift/added]',
  ]);
  assert.match(entries([], { PrefixListName: 'other' }).problems.join(), /is no prefix list of the spec/);
});

live('arguments that ctrl-cidr runs with', () => {
  const old = liveCase(SPEC('{ sets: [offices], forms: [ctrlCidr] }'));
  assert.equal(old.compare('ipRanges', old.file('ipRanges')), { drift: [], foreign: [], problems: [] });
  const line = 'ctrl-cidr --cidr offices=203.0.113.0/24 --cidr=offices=5.6.7.8 --cidr vpn=1.2.3.0/24 --once\n';
  assert.equal(
    old
      .compare('ipRanges', line)
      .drift.map((one) => one.replace(/^\d+: live /, ''))
      .sort(),
    [
      'has 5.6.7.8/32 as "offices", which the spec does not make [drift/added]',
      'has the set "vpn", which the spec does not make [drift/added]',
      'lacks 198.51.100.7/32 of "@offices" [drift/missing]',
    ],
  );
  const list = JSON.stringify(['--cidr', 'offices=203.0.113.0/24', '--cidr', 'offices=198.51.100.7/32']);
  assert.equal(old.compare('ipRanges', list).drift, []);
});

for (const text of [
  '',
  '{}',
  '[]',
  'nothing of ours\n',
  '{"SecurityGroupRules":[{}]}',
  '{"SecurityGroups":[{"GroupId":"sg-1"}]}',
  '--cidr offices',
  rules(RULES).slice(0, -3),
]) {
  live(`cannot tell: ${JSON.stringify(text.slice(0, 40))}`, () => {
    const { problems, drift } = byCidr.compare('ipRanges', text);
    assert.equal([problems.length, drift], [1, []]);
    assert.match(problems[0] ?? '', /\[drift\/unreadable-live\]/);
  });
}

test.run();
live.run();
