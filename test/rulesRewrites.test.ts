import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { optionSchemas } from '../src/compile.ts';
import type { Diagnostic } from '../src/diagnostics/diagnostic.ts';
import { resolvePolicy } from '../src/policy/resolve.ts';
import { lint } from '../src/rules/index.ts';
import { type Spec, specSchema } from '../src/spec/schema.ts';
import { clientsOf } from '../src/targets/clients.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { certificateFor } from './engines/certificate.ts';
import { engineSuite } from './engines/suite.ts';

const upstreams = {
  gitlab: { url: 'https://gitlab.example.com', servers: ['10.0.0.1:443'] },
  registry: { url: 'https://registry.example.com', servers: ['10.0.0.2:443'] },
};
const gitlab = { from: 'gitlab.example.com', to: 'gitlab.private.example.com', upstream: 'gitlab' };
const registry = {
  from: 'registry.example.com',
  to: 'registry.private.example.com',
  upstream: 'registry',
  containerRegistry: true,
};
/** What keeps nodes in order: no way back to the public name, and the name of the Dependency Proxy. */
const strict = { fallback: false, mirrors: { 'gitlab.example.com:443': ['https://gitlab.private.example.com'] } };
const everybody = { caddy: {}, coredns: {}, containerd: strict };

function findings(spec: object, read: (path: string) => string | undefined = () => undefined): Diagnostic[] {
  const tests = [{ resolve: 'a.example', expect: 'a.example' }];
  const parsed = specSchema(optionSchemas()).parse({ version: 1, name: 'test', tests, ...spec }) as Spec;
  const { value: policy, diagnostics } = resolvePolicy(parsed, () => undefined);
  if (!policy) throw new Error(JSON.stringify(diagnostics));
  return lint(policy, parsed, { clients: clientsOf(parsed, read), read });
}

function lints(domainRewrites: readonly object[], targets: object, more: object = {}): string[] {
  return findings({ upstreams, domainRewrites, targets, ...more })
    .filter(({ code, severity }) => severity === 'warning' && !['rule/unused', 'rule/makes-nothing'].includes(code))
    .map(({ at, code }) => `${at.join('.')} ${code}`);
}

const test = suite('rules of domain rewrites');

test('a chain with nothing missing has nothing to be said about', () => {
  assert.equal(lints([gitlab, registry], everybody), []);
});

test('a registry whose tokens come from a name that is not rewritten', () => {
  const found = ['domainRewrites.0 rule/token-realm'];
  const targets = { coredns: {}, containerd: { fallback: false } };
  assert.equal(lints([registry], targets), found);
  const elsewhere = { from: gitlab.from, to: gitlab.to };
  assert.equal(lints([registry, elsewhere], targets), found, 'a name without a site');
  const below = { from: '*.example.org', to: '*.example.net', upstream: 'gitlab' };
  assert.equal(lints([registry, below], targets), found, 'no realm is mapped by a wildcard');
});

test('a registry that is GitLab itself, or that is not behind a site of ours, is asked for no second name', () => {
  const own = { ...gitlab, containerRegistry: true };
  assert.equal(lints([own], everybody), []);
  const { upstream, ...foreign } = registry;
  assert.equal(lints([foreign], { coredns: {}, containerd: { fallback: false } }), []);
});

test('a registry on a port of its own leads nodes elsewhere, and pods only where its name is rewritten too', () => {
  const port = { from: 'port.example.com:5050', to: 'port.private.example.com:5050', containerRegistry: true };
  const targets = { coredns: {}, containerd: { fallback: false } };
  assert.equal(lints([port], targets), ['domainRewrites.0.from rule/port-for-nodes']);
  assert.equal(lints([port, { from: 'port.example.com', to: 'port.private.example.com' }], targets), []);
  assert.equal(lints([port, { from: '*.example.com', to: '*.private.example.net' }], targets), []);
  assert.equal(lints([port], { containerd: { fallback: false } }), []);
});

test('the Dependency Proxy has a name with a port, which is a name of its own for nodes', () => {
  const targets = { coredns: {}, containerd: { fallback: false } };
  assert.equal(lints([registry, gitlab], targets), ['domainRewrites.1.from rule/dependency-proxy']);
  const all = { ...targets, containerd: { fallback: false, mirrors: { '*': ['https://gitlab.private.example.com'] } } };
  assert.equal(lints([registry, gitlab], all), [], 'a mirror of everything');
  const routes = { r: { upstream: 'gitlab', allow: ['GET /v2/{g}/dependency_proxy/containers/{i}/manifests/{t}'] } };
  const more = {
    routes,
    apiKeys: { k: { key: 'env:K', token: 'env:T' } },
    proxies: { p: { listen: 1, ipRanges: ['10.0.0.1'] } },
  };
  const own = { ...gitlab, containerRegistry: true };
  assert.equal(lints([own], targets, more), ['domainRewrites.0.from rule/dependency-proxy'], 'only the bare name');
  const [finding] = findings({ upstreams, domainRewrites: [registry, gitlab], targets });
  assert.is(
    finding?.hint,
    'write under targets.containerd: mirrors: { "gitlab.example.com:443": [https://gitlab.private.example.com] }',
  );
});

test('a mirror that nodes pass over is said once for each registry', () => {
  const second = { ...registry, from: 'second.example.com', to: 'second.private.example.com' };
  const found = (targets: object) =>
    findings({ upstreams, domainRewrites: [gitlab, registry, second], targets: { coredns: {}, ...targets } }).filter(
      ({ code }) => code === 'rule/public-fallback',
    );
  const mirrors = strict.mirrors;
  assert.equal(found({ containerd: strict, crio: strict, talos: strict }), []);
  const mixed = found({ bottlerocket: { mirrors }, containerd: { mirrors }, talos: strict });
  assert.equal(
    mixed.map(({ at, severity }) => `${at.join('.')} ${severity}`),
    ['domainRewrites.1.from warning', 'domainRewrites.2.from warning'],
  );
  assert.is(
    mixed[0]?.message,
    'when "registry.private.example.com" fails, nodes silently pull from "registry.example.com" on the internet instead (bottlerocket, containerd)',
  );
  assert.match(
    mixed[0]?.hint ?? '',
    /^write fallback: false under targets\.containerd; for bottlerocket, which cannot be told so, block/,
  );
  assert.is(found({ talos: { mirrors } })[0]?.hint, 'write fallback: false under targets.talos');
  assert.match(
    found({ k3sRegistries: { mirrors } })[0]?.hint ?? '',
    /^block "registry\.example\.com" for the nodes; a pull error/,
  );
});

test('a rewrite that only pods, only nodes or only some nodes follow', () => {
  assert.equal(lints([gitlab, registry], { coredns: {} }), ['domainRewrites.1.containerRegistry rule/pods-only']);
  assert.equal(lints([registry, gitlab], { containerd: strict }), ['domainRewrites.1.from rule/nodes-only']);
  const own = { ...gitlab, containerRegistry: true };
  assert.equal(lints([own], { containerd: strict }), [], 'a registry may be there for nodes alone');
  assert.equal(lints([gitlab, registry], { caddy: {} }), [], 'the names may be rewritten by other means');
  assert.equal(lints([gitlab, registry], { ...everybody, crio: { fallback: false } }), [
    'targets.containerd.mirrors.gitlab.example.com:443 rule/some-nodes',
  ]);
  assert.equal(lints([gitlab, registry], { ...everybody, crio: strict }), []);
});

test('an upstream that is found by a name which leads back to the site', () => {
  const both = [gitlab, registry];
  const byName = { gitlab: { url: 'https://gitlab.example.com' }, registry: upstreams.registry };
  assert.equal(lints(both, everybody, { upstreams: byName }), ['upstreams.gitlab rule/site-loop']);
  assert.equal(lints(both, { caddy: {} }, { upstreams: byName }), [], 'no DNS is rewritten');
  const unused = { ...upstreams, other: { url: 'https://gitlab.example.com' } };
  assert.equal(lints(both, everybody, { upstreams: unused }), [], 'no upstream of a site');
  const below = { from: '*.nodes.example.com', to: '*.nodes.example.net' };
  assert.equal(lints([...both, below], everybody), [], 'by address');
  const pool = {
    ...upstreams,
    gitlab: { ...upstreams.gitlab, servers: ['10.0.0.1:443', 'git.nodes.example.com:443'] },
  };
  assert.equal(lints([...both, below], everybody, { upstreams: pool }), ['upstreams.gitlab rule/site-loop']);
  const own = { ...upstreams, gitlab: { url: `https://${gitlab.to}` } };
  assert.equal(lints(both, { caddy: {} }, { upstreams: own }), ['upstreams.gitlab rule/site-loop'], 'the site itself');
  const guard = { url: 'http://127.0.0.1', servers: ['127.0.0.1:8080'] };
  const guarded = {
    upstreams: { ...byName, guard },
    routes: { pull: { upstream: 'gitlab', auth: 'passthrough', allow: ['GET /v2/'] } },
    proxies: { p: { listen: '127.0.0.1:8080', ipRanges: ['10.0.0.1'], clientIp: { trustedProxies: ['127.0.0.1'] } } },
  };
  const outside = [{ ...gitlab, upstream: 'guard' }, registry];
  assert.equal(lints(outside, everybody, guarded), ['upstreams.gitlab rule/site-loop'], 'behind a proxy of this spec');
  const other = { ...guarded, proxies: { p: { ...guarded.proxies.p, listen: '127.0.0.1:8081' } } };
  assert.equal(lints(outside, everybody, other), [], 'behind something else');
  const dnsOnly = { from: 'kas.example.com', to: 'kas.private.example.com' };
  const elsewhere = { ...upstreams, gitlab: { url: `https://${dnsOnly.to}` } };
  assert.equal(lints([...both, dnsOnly], everybody, { upstreams: elsewhere }), [], 'another private name');
});

test.run();

const { test: tls, engines } = await engineSuite('rules of certificates', ['openssl']);

/** The names that a certificate for `names` is found not to cover. */
async function uncovered(names: readonly string[], domainRewrites: readonly object[]): Promise<string[]> {
  const folder = await temporaryFolder();
  try {
    const { certFile, keyFile } = await certificateFor(names, engines.openssl.path, folder);
    const pem = readFileSync(certFile, 'utf8');
    const targets = { ...everybody, caddy: { sites: { tls: { certFile: 'site.pem', keyFile } } } };
    const all = findings({ upstreams, domainRewrites, targets }, (path) => (path === 'site.pem' ? pem : undefined));
    return all
      .filter(({ code }) => code === 'rule/certificate-name')
      .flatMap(({ at, related = [] }) => related.map((one) => `${at.at(-1)}: ${one.at.join('.')}`));
  } finally {
    await folder.remove();
  }
}

tls('a certificate of the sites has to cover both names of each', async () => {
  const all = [gitlab.from, gitlab.to, registry.from, registry.to];
  assert.equal(await uncovered(all, [gitlab, registry]), []);
  assert.equal(await uncovered([gitlab.to, '*.private.example.com'], [gitlab, registry]), [
    'certFile: domainRewrites.0.from',
    'certFile: domainRewrites.1.from',
  ]);
  assert.equal(await uncovered(['other.example.com', '*.example.com'], [gitlab]), ['certFile: domainRewrites.0.to']);
  const dnsOnly = { from: 'kas.example.com', to: 'kas.private.example.com' };
  assert.equal(await uncovered(all, [gitlab, registry, dnsOnly]), [], 'no site, no certificate');
  const below = { from: '*.pages.example.com', to: '*.pages.private.example.com', upstream: 'gitlab' };
  assert.equal(await uncovered(all, [gitlab, registry, below]), [], 'nor is there a site for a wildcard');
});

tls('a certificate that is not here, or is none, is left alone', () => {
  const targets = { ...everybody, caddy: { sites: { tls: { certFile: 'site.pem', keyFile: 'site.key' } } } };
  for (const text of [undefined, 'no certificate']) {
    const all = findings({ upstreams, domainRewrites: [gitlab, registry], targets }, () => text);
    assert.equal(
      all.filter(({ code }) => code.startsWith('rule/certificate')),
      [],
    );
  }
});

tls.run();
