import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { run } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { OWN_USER } from '../../engines/table.ts';

const { test, engines } = await engineSuite('sets of nftables, in the kernel', ['namespaces', 'nft']);

function madeOf(offices: string): string {
  const { files, diagnostics } = compile(
    `version: 1
name: shared
ipRanges:
  offices: ${offices}
  vpn: ["@offices", "2001:db8::/32", { not: "2001:db8:1::/48" }]
  counter: [192.0.2.0/30]
targets: { ipRanges: { forms: [nftables] } }
`,
    { file: 'postern.yaml', read: () => undefined },
  );
  const file = files?.find(({ path }) => path.endsWith('/sets.nft'));
  assert.ok(file, JSON.stringify(diagnostics));
  return file.text;
}

/** Who is in a set and who is not, after each of the files. */
const MEMBERS: Readonly<Record<'first' | 'second', readonly (readonly [set: string, address: string, is: boolean])[]>> =
  {
    first: [
      ['offices-ipv4', '203.0.113.0', true],
      ['offices-ipv4', '203.0.113.255', true],
      ['offices-ipv4', '203.0.114.0', false],
      ['offices-ipv4', '198.51.100.7', true],
      ['vpn-ipv4', '198.51.100.7', true],
      ['vpn-ipv6', '2001:db8:0:ffff::1', true],
      ['vpn-ipv6', '2001:db8:1::1', false],
      ['vpn-ipv6', '2001:db8:2::', true],
      ['counter-ipv4', '192.0.2.3', true],
      ['counter-ipv4', '192.0.2.4', false],
    ],
    second: [
      ['offices-ipv4', '203.0.113.127', true],
      ['offices-ipv4', '203.0.113.128', false],
      ['offices-ipv4', '198.51.100.7', false],
      ['vpn-ipv4', '203.0.113.128', false],
      ['counter-ipv4', '192.0.2.3', true],
    ],
  };

test('are taken, hold whom the spec says, and are exchanged under the rules that refer to them', async () => {
  const folder = await temporaryFolder();
  try {
    const first = await folder.write('first.nft', madeOf('[203.0.113.0/25, 203.0.113.128/25, 198.51.100.7]'));
    const second = await folder.write('second.nft', madeOf('[203.0.113.0/25]'));
    const broken = await folder.write(
      'broken.nft',
      madeOf('[203.0.113.0/25]').replace('203.0.113.0/25', '203.0.113.0/33'),
    );
    const rules = await folder.write(
      'rules.nft',
      `table inet postern-shared {
  chain input {
    type filter hook input priority 0; policy drop;
    ip saddr @offices-ipv4 tcp dport 443 accept
    ip6 saddr @vpn-ipv6 tcp dport 443 accept
  }
}
`,
    );
    const ask = (when: keyof typeof MEMBERS) =>
      MEMBERS[when].map(
        ([set, address]) =>
          `"$nft" get element inet postern-shared ${set} "{ ${address} }" >/dev/null 2>&1 && echo "${when} ${set} ${address} true" || echo "${when} ${set} ${address} false"`,
      );
    const script = [
      'nft=$0',
      `"$nft" -c -f ${first}`,
      `"$nft" -f ${first}`,
      `"$nft" -f ${rules}`,
      ...ask('first'),
      `"$nft" -f ${second}`,
      `if "$nft" -f ${broken} 2>/dev/null; then echo taken; fi`,
      ...ask('second'),
      '"$nft" list chain inet postern-shared input | grep -c "saddr @"',
    ].join('\n');
    const args = [...OWN_USER, '--net', 'sh', '-ec', script, engines.nft.path];
    const { code, text } = await run(engines.namespaces.path, args);
    const told = (['first', 'second'] as const).flatMap((when) =>
      MEMBERS[when].map(([set, address, is]) => `${when} ${set} ${address} ${is}`),
    );
    assert.equal({ code, lines: text.trim().split('\n') }, { code: 0, lines: [...told, '2'] });
  } finally {
    await folder.remove();
  }
});

test.run();
