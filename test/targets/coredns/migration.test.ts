import { execFileSync, spawnSync } from 'node:child_process';
import { dump, load } from 'js-yaml';
import * as assert from 'uvu/assert';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { engineSuite } from '../../engines/suite.ts';
import { IN_SYNC, liveCase } from '../../support/live.ts';
import { policyOf } from '../../support/policy.ts';

const rewrites = [
  { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
  { from: '*.pages.example.com', to: '*.pages.privatelink.example.com' },
];
/** As kubeadm writes it, with comments and a server block of somebody else. */
const GIVEN = `# ours, since 2024
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf { # the nodes'
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
corp.example.net:53 {
    errors
    forward . 10.1.1.1
}
`;

function merge(text: string, domainRewrites: readonly object[] = rewrites) {
  const { value, diagnostics } = coredns.emit({
    policy: { ...policyOf({ domainRewrites }), name: 'moved' },
    options: coredns.options.parse({ merge: 'given' }),
    at: ['targets', 'coredns'],
    read: () => text,
  });
  return { text: value?.[0]?.text ?? '', problems: diagnostics };
}

const { test, engines } = await engineSuite('an upgrade by kubeadm', ['corefile-migration']);
/** From the oldest CoreDNS that is supported to the newest that the library knows; what it complains of is an error. */
function migrate(text: string): string {
  const { path } = engines['corefile-migration'];
  const newest = execFileSync(path, ['versions'], { encoding: 'utf8' }).trim().split(' ').at(-1) ?? '';
  const { stdout, stderr } = spawnSync(path, ['1.11.0', newest], { input: text, encoding: 'utf8' });
  // kubeadm goes no further where something is unsupported.
  assert.is(stderr, '');
  return stdout;
}

test('takes our rules with it and has nothing to say against them', () => {
  const { text } = merge(GIVEN);
  assert.match(text, '# BEGIN postern moved');
  const migrated = migrate(text);
  assert.not.match(migrated, '#');
  const spec = `version: 1\nname: moved\ndomainRewrites: ${JSON.stringify(rewrites)}\ntargets: { coredns: { form: configMap, merge: given } }\n`;
  const { compare } = liveCase(spec, { given: configMap(GIVEN) });
  assert.equal(compare('coredns', configMap(migrated)), IN_SYNC);
  const edited = compare('coredns', configMap(migrated.replace('gitlab.privatelink', 'gitlab.elsewhere')));
  assert.is(edited.drift.length, 1);
  assert.match(edited.drift[0] ?? '', /^3: .*\[drift\/changed\]$/);
});

test('leaves a Corefile that is all ours in sync, and its other plugins compared', () => {
  const spec = `version: 1\nname: moved\ndomainRewrites: ${JSON.stringify(rewrites)}\ntargets: { coredns: { form: configMap } }\n`;
  const { compare, file } = liveCase(spec);
  const { data } = load(file('coredns')) as { data: { Corefile: string } };
  const migrated = migrate(data.Corefile);
  assert.is.not(migrated, data.Corefile);
  assert.equal(compare('coredns', configMap(migrated)), IN_SYNC);
  assert.is(compare('coredns', configMap(migrated.replace('cache 30', 'cache 300'))).drift.length, 1);
});

test('and a merge afterwards puts the markers back, without doubling a rule', () => {
  const migrated = migrate(merge(GIVEN).text);
  const again = merge(migrated);
  assert.equal(
    again.problems.map(({ code, message, place }) => `${code} ${place?.text.slice(place.start, place.end)} ${message}`),
    ['coredns/adopted-rule rewrite 2 rules say the same as ours without markers; now they stand between ours'],
  );
  assert.is(again.text.match(/rewrite/g)?.length, 2);
  assert.equal(merge(again.text), { text: again.text, problems: [] });
  // Taken out again, nothing is left of us but what the upgrade made of the rest.
  assert.is(merge(again.text, []).text, migrate(GIVEN));
});

test('what a spec has changed since is shown in both places', () => {
  const migrated = migrate(merge(GIVEN).text);
  const { text, problems } = merge(migrated, [{ from: 'gitlab.example.com', to: 'gitlab.new.example.com' }]);
  assert.match(text, /# BEGIN.*\n.*gitlab\.new\..*\n.*# END/);
  const [problem, ...more] = problems;
  assert.equal(more, []);
  assert.is(problem?.code, 'coredns/second-rule');
  assert.is(problem?.place?.text, migrated);
  assert.equal(
    problem?.related?.map(({ at }) => at?.join('.')),
    ['domainRewrites.0.from'],
  );
});

function configMap(corefile: string): string {
  return dump({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'coredns', namespace: 'kube-system' },
    data: { Corefile: corefile },
  });
}

test.run();
