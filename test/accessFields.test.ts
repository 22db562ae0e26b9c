import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type * as z from 'zod';
import { diffAccess } from '../src/accessDiff/diff.ts';
import { SPEC_ACCESS } from '../src/accessDiff/spec.ts';
import { type AccessChange, mayWiden } from '../src/accessDiff/types.ts';
import { optionSchemas } from '../src/compile.ts';
import { digestOfRanges } from '../src/policy/rangeFiles.ts';
import { resolvePolicy } from '../src/policy/resolve.ts';
import { memberOf } from '../src/source/value.ts';
import { specSchema } from '../src/spec/schema.ts';
import { alternativesOf, fieldsOf, shapeOf } from '../src/spec/shape.ts';
import { diffOptions } from '../src/targets/accessDiff.ts';
import { targets } from '../src/targets/index.ts';

const schema = specSchema(optionSchemas());

/** Every field that holds no others, as `proxies.*.listen`: `*` is any name, and lists have no step of their own. */
function leavesOf(field: z.core.$ZodType, path: readonly string[]): string[] {
  const leaves = alternativesOf(shapeOf(field)).flatMap((shape): string[] => {
    const { def } = shape._zod;
    if (def.type === 'array') return leavesOf(def.element, path);
    if (def.type === 'record') return leavesOf(def.valueType, [...path, '*']);
    const fields = [...fieldsOf(shape)];
    return fields.length === 0 ? [path.join('.')] : fields.flatMap(([name, one]) => leavesOf(one, [...path, name]));
  });
  return [...new Set(leaves)];
}

/** What the sources say of a field: a reason where it cannot loosen anything. */
function reasonOf(path: string): string | undefined {
  let touch: unknown = { fields: { ...SPEC_ACCESS, targets: { fields: accessOfTargets } } };
  for (const step of path.split('.')) {
    touch = step === '*' ? memberOf(touch, 'each') : memberOf(memberOf(touch, 'fields'), step);
    const reason = memberOf(touch, 'cannotLoosen');
    if (typeof reason === 'string') return reason;
  }
  return undefined;
}

const accessOfTargets = Object.fromEntries(targets.map(({ name, access }) => [name, { fields: access }]));

const gitlabConfig = { url: 'https://gitlab.example.com', type: 'self-managed' };
const role = {
  config: 'main',
  type: 'project',
  path: 'group/project',
  name: 'r-{{ .unix_timestamp_utc }}',
  accessLevel: 'reporter',
  scopes: ['read_api'],
  ttl: '1h',
};

const META = JSON.stringify({
  hooks: ['192.0.2.0/24'],
  web: ['192.0.2.0/24', '198.51.100.0/24'],
  values: [{ name: 'hooks', properties: { addressPrefixes: ['203.0.113.0/24'] } }],
});

const base = {
  version: 1,
  name: 'fields',
  ipRanges: {
    office: ['10.1.0.0/16'],
    listed: { file: 'listed.txt' },
    guests: [{ cidr: '10.5.0.0/24', expires: '2027-01-01' }, '10.6.0.0/24', { not: '10.6.0.128/25' }],
    hooks: {
      file: 'meta.json',
      format: 'github',
      select: ['hooks'],
      sha256: digestOfRanges(META),
    },
  },
  upstreams: {
    one: {
      url: 'https://one.example.com',
      servers: ['10.9.0.1:443'],
      tls: { serverName: 'one.example.com', caFile: '/ca.pem' },
    },
    plain: { url: 'https://plain.example.com', tls: { caFile: '/ca.pem' } },
  },
  routes: {
    read: {
      upstream: 'one',
      headers: ['x-one'],
      contentTypes: ['application/json'],
      maxBody: '1kB',
      websocket: false,
      allow: [
        'GET,POST /a',
        {
          request: 'POST /b/{x:int}',
          headers: ['x-two'],
          contentTypes: ['text/plain'],
          maxBody: '2kB',
          websocket: false,
        },
      ],
    },
    write: { upstream: 'one', allow: ['POST /w'] },
    keyed: { upstream: 'one', allow: ['GET /keyed'] },
    open: { upstream: 'plain', auth: 'passthrough', allow: ['GET /open'] },
  },
  apiKeys: {
    k: {
      key: 'env:K',
      token: 'env:T',
      routes: ['read'],
      ipRanges: ['10.1.2.0/24'],
      expires: '2027-01-01',
      rateLimit: '10/s',
    },
    l: { key: 'env:L', token: 'env:T', routes: ['read', 'write'] },
    m: { key: 'env:M', token: 'env:T' },
  },
  proxies: {
    api: {
      listen: '127.0.0.1:8080',
      hosts: ['a.example.com', 'b.example.com'],
      tls: { certFile: '/one.pem', keyFile: '/one.key' },
      ipRanges: ['@office', '@listed', '@guests', '@hooks'],
      clientIp: { trustedProxies: ['10.1.0.0/24', '10.200.0.0/24'], header: 'X-Real-IP' },
      publicUrl: 'https://public.example.com',
      routes: ['read', 'open', 'keyed'],
      answer: [{ request: 'GET /', status: 204 }],
      health: { path: '/healthz', from: ['@office'] },
      cors: { origins: ['https://app.example.com'], headers: ['X-Page'], maxAge: '10m' },
      responseHeaders: { 'X-Frame-Options': 'DENY' },
    },
  },
  domainRewrites: [{ from: 'a.example.com', to: 'b.example.com' }],
  vault: {
    gitlab: {
      configs: { main: gitlabConfig, other: { ...gitlabConfig, url: 'https://second.example.com' } },
      roles: { r: role },
    },
  },
  targets: {
    nginx: { caFile: '/ca.pem', resolver: ['10.0.0.2'] },
    caddy: { admin: 'off', sites: { listen: 8443, tls: 'inFront', clientIp: { trustedProxies: ['10.1.0.0/24'] } } },
    coredns: { bind: ['127.0.0.1'], forward: ['10.0.0.2'], merge: 'Corefile' },
    bottlerocket: { merge: 'data.toml', pki: { ours: { file: 'ours.pem' } } },
    containerd: { mirrors: { 'docker.io': ['https://one.example.com'] }, fallback: false },
    crio: { fallback: false },
    docker: {},
    gitlabRunner: {
      url: 'https://gitlab.example.com',
      secret: 'token',
      image: 'alpine',
      allowedImages: ['alpine'],
      allowedServices: ['redis'],
      names: { nameservers: ['10.0.0.2'] },
      secretVolumes: { keys: { path: '/keys', items: { a: 'a' } } },
    },
    ipRanges: {
      sets: ['office'],
      open: { git: { sets: ['office'], ports: [22], securityGroup: 'sg-01234567', pods: { app: 'git' } } },
    },
    k3sRegistries: {},
    kubernetes: { image: `nginx@sha256:${'0'.repeat(64)}`, clientAddress: 'cluster' },
    talos: { fallback: false },
    vault: { login: { kubernetes: { serviceAccount: 'postern', namespace: 'access' } } },
  },
};

const kubernetes = { serviceAccount: 'postern', namespace: 'access' };
const appRole = { roleIdFile: 'role', secretIdFile: 'secret' };
const plugin = { version: 'v0.12.1', sha256: 'a'.repeat(64) };

/** By field: where the spec above is changed, and to what; `undefined` takes the field away. */
const LOOSER: Readonly<Record<string, readonly [at: string, to: unknown]>> = {
  'ipRanges.*': ['ipRanges/office', ['10.1.0.0/16', '10.2.0.0/16']],
  'ipRanges.*.cidr': ['ipRanges/guests/0', { cidr: '10.5.0.0/23', expires: '2027-01-01' }],
  'ipRanges.*.expires': ['ipRanges/guests/0', { cidr: '10.5.0.0/24', expires: '2028-01-01' }],
  'ipRanges.*.not': ['ipRanges/guests/2', { not: '10.6.0.192/26' }],
  'ipRanges.*.file': ['ipRanges/listed/file', 'longer.txt'],
  'ipRanges.*.format': ['ipRanges/hooks/format', 'azure'],
  'ipRanges.*.select': ['ipRanges/hooks/select', ['web']],
  'upstreams.*.url': ['upstreams/plain/url', 'https://other.example.com'],
  'upstreams.*.servers': ['upstreams/one/servers', ['10.9.0.2:443']],
  'upstreams.*.tokenHeader': ['upstreams/one/tokenHeader', 'X-Token'],
  'upstreams.*.tokenScheme': ['upstreams/one/tokenScheme', 'Bearer'],
  'upstreams.*.tls.serverName': ['upstreams/one/tls/serverName', 'two.example.com'],
  'upstreams.*.tls.caFile': ['upstreams/plain/tls/caFile', undefined],
  'upstreams.*.tls.insecureSkipVerify': ['upstreams/plain/tls/insecureSkipVerify', true],
  'vault.*.configs.*.url': ['vault/gitlab/configs/main/url', 'https://other.example.com'],
  'vault.*.roles.*.config': ['vault/gitlab/roles/r/config', 'other'],
  'vault.*.roles.*.type': ['vault/gitlab/roles/r/type', 'group'],
  'vault.*.roles.*.path': ['vault/gitlab/roles/r/path', 'group/other'],
  'vault.*.roles.*.dynamicPath': ['vault/gitlab/roles/r', { ...role, path: '^group/.+$', dynamicPath: true }],
  'vault.*.roles.*.accessLevel': ['vault/gitlab/roles/r/accessLevel', 'owner'],
  'vault.*.roles.*.scopes': ['vault/gitlab/roles/r/scopes', ['read_api', 'api']],
  'vault.*.roles.*.ttl': ['vault/gitlab/roles/r/ttl', '48h'],
  'vault.*.roles.*.gitlabRevokes': ['vault/gitlab/roles/r', { ...role, gitlabRevokes: true, ttl: '24h' }],
  'routes.*.upstream': ['routes/read/upstream', 'plain'],
  'routes.*.auth': ['routes/keyed/auth', 'passthrough'],
  'routes.*.headers': ['routes/read/headers', ['x-one', 'x-three']],
  'routes.*.contentTypes': ['routes/read/contentTypes', 'any'],
  'routes.*.maxBody': ['routes/read/maxBody', 'unlimited'],
  'routes.*.websocket': ['routes/read/websocket', true],
  'routes.*.allow': ['routes/read/allow/0', 'DELETE,GET,POST /a'],
  'routes.*.allow.request': ['routes/read/allow/1/request', 'POST /b/{x}'],
  'routes.*.allow.headers': ['routes/read/allow/1/headers', ['x-two', 'x-three']],
  'routes.*.allow.contentTypes': ['routes/read/allow/1/contentTypes', 'any'],
  'routes.*.allow.maxBody': ['routes/read/allow/1/maxBody', '3kB'],
  'routes.*.allow.websocket': ['routes/read/allow/0', { request: 'GET,POST /a', websocket: true }],
  'apiKeys.*.key': ['apiKeys/k/key', ['env:K', 'env:K2']],
  'apiKeys.*.token': ['apiKeys/k/token', 'env:ADMIN'],
  'apiKeys.*.routes': ['apiKeys/k/routes', ['read', 'keyed']],
  'apiKeys.*.ipRanges': ['apiKeys/k/ipRanges', undefined],
  'apiKeys.*.expires': ['apiKeys/k/expires', undefined],
  'apiKeys.*.rateLimit': ['apiKeys/k/rateLimit', undefined],
  'proxies.*.listen': ['proxies/api/listen', '[::]:8080'],
  'proxies.*.hosts': ['proxies/api/hosts', ['a.example.com', 'c.example.com']],
  'proxies.*.tls.certFile': ['proxies/api/tls', undefined],
  'proxies.*.tls.keyFile': ['proxies/api/tls/keyFile', '/two.key'],
  'proxies.*.ipRanges': ['proxies/api/ipRanges', 'any'],
  'proxies.*.clientIp': ['proxies/api/clientIp', 'direct'],
  // Narrower in words, but everybody behind 10.1.0.128 is now taken for a client inside.
  'proxies.*.clientIp.trustedProxies': ['proxies/api/clientIp/trustedProxies', ['10.1.0.0/25', '10.200.0.0/24']],
  'proxies.*.clientIp.header': ['proxies/api/clientIp/header', undefined],
  'proxies.*.clientIp.proxyProtocol': [
    'proxies/api/clientIp',
    { trustedProxies: ['10.200.0.0/24'], proxyProtocol: true },
  ],
  'proxies.*.maxRequestHead': ['proxies/api/maxRequestHead', '17kB'],
  'proxies.*.apiKeyHeader': ['proxies/api/apiKeyHeader', 'X-Api-Key'],
  'proxies.*.apiKeyScheme': ['proxies/api/apiKeyScheme', 'Bearer'],
  'proxies.*.publicUrl': ['proxies/api/publicUrl', undefined],
  'proxies.*.routes': ['proxies/api/routes', ['read', 'open', 'keyed', 'write']],
  'proxies.*.answer.request': ['proxies/api/answer/0/request', '* /'],
  'proxies.*.answer.auth': ['proxies/api/answer/0/auth', 'none'],
  'proxies.*.health': ['proxies/api/health', '/healthz'],
  'proxies.*.cors.origins': ['proxies/api/cors/origins', 'any'],
  'proxies.*.cors.headers': ['proxies/api/cors/headers', ['X-Page', 'X-More']],
  'proxies.*.cors.maxAge': ['proxies/api/cors/maxAge', '20m'],
  'proxies.*.health.path': ['proxies/api/health/path', '/alive'],
  'proxies.*.health.from': ['proxies/api/health/from', ['@office', '10.9.0.0/16']],
  'proxies.*.responseHeaders.*': ['proxies/api/responseHeaders', {}],
  'domainRewrites.from': ['domainRewrites/0', { from: '*.a.example.com', to: '*.b.example.com' }],
  'domainRewrites.to': ['domainRewrites/0/to', 'c.example.com'],
  'domainRewrites.upstream': ['domainRewrites/0/upstream', 'plain'],
  'domainRewrites.containerRegistry': ['domainRewrites/0/containerRegistry', true],
  'targets.bottlerocket.merge': ['targets/bottlerocket/merge', undefined],
  'targets.bottlerocket.nodeClass': ['targets/bottlerocket/nodeClass', 'gpu'],
  'targets.bottlerocket.mirrors.*': ['targets/bottlerocket/mirrors', { 'docker.io': ['https://two.example.com'] }],
  'targets.bottlerocket.pki.*.file': ['targets/bottlerocket/pki/theirs', { file: 'theirs.pem' }],
  'targets.caddy.admin': ['targets/caddy/admin', undefined],
  'targets.caddy.sites.clientIp': ['targets/caddy/sites/clientIp', 'direct'],
  'targets.caddy.sites.clientIp.trustedProxies': [
    'targets/caddy/sites/clientIp',
    { trustedProxies: ['10.200.0.0/24'] },
  ],
  'targets.caddy.sites.clientIp.header': [
    'targets/caddy/sites/clientIp',
    { trustedProxies: ['10.1.0.0/24'], header: 'X-Real-IP' },
  ],
  'targets.caddy.sites.clientIp.proxyProtocol': [
    'targets/caddy/sites/clientIp',
    { trustedProxies: ['10.1.0.0/24'], proxyProtocol: true },
  ],
  'targets.caddy.sites.listen': ['targets/caddy/sites/listen', undefined],
  'targets.caddy.sites.tls': ['targets/caddy/sites/tls', 'off'],
  'targets.caddy.sites.tls.certFile': ['targets/caddy/sites/tls', { certFile: '/c.pem', keyFile: '/k.pem' }],
  'targets.caddy.sites.tls.keyFile': ['targets/caddy/sites/tls', { certFile: '/c.pem', keyFile: '/k.pem' }],
  'targets.containerd.mirrors.*': ['targets/containerd/mirrors', undefined],
  'targets.containerd.caFile': ['targets/containerd/caFile', '/ca.pem'],
  'targets.containerd.fallback': ['targets/containerd/fallback', undefined],
  'targets.coredns.form': ['targets/coredns/form', 'configMap'],
  'targets.coredns.merge': ['targets/coredns/merge', 'other'],
  'targets.coredns.forward': ['targets/coredns/forward', undefined],
  'targets.coredns.bind': ['targets/coredns/bind', undefined],
  'targets.coredns.port': ['targets/coredns/port', 5353],
  'targets.coredns.clusterDomain': ['targets/coredns/clusterDomain', 'other.local'],
  'targets.crio.mirrors.*': ['targets/crio/mirrors', { '*': ['https://one.example.com'] }],
  'targets.crio.fallback': ['targets/crio/fallback', true],
  'targets.docker.mirrors.*': ['targets/docker/mirrors', { 'docker.io': ['https://one.example.com'] }],
  'targets.gitlabRunner.url': ['targets/gitlabRunner/url', 'https://other.example.com'],
  'targets.gitlabRunner.secret': ['targets/gitlabRunner/secret', 'other'],
  'targets.gitlabRunner.namespace': ['targets/gitlabRunner/namespace', 'other'],
  'targets.gitlabRunner.image': ['targets/gitlabRunner/image', 'debian'],
  'targets.gitlabRunner.helperImage': ['targets/gitlabRunner/helperImage', 'other'],
  'targets.gitlabRunner.allowedImages': ['targets/gitlabRunner/allowedImages', undefined],
  'targets.gitlabRunner.allowedServices': ['targets/gitlabRunner/allowedServices', undefined],
  'targets.gitlabRunner.serviceAccount': ['targets/gitlabRunner/serviceAccount', 'admin'],
  'targets.gitlabRunner.serviceAccountToken': ['targets/gitlabRunner/serviceAccountToken', true],
  'targets.gitlabRunner.privileged': ['targets/gitlabRunner/privileged', true],
  'targets.gitlabRunner.certificates': ['targets/gitlabRunner/certificates', 'theirs'],
  'targets.gitlabRunner.names': ['targets/gitlabRunner/names', 'cluster'],
  'targets.gitlabRunner.names.nameservers': ['targets/gitlabRunner/names/nameservers', ['10.0.0.3']],
  'targets.gitlabRunner.names.searches': ['targets/gitlabRunner/names/searches', ['example.org']],
  'targets.gitlabRunner.names.hosts.*': ['targets/gitlabRunner/names', { hosts: { 'a.example.com': '10.0.0.9' } }],
  'targets.gitlabRunner.imageBuilders': ['targets/gitlabRunner/imageBuilders', ['buildkit']],
  'targets.gitlabRunner.nodeSelector.*': ['targets/gitlabRunner/nodeSelector', { pool: 'open' }],
  'targets.gitlabRunner.tolerations': ['targets/gitlabRunner/tolerations', ['reserved']],
  'targets.gitlabRunner.environment.*': ['targets/gitlabRunner/environment', { NAME: 'value' }],
  'targets.gitlabRunner.secretVolumes.*.path': ['targets/gitlabRunner/secretVolumes/more', { path: '/more' }],
  'targets.gitlabRunner.secretVolumes.*.items.*': ['targets/gitlabRunner/secretVolumes/keys/items/b', 'b'],
  'targets.k3sRegistries.mirrors.*': ['targets/k3sRegistries/mirrors', { '*': ['https://one.example.com'] }],
  'targets.k3sRegistries.caFile': ['targets/k3sRegistries/caFile', '/ca.pem'],
  'targets.ipRanges.sets': ['targets/ipRanges/sets', undefined],
  'targets.ipRanges.forms': ['targets/ipRanges/forms', ['nftables']],
  'targets.ipRanges.open.*.sets': ['targets/ipRanges/open/git/sets', ['office', 'guests']],
  'targets.ipRanges.open.*.ports': ['targets/ipRanges/open/git/ports', [22, 443]],
  'targets.ipRanges.open.*.securityGroup': ['targets/ipRanges/open/git/securityGroup', 'sg-89abcdef'],
  'targets.ipRanges.open.*.pods.*': ['targets/ipRanges/open/git/pods/app', 'other'],
  'targets.ipRanges.ingressKey': ['targets/ipRanges/ingressKey', 'ingress.example.com'],
  'targets.kubernetes.image': ['targets/kubernetes/image', `nginx@sha256:${'1'.repeat(64)}`],
  'targets.kubernetes.clientAddress': ['targets/kubernetes/clientAddress', 'header'],
  'targets.kubernetes.provider': ['targets/kubernetes/provider', 'eks'],
  'targets.kubernetes.internal': ['targets/kubernetes/internal', false],
  'targets.kubernetes.namespace': ['targets/kubernetes/namespace', 'other'],
  'targets.kubernetes.secret': ['targets/kubernetes/secret', 'other'],
  'targets.kubernetes.replicas.max': ['targets/kubernetes/replicas', { max: 9 }],
  'targets.nginx.form': ['targets/nginx/form', 'include'],
  'targets.nginx.caFile': ['targets/nginx/caFile', undefined],
  'targets.nginx.resolver': ['targets/nginx/resolver', ['10.0.0.3']],
  'targets.nginx.sites.clientIp': ['targets/nginx/sites', { clientIp: 'direct' }],
  'targets.nginx.sites.clientIp.trustedProxies': [
    'targets/nginx/sites',
    { clientIp: { trustedProxies: ['10.200.0.0/24'] } },
  ],
  'targets.nginx.sites.clientIp.header': [
    'targets/nginx/sites',
    { clientIp: { trustedProxies: ['10.1.0.0/24'], header: 'X-Real-IP' } },
  ],
  'targets.nginx.sites.clientIp.proxyProtocol': [
    'targets/nginx/sites',
    { clientIp: { trustedProxies: ['10.1.0.0/24'], proxyProtocol: true } },
  ],
  'targets.nginx.sites.listen': ['targets/nginx/sites', { listen: 8443 }],
  'targets.nginx.sites.requestsPerAddress': ['targets/nginx/sites', { requestsPerAddress: 5000 }],
  'targets.nginx.sites.ipv6': ['targets/nginx/sites', { ipv6: true }],
  'targets.nginx.sites.tls': ['targets/nginx/sites', { tls: 'off' }],
  'targets.nginx.sites.tls.certFile': ['targets/nginx/sites', { tls: { certFile: '/c.pem', keyFile: '/k.pem' } }],
  'targets.nginx.sites.tls.keyFile': ['targets/nginx/sites', { tls: { certFile: '/c.pem', keyFile: '/k.pem' } }],
  'targets.vault.address': ['targets/vault/address', 'https://other.example.com'],
  'targets.vault.namespace': ['targets/vault/namespace', 'other'],
  'targets.vault.login.kubernetes.serviceAccount': [
    'targets/vault/login',
    { kubernetes: { ...kubernetes, serviceAccount: 'default' } },
  ],
  'targets.vault.login.kubernetes.namespace': [
    'targets/vault/login',
    { kubernetes: { ...kubernetes, namespace: 'default' } },
  ],
  'targets.vault.login.kubernetes.mount': ['targets/vault/login', { kubernetes: { ...kubernetes, mount: 'other' } }],
  'targets.vault.login.kubernetes.audience': [
    'targets/vault/login',
    { kubernetes: { ...kubernetes, audience: 'vault' } },
  ],
  'targets.vault.login.appRole.roleIdFile': ['targets/vault/login', { appRole }],
  'targets.vault.login.appRole.secretIdFile': ['targets/vault/login', { appRole }],
  'targets.vault.login.appRole.mount': ['targets/vault/login', { appRole: { ...appRole, mount: 'other' } }],
  'targets.vault.stores.*': ['targets/vault/stores', { secret: 1 }],
  'targets.vault.agent.reload.*': ['targets/vault/agent', { reload: { nginx: ['true'] } }],
  'targets.vault.externalSecrets.store': ['targets/vault/externalSecrets', { store: 'vault' }],
  'targets.vault.externalSecrets.deployTokens.secret': [
    'targets/vault/externalSecrets',
    { deployTokens: { secret: 'a', key: 'b' } },
  ],
  'targets.vault.externalSecrets.deployTokens.key': [
    'targets/vault/externalSecrets',
    { deployTokens: { secret: 'a', key: 'b' } },
  ],
  'targets.vault.plugin.image': ['targets/vault/plugin', { ...plugin, image: 'other' }],
  'targets.vault.plugin.version': ['targets/vault/plugin', plugin],
  'targets.vault.plugin.sha256': ['targets/vault/plugin', plugin],
  'targets.talos.mirrors.*': ['targets/talos/mirrors', { '*': ['https://one.example.com'] }],
  'targets.talos.fallback': ['targets/talos/fallback', undefined],
};

const FILES: Readonly<Record<string, string>> = {
  'listed.txt': '10.3.0.0/16\n',
  'meta.json': META,
  'longer.txt': '10.3.0.0/16\n10.4.0.0/16\n',
};
const read = (path: string) => FILES[path] ?? path;

function edited(at: string, to: unknown): object {
  const copy: object = structuredClone(base);
  const steps = at.split('/');
  const last = steps.pop() ?? '';
  const owner = steps.reduce((value: unknown, step) => {
    const known = memberOf(value, step);
    assert.ok(known !== undefined, `${at} leads nowhere`);
    return known;
  }, copy);
  if (to === undefined) Reflect.deleteProperty(owner as object, last);
  else Reflect.set(owner as object, last, to);
  return copy;
}

function versionOf(spec: object) {
  const parsed = schema.parse(spec);
  const { value: policy, diagnostics } = resolvePolicy(parsed as never, read);
  if (!policy) throw new Error(JSON.stringify(diagnostics));
  return { policy, side: { spec: parsed, policy, read } };
}

function changesTo(spec: object): readonly AccessChange[] {
  const [before, after] = [versionOf(base), versionOf(spec)];
  const { value = [], diagnostics } = diffAccess(before.policy, after.policy);
  assert.equal(diagnostics, []);
  return [...value, ...diffOptions(before.side, after.side)];
}

const test = suite('every field of every schema');

test('nothing changes between a spec and itself', () => assert.equal(changesTo(base), []));

for (const leaf of leavesOf(schema, [])) {
  test(leaf, () => {
    const sample = LOOSER[leaf];
    const reason = reasonOf(leaf);
    assert.is(sample === undefined, reason !== undefined, `${leaf}: give either a loosening here or a reason there`);
    if (!sample) return;
    const changes = changesTo(edited(...sample));
    assert.ok(changes.some(mayWiden), `a loosening that a gate lets through: ${JSON.stringify(changes)}`);
  });
}

test('a set that says whom the sites of an engine trust', () => {
  const withSet = (addresses: readonly string[]) => ({
    ...base,
    ipRanges: { ...base.ipRanges, balancers: addresses },
    targets: { ...base.targets, nginx: { sites: { clientIp: { trustedProxies: ['@balancers'] } } } },
  });
  const [before, after] = [versionOf(withSet(['10.200.0.0/24'])), versionOf(withSet(['10.200.0.0/16']))];
  assert.equal(diffAccess(before.policy, after.policy).value, []);
  assert.equal(diffOptions(before.side, after.side).map(mayWiden), [true]);
});

test('no loosening of a field that is gone', () =>
  assert.equal(
    Object.keys(LOOSER).filter((field) => !leavesOf(schema, []).includes(field)),
    [],
  ));

test.run();
