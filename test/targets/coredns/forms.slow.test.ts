import { load } from 'js-yaml';
import * as assert from 'uvu/assert';
import { resolveName } from '../../../src/policy/names.ts';
import type { Policy } from '../../../src/policy/types.ts';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { ask } from './kdig.ts';
import { ADDRESSES, RECORDS, rewrites } from './lookups.ts';
import { type DnsServer, publicCorefile, publicZones, startCoredns } from './servers.ts';

const many = Array.from({ length: 300 }, (_, i) => ({
  from: `h${i}.example.com`,
  to: 'gitlab.privatelink.example.com',
}));
const few = policyOf({ domainRewrites: rewrites });
/** Names that share no rule, because each leads elsewhere. */
const odd = many.map(({ from }, i) => ({ from: from.replace('h', 'odd'), to: `no${i}.privatelink.example.com` }));
/** Names that lead the same way, and so share rules. */
const swaps = Array.from({ length: 300 }, (_, i) => ({
  from: `s${i}.pages.example.com`,
  to: `s${i}.pages.privatelink.example.com`,
}));
const full = policyOf({ domainRewrites: [...rewrites, ...many, ...swaps] });
const apart = policyOf({ domainRewrites: [...rewrites, ...odd, ...many] });
const GATHERED: typeof ADDRESSES = [
  ['h7.example.com.', '10.0.0.1'],
  ['H299.example.com.', '10.0.0.1'],
  ['x.h7.example.com.', undefined],
  ['h300.example.com.', undefined],
  ['h7.example.com.default.svc.cluster.local.', undefined],
];
const SWAPPED: typeof ADDRESSES = [
  ['s7.pages.example.com.', '10.0.0.5'],
  ['S299.Pages.example.com.', '10.0.0.5'],
  ['ss7.pages.example.com.', '10.0.0.5'],
  ['xs7.example.com.', undefined],
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
    const kind = / \{$/m.test(text) ? 'server' : 'override';
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

/** What clients get, and that it is what `explain` says, looked up without rewrites. */
async function checkAnswers(policy: Policy, port: number, more: typeof ADDRESSES = []): Promise<void> {
  const { path } = engines.kdig;
  const addresses = [...ADDRESSES, ...more];
  const names = addresses.map(([name]) => name);
  const answers = await ask(
    path,
    port,
    names.map((name) => [name]),
  );
  const direct = await ask(
    path,
    behind.port,
    names.map((name) => [`${resolveName(policy, name).name}.`]),
  );
  for (const [index, [name, address]] of addresses.entries()) {
    const { question, records } = answers[index] ?? { question: '', records: [] };
    // Only the question must come back letter by letter: that is what 0x20 looks at.
    assert.is(question, name);
    const lower = records.map((record) => record.replace(/^\S+/, (owner) => owner.toLowerCase()));
    assert.equal(lower, address ? [`${name.toLowerCase()} A ${address}`] : [], name);
    assert.equal(
      direct[index]?.records.map((record) => record.split(' ')[2]),
      address ? [address] : [],
      name,
    );
  }
  const [gone, ...found] = await ask(path, port, [
    ['gone.example.com.'],
    ...RECORDS.map(([name, type]) => [name, type] as const),
  ]);
  assert.is(gone?.status, 'NXDOMAIN');
  assert.equal(
    found.map(({ records }) => records),
    RECORDS.map(([, , records]) => records),
  );
}

const { test, engines } = await engineSuite('forms', ['coredns', 'coredns-oldest', 'kdig']);
let behind: DnsServer;
test.before(async () => {
  behind = await startCoredns(engines.coredns.path, publicCorefile, publicZones);
});
test.after(() => behind.stop());

const emit = (policy: Policy, options: object, given?: string) =>
  coredns.emit({ policy, options: coredns.options.parse(options), at: ['targets', 'coredns'], read: () => given });

for (const engine of ['coredns', 'coredns-oldest'] as const) {
  for (const form of ['corefile', 'configMap', 'eks', 'aks', 'k3s', 'helm', 'nodeLocal', 'import']) {
    for (const [amount, policy, more] of [
      ['few', few, []],
      ['many', full, [...GATHERED, ...SWAPPED]],
      ['many odd', apart, GATHERED],
    ] as const) {
      test(`${form} with ${amount} names answers on ${engine} as explained`, async () => {
        const resolver = `127.0.0.1:${behind.port}`;
        const { value, diagnostics } = emit(policy, { form, bind: ['127.0.0.1'], forward: [resolver] });
        assert.equal(
          diagnostics.map(({ code }) => code),
          amount === 'many odd' ? ['coredns/many-names'] : [],
        );
        const { corefile, files = {} } = unpack(form, value?.[0]?.text ?? '');
        const placed = Object.fromEntries(
          Object.entries(files).map(([name, text]) => [name, runnable(text, resolver)]),
        );
        const server = await startCoredns(engines[engine].path, runnable(corefile, resolver), placed);
        try {
          await checkAnswers(policy, server.port, more);
        } finally {
          await server.stop();
        }
      });
    }
  }

  test(`rules merged into a Corefile of several server blocks are those that ${engine} asks`, async () => {
    const forward = `bind 127.0.0.1\n    forward . 127.0.0.1:${behind.port}`;
    const given = `(stub) {\n    ${forward}\n}\n. {\n    ${forward}\n}\nexample.com {\n    import stub\n}\nexample.net, pages.example.com:53 {\n    ${forward}\n}\n`;
    const { value, diagnostics } = emit(few, { merge: 'Corefile' }, given);
    assert.equal(diagnostics, []);
    const server = await startCoredns(engines[engine].path, runnable(value?.[0]?.text ?? '', ''));
    try {
      await checkAnswers(few, server.port);
    } finally {
      await server.stop();
    }
  });
}

test('every name of a server has the port that the chart writes behind the last only', () => {
  const { value } = emit(apart, { form: 'helm', port: 5353 });
  const { servers = [] } = load(value?.[0]?.text ?? '') as { servers?: readonly Server[] };
  assert.ok(servers.length > 2);
  for (const { zones, port } of servers) {
    const [last, ...others] = zones.map(({ zone }) => zone).toReversed();
    assert.not.match(last ?? '', ':');
    assert.ok(others.every((zone) => zone.endsWith(':5353')));
    assert.is(port, 5353);
  }
});

test('NodeLocal DNSCache needs its addresses, and leaves names of the cluster alone', () => {
  const policy = policyOf({ domainRewrites: [{ from: 'gitlab.example.com', to: 'gitlab.default.svc.cluster.local' }] });
  const { value, diagnostics } = emit(policy, { form: 'nodeLocal' });
  assert.is(value, undefined);
  assert.equal(
    diagnostics.map(({ code, at }) => `${at.join('.')} ${code}`),
    ['domainRewrites.0.to coredns/cluster-name', 'targets.coredns coredns/missing-bind'],
  );
});

test.run();
