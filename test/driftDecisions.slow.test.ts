import { delimiter, dirname } from 'node:path';
import * as assert from 'uvu/assert';
import { planChanges } from '../src/output/plan.ts';
import { randomOf } from '../src/verify/random.ts';
import { toolVersion } from '../src/version.ts';
import { engineSuite } from './engines/suite.ts';
import { liveCase } from './support/live.ts';
import { liveNames } from './support/liveNames.ts';
import { liveProxies } from './support/liveProxies.ts';
import { mutatedText } from './support/mutated.ts';
import { MUTATIONS, tryMutations } from './support/mutationTrial.ts';
import { nodeSettings } from './support/nodeSettings.ts';
import { scoped } from './support/scoped.ts';

const { test, engines } = await engineSuite('a mutation that nothing reports decides nothing', [
  'nginx-newest',
  'caddy',
  'coredns',
  'openssl',
]);

for (const target of ['nginx', 'caddy'] as const)
  test(
    `${target}: proxies that share a port, and one with TLS, as they run`,
    scoped(async (scope) => {
      // What runs of Caddy is compared as JSON, which the program on PATH makes of the files.
      process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
      const { path: engine } = engines[target === 'nginx' ? 'nginx-newest' : 'caddy'];
      await tryMutations(await liveProxies(target, { engine, openssl: engines.openssl.path }, scope));
    }),
  );

for (const isMerged of [false, true])
  test(
    `CoreDNS: names of our rules, ${isMerged ? "in somebody else's Corefile" : 'in a Corefile of ours'}`,
    scoped(async (scope) => tryMutations(await liveNames(engines.coredns.path, isMerged, scope))),
  );

for (const form of ['JSON', 'TOML'] as const)
  test(`Bottlerocket: where images come from, by ${form}`, () => tryMutations(nodeSettings(form)));

test('each mutation of a generated file is drift', () => {
  const here = liveCase(`version: 1
name: mutated
ipRanges: { offices: [203.0.113.0/24, "2001:db8::/48"] }
vault:
  gitlab:
    gitlabVersion: "18.11"
    configs: { main: { url: https://gitlab.example.com, type: self-managed, autoRotate: 48h } }
    roles:
      reader:
        config: main
        type: group
        path: readers
        name: "reader-{{ .unix_timestamp_utc }}"
        accessLevel: reporter
        scopes: [read_api]
        ttl: 24h
        gitlabRevokes: true
upstreams: { gitlab: { url: "https://gitlab.example.com" } }
routes: { read: { upstream: gitlab, allow: [GET /groups, "PUT /Mixed/{name*}"] } }
apiKeys: { reader: { key: env:K, token: env:T, ipRanges: [10.1.0.0/16] } }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
domainRewrites: [{ from: registry.example.com, to: registry.link.example.com, containerRegistry: true }]
targets: { bottlerocket: {}, caddy: {}, coredns: { form: corefile }, ipRanges: { forms: [nftables, lists] }, nginx: {}, vault: {} }
`);
  const origin = { version: toolVersion, spec: 'mutated' };
  for (const target of ['bottlerocket', 'caddy', 'coredns', 'ipRanges', 'nginx', 'vault']) {
    const files = here.files(target);
    const random = randomOf(`generated files of ${target}`);
    for (let index = 0; index < MUTATIONS; index += 1) {
      const { path, text } = random.pick(files);
      const other = mutatedText(text, random);
      if (other === text) continue;
      const texts = new Map(files.map((file) => [file.path, file.path === path ? other : file.text]));
      const { changes } = planChanges({ files, disk: { manifest: 'absent', texts }, origin });
      assert.ok(
        changes.some((one) => one.path === path && one.verb === 'change'),
        `${target} ${path}`,
      );
    }
  }
});

test.run();
