import * as assert from 'uvu/assert';
import { resolveName } from '../../../src/policy/names.ts';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { ask, type RecordType } from './dns.ts';
import { type DnsServer, publicCorefile, publicZones, startCoredns } from './servers.ts';

const policy = policyOf({
  domainRewrites: [
    { from: '*.pages.example.com', to: '*.pages.privatelink.example.com' },
    { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
    { from: 'gone.example.com', to: 'gone.privatelink.example.com' },
    { from: 'registry.example.com', to: 'gitlab-registry.privatelink.example.com' },
    { from: 'special.pages.example.com', to: 'gitlab.privatelink.example.com' },
    { from: '*.deep.pages.example.com', to: '*.pages.privatelink.example.com' },
  ],
});

/** Old name → the address that a client gets for it. */
const LOOKUPS: readonly [name: string, address: string | undefined][] = [
  ['gitlab.example.com', '10.0.0.1'],
  ['gitlab.example.com.', '10.0.0.1'],
  ['GitLab.Example.COM', '10.0.0.1'],
  ['special.pages.example.com', '10.0.0.1'],
  ['a.pages.example.com', '10.0.0.5'],
  ['a.b.Pages.example.com', '10.0.0.5'],
  ['x.deep.pages.example.com', '10.0.0.5'],
  ['pages.example.com', '192.0.2.5'],
  ['notpages.example.com', '192.0.2.4'],
  ['notgitlab.example.com', '192.0.2.2'],
  ['foo.gitlab.example.com', '192.0.2.3'],
  ['gitlab.privatelink.example.com', '10.0.0.1'],
  ['gitlab.example.com.default.svc.cluster.local', undefined],
  ['gitlab.example.com.svc.cluster.local', undefined],
  ['gitlab.example.community', undefined],
  ['a.pages.example.com.default.svc.cluster.local', undefined],
];

/** Records of other types: everything under the old name, in the owner and in the data. */
const RECORDS: readonly [name: string, type: RecordType, records: readonly string[]][] = [
  ['gitlab.example.com', 'AAAA', ['gitlab.example.com. AAAA fd000000000000000000000000000001']],
  ['gitlab.example.com', 'MX', ['gitlab.example.com. MX 10 mail.gitlab.example.com.']],
  ['gitlab.example.com', 'HTTPS', ['gitlab.example.com. HTTPS 1 .']],
  [
    'alias.pages.example.com',
    'A',
    ['alias.pages.example.com. CNAME site.pages.example.com.', 'site.pages.example.com. A 10.0.0.6'],
  ],
  [
    'registry.example.com',
    'A',
    ['registry.example.com. CNAME vpce-1.vpce.example.net.', 'vpce-1.vpce.example.net. A 10.0.0.3'],
  ],
  ['_ssh._tcp.pages.example.com', 'SRV', ['_ssh._tcp.pages.example.com. SRV 0 0 22 site.pages.example.com.']],
  ['ptr.pages.example.com', 'PTR', ['ptr.pages.example.com. PTR site.pages.example.com.']],
  // What the comment in the Corefile warns of: this target keeps its inner name.
  ['site.pages.example.com', 'HTTPS', ['site.pages.example.com. HTTPS 1 edge.pages.privatelink.example.com.']],
  ['text.pages.example.com', 'A', []],
];

for (const engine of ['coredns', 'coredns-oldest'] as const) {
  const { test, engines } = await engineSuite(`${engine} and the evaluator`, [engine, 'coredns']);
  let behind: DnsServer | undefined;
  let server: DnsServer | undefined;
  const portOf = (started: DnsServer | undefined) => started?.port ?? 0;

  test.before(async () => {
    behind = await startCoredns(engines.coredns.path, publicCorefile, publicZones);
    const options = { bind: ['127.0.0.1'], forward: [`127.0.0.1:${behind.port}`] };
    const { value } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => undefined });
    server = await startCoredns(engines[engine].path, value?.[0]?.text ?? '');
  });
  test.after(async () => {
    await server?.stop();
    await behind?.stop();
  });

  for (const [name, address] of LOOKUPS) {
    test(`${name} has ${address ?? 'no address'}`, async () => {
      const answer = await ask(portOf(server), name);
      const owner = `${name.replace(/\.$/, '')}.`;
      // Only the question must come back letter by letter: that is what 0x20 looks at.
      assert.is(answer.question, owner);
      assert.equal(
        answer.records.map((record) => record.replace(/^\S+/, (text) => text.toLowerCase())),
        address ? [`${owner.toLowerCase()} A ${address}`] : [],
      );
      // What `explain` says is asked of the server behind, which knows no rewrite.
      const resolved = await ask(portOf(behind), resolveName(policy, name).name);
      assert.equal(
        resolved.records.map((record) => record.split(' ')[2]),
        address ? [address] : [],
      );
    });
  }
  for (const [name, type, records] of RECORDS) {
    test(`${name} ${type} is answered under the old name`, async () => {
      assert.equal((await ask(portOf(server), name, type)).records, records);
    });
  }
  test('a private name that does not exist does not exist under the old name either', async () => {
    assert.is((await ask(portOf(server), 'gone.example.com')).rcode, 3);
  });
  test.run();
}
