import { load } from 'js-yaml';
import * as assert from 'uvu/assert';
import { resolveName } from '../../../src/policy/names.ts';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { ask } from './dns.ts';
import { type DnsServer, publicCorefile, publicZones, startCoredns } from './servers.ts';

const rewrites = [
  { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
  { from: '*.pages.example.com', to: '*.pages.privatelink.example.com' },
  { from: 'special.pages.example.com', to: 'gitlab.privatelink.example.com' },
];
const many = Array.from({ length: 300 }, (_, i) => ({
  from: `h${i}.example.com`,
  to: 'gitlab.privatelink.example.com',
}));
const few = policyOf({ domainRewrites: rewrites });
const full = policyOf({ domainRewrites: [...rewrites, ...many] });

const NAMES = [
  'gitlab.example.com',
  'special.pages.example.com',
  'a.pages.example.com',
  'a.special.pages.example.com',
  'x.gitlab.pages.example.com',
  'pages.example.com',
  'notgitlab.example.com',
  'foo.gitlab.example.com',
  'gitlab.example.com.default.svc.cluster.local',
];

interface Server {
  readonly zones: readonly { readonly zone: string }[];
  readonly port: number;
  readonly plugins: readonly { readonly name: string; readonly parameters?: string; readonly configBlock?: string }[];
}

/** Text around which the form's file is put, as the product that reads it does. */
const around = '. {\n    bind 127.0.0.1\n    import *.override\n    forward . RESOLVER\n}\nimport *.server\n';

/** A form's file → the Corefile that its product would run, and files beside it. */
function unpack(form: string, text: string): { corefile: string; files?: Record<string, string> } {
  if (form === 'corefile') return { corefile: text };
  if (form === 'import') {
    const kind = text.includes('{') ? 'server' : 'override';
    return { corefile: around, files: { [`postern.${kind}`]: text } };
  }
  const value = load(text) as { data?: Record<string, string>; corefile?: string; servers?: readonly Server[] };
  if (form === 'aks' || form === 'k3s') return { corefile: around, files: { ...value.data } };
  const servers = value.servers?.map(({ zones, port, plugins }) => {
    const blocks = plugins.map(
      ({ name, parameters = '', configBlock }) => `${name} ${parameters}${configBlock ? ` {\n${configBlock}\n}` : ''}`,
    );
    return `${zones.map(({ zone }) => zone).join(' ')}:${port} {\n${blocks.join('\n')}\n}\n`;
  });
  return { corefile: servers?.join('') ?? value.corefile ?? value.data?.['Corefile'] ?? '' };
}

/** What needs a cluster goes, and what listens moves to ports of the test. */
function runnable(text: string, resolver: string): string {
  return text
    .replace(/^ *kubernetes [^{]*\{[^}]*\}\n/gm, '')
    .replace(/^ *(?:health|prometheus|ready)\b[^{\n]*(?:\{[^}]*\})?\n/gm, '')
    .replace(/:53\b/g, '')
    .replace(/__PILLAR__CLUSTER__DNS__|RESOLVER/g, resolver);
}

const { test, engines } = await engineSuite('forms', ['coredns', 'coredns-oldest']);
let behind: DnsServer | undefined;
test.before(async () => {
  behind = await startCoredns(engines.coredns.path, publicCorefile, publicZones);
});
test.after(() => behind?.stop());

for (const form of ['corefile', 'configMap', 'eks', 'aks', 'k3s', 'helm', 'nodeLocal', 'import']) {
  for (const [amount, policy] of [
    ['few', few],
    ['many', full],
  ] as const) {
    test(`${form} with ${amount} names resolves as explained`, async () => {
      const resolver = `127.0.0.1:${behind?.port}`;
      const options = coredns.options.parse({ form, bind: ['127.0.0.1'], forward: [resolver] });
      const { value, diagnostics } = coredns.emit({
        policy,
        options,
        at: ['targets', 'coredns'],
        read: () => undefined,
      });
      assert.equal(
        diagnostics.map(({ code }) => code),
        amount === 'many' ? ['coredns/many-names'] : [],
      );
      const { corefile, files = {} } = unpack(form, value?.[0]?.text ?? '');
      const placed = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, runnable(text, resolver)]));
      const server = await startCoredns(engines['coredns-oldest'].path, runnable(corefile, resolver), placed);
      try {
        for (const name of amount === 'many' ? [...NAMES, 'h7.example.com', 'x.h7.example.com'] : NAMES) {
          const [answer, direct] = await Promise.all([
            ask(server.port, name),
            ask(behind?.port ?? 0, resolveName(policy, name).name),
          ]);
          const addresses = (records: readonly string[]) => records.map((record) => record.split(' ')[2]);
          assert.equal(addresses(answer.records), addresses(direct.records), name);
          for (const record of answer.records) assert.is(record.split(' ')[0], `${name}.`);
        }
      } finally {
        await server.stop();
      }
    });
  }
}

test('rules merged into a Corefile of several server blocks are those that CoreDNS asks', async () => {
  const forward = `bind 127.0.0.1\n    forward . 127.0.0.1:${behind?.port}`;
  const given = `(stub) {\n    ${forward}\n}\n. {\n    ${forward}\n}\nexample.com {\n    import stub\n}\nexample.net, pages.example.com:53 {\n    ${forward}\n}\n`;
  const options = coredns.options.parse({ merge: 'Corefile' });
  const { value, diagnostics } = coredns.emit({ policy: few, options, at: ['targets', 'coredns'], read: () => given });
  assert.equal(diagnostics, []);
  const server = await startCoredns(engines['coredns-oldest'].path, runnable(value?.[0]?.text ?? '', ''));
  try {
    for (const name of NAMES) {
      const [answer, direct] = await Promise.all([
        ask(server.port, name),
        ask(behind?.port ?? 0, resolveName(few, name).name),
      ]);
      assert.equal(
        answer.records.map((record) => record.split(' ')[2]),
        direct.records.map((record) => record.split(' ')[2]),
        name,
      );
    }
  } finally {
    await server.stop();
  }
});

test('NodeLocal DNSCache needs its addresses, and leaves names of the cluster alone', () => {
  const policy = policyOf({ domainRewrites: [{ from: 'gitlab.example.com', to: 'gitlab.default.svc.cluster.local' }] });
  const options = coredns.options.parse({ form: 'nodeLocal' });
  const { value, diagnostics } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => undefined });
  assert.is(value, undefined);
  assert.equal(
    diagnostics.map(({ code, at }) => `${at.join('.')} ${code}`),
    ['domainRewrites.0.to coredns/cluster-name', 'targets.coredns coredns/missing-bind'],
  );
});

test.run();
