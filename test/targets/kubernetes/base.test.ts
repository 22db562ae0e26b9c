import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { openScope } from '../../../src/verify/scope.ts';
import { engineSuite } from '../../engines/suite.ts';
import { startPod, until } from '../../support/pods.ts';
import { CADDY, IMAGE, type Parts, specOf } from './specs.ts';

function made(parts: Parts) {
  const { files = [], diagnostics } = compile(specOf(parts), { file: 'postern.yaml', read: () => undefined });
  const object = (path: string, kind: string) => {
    const text = files.find((file) => file.path === path)?.text ?? '';
    return loadAll(text).find((one) => (one as { kind?: string } | null)?.kind === kind) as never;
  };
  return { files, object, problems: diagnostics.map(({ code }) => code) };
}

const test = suite('kubernetes');

const REWRITE = 'domainRewrites: [{ from: a.example.com, to: a.example.net, upstream: gitlab }]';
const NGINX_SITES = '{ writable: /run/postern, accessLog: stdout, sites: { tls: "off" } }';

const REFUSED: readonly [parts: Parts, code: string][] = [
  [{ options: 'clientAddress: header' }, 'kubernetes/address-mode'],
  [{ options: 'clientAddress: proxyProtocol' }, 'kubernetes/address-mode'],
  [
    {
      proxy: 'health: /healthz, clientIp: { trustedProxies: [10.0.0.0/8] }',
      options: 'clientAddress: localTrafficPolicy',
    },
    'kubernetes/address-mode',
  ],
  [
    {
      proxy: 'health: /healthz, clientIp: { trustedProxies: [10.0.0.0/8], proxyProtocol: true }',
      options: 'clientAddress: proxyProtocol, provider: gke',
    },
    'kubernetes/no-such-balancer',
  ],
  [{ proxy: 'methodNotAllowed: 404' }, 'kubernetes/no-health'],
  [{ proxy: 'health: { path: /healthz, from: [192.0.2.1] }' }, 'kubernetes/narrow-health'],
  [{ port: 80 }, 'kubernetes/low-port'],
  [{ proxy: 'health: /healthz, tls: { certFile: /c.pem, keyFile: /k.pem }' }, 'kubernetes/certificate-file'],
  [{ nginx: '{}' }, 'kubernetes/not-writable'],
  [{ caddy: '{}' }, 'kubernetes/not-writable'],
  [{ nginx: '{ writable: /run/postern }' }, 'kubernetes/log-in-pod'],
  [{ caddy: '{ writable: /run/postern }' }, 'kubernetes/log-in-pod'],
  [{ nginx: NGINX_SITES, rewrite: REWRITE }, 'kubernetes/sites'],
  [{ caddy: CADDY, rewrite: REWRITE }, 'kubernetes/sites'],
  [{ name: '1access' }, 'kubernetes/bad-name'],
  [{ options: 'provider: eks' }, 'spec/missing-key'],
];
for (const [parts, code] of REFUSED) {
  test(`refused: ${JSON.stringify(parts)}`, () => {
    const problems = made(parts).problems.filter((problem) => !problem.startsWith('nginx/'));
    assert.equal(problems, [code]);
  });
}

test('an image without its digest, and a proxy that listens on one address', () => {
  const text = specOf({}).replace(IMAGE, 'nginxinc/nginx-unprivileged:1.29');
  const { diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.equal(
    diagnostics.map(({ code }) => code),
    ['spec/bad-value'],
  );
  const bound = compile(specOf({}).replace('listen: 8080', 'listen: "127.0.0.1:8080"'), {
    file: 'postern.yaml',
    read: () => undefined,
  });
  assert.equal(
    bound.diagnostics.map(({ code }) => code),
    ['kubernetes/listen-address'],
  );
  const none = compile(specOf({}).replace(/ {2}nginx: .*\n/, ''), { file: 'postern.yaml', read: () => undefined });
  assert.equal(
    none.diagnostics.map(({ code }) => code),
    ['kubernetes/no-engine'],
  );
});

test('an image that cannot be there is told from one that may be', () => {
  for (const digest of ['0'.repeat(64), 'f'.repeat(64)]) {
    const text = specOf({}).replace(/@sha256:[0-9a-f]+/, `@sha256:${digest}`);
    const { files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
    assert.ok(files);
    assert.equal(
      diagnostics.map(({ code, severity, hint }) => [code, severity, hint]),
      [
        [
          'kubernetes/no-such-image',
          'warning',
          'write the digest that "crane digest nginxinc/nginx-unprivileged:TAG" prints',
        ],
      ],
    );
  }
});

test('a rate counts for each pod, which is said', () => {
  const parts = { rate: ', rateLimit: 10/s' };
  assert.equal(made(parts).problems, ['kubernetes/rate-per-pod']);
  assert.equal(made({ ...parts, options: 'clientAddress: cluster, replicas: { min: 1, max: 1 }' }).problems, []);
});

test('Go has less memory than the pod, since not all of a process is its own', () => {
  const limits = (memory: string) => {
    const parts = { caddy: CADDY, options: `clientAddress: cluster, memory: ${memory}` };
    const { files, problems } = made(parts);
    const text = files.find(({ path }) => path === 'kubernetes/deployment.yaml')?.text ?? '';
    return [...problems, ...(/GOMEMLIMIT\n +value: (.*)/.exec(text)?.slice(1) ?? [])];
  };
  assert.equal(limits('128Mi'), ['115MiB']);
  assert.equal(limits('1Gi'), ['921MiB']);
  assert.equal(limits('100m'), ['spec/bad-value'], 'a thousandth of a byte is no size');
});

test('a load balancer that keeps addresses lets in whom the proxies let in', () => {
  const { object } = made({ options: 'clientAddress: localTrafficPolicy, provider: eks' });
  const service: { metadata: { annotations: object }; spec: Record<string, unknown> } = object(
    'kubernetes/service.yaml',
    'Service',
  );
  assert.equal(Object.values(service.metadata.annotations), [
    'external',
    'ip',
    'internal',
    'preserve_client_ip.enabled=true',
  ]);
  assert.is(service.spec['externalTrafficPolicy'], 'Local');
  assert.equal(
    [...(service.spec['loadBalancerSourceRanges'] as string[])],
    ['127.0.0.0/8', '203.0.113.0/24', '2001:db8::/48'],
  );
});

test('the kubelet asks the proxy with the lowest port, whichever is named first', () => {
  const probes = (proxies: string) => {
    const text = specOf({}).replace('proxies: { ', `proxies: { ${proxies}`);
    const { files } = compile(text, { file: 'postern.yaml', read: () => undefined });
    const manifest = files?.find(({ path }) => path === 'kubernetes/deployment.yaml')?.text ?? '';
    return manifest.match(/^ +path: .*\n +port: .*$/gm);
  };
  const one = probes('');
  assert.is(one?.length, 3);
  assert.equal(probes('aaa: { listen: 8081, ipRanges: any, health: /alive }, '), one);
  assert.equal(probes('aaa: { listen: 8080, ipRanges: any, health: /alive, hosts: [a.example.com] }, '), one);
});

test('whoever passes the addresses on is who connects', () => {
  const proxy = 'health: /healthz, clientIp: { trustedProxies: [10.7.0.0/16], proxyProtocol: true }';
  const { object, problems } = made({ proxy, options: 'clientAddress: proxyProtocol, provider: eks' });
  assert.equal(problems, []);
  const policy: { spec: { ingress: unknown } } = object('kubernetes/network-policy.yaml', 'NetworkPolicy');
  assert.match(JSON.stringify(policy.spec.ingress), /10\.7\.0\.0\/16/);
  assert.not.match(JSON.stringify(policy.spec.ingress), /203\.0\.113/);
  const deployment: { spec: { template: { spec: { containers: unknown } } } } = object(
    'kubernetes/deployment.yaml',
    'Deployment',
  );
  assert.match(JSON.stringify(deployment.spec.template.spec.containers), /"tcpSocket":\{"port":8080\}/);
});

test.run();

const { test: built, engines } = await engineSuite('kubectl kustomize', ['kubectl']);

built('builds, and another byte of a file rolls the pods', async () => {
  const names: string[] = [];
  for (const path of ['/api/v4/user', '/api/v4/users']) {
    const folder = await temporaryFolder();
    try {
      const text = specOf({}).replace('/api/v4/user]', `${path}]`);
      const { files = [] } = compile(text, { file: 'postern.yaml', read: () => undefined });
      for (const file of files) await folder.write(file.path, file.text);
      const { stdout } = await promisify(execFile)(engines.kubectl.path, ['kustomize', folder.path]);
      const objects = loadAll(stdout) as { kind: string; metadata: { name: string }; data?: object }[];
      assert.equal(objects.map(({ kind }) => kind).sort(), [
        'ConfigMap',
        'Deployment',
        'HorizontalPodAutoscaler',
        'NetworkPolicy',
        'PodDisruptionBudget',
        'Service',
      ]);
      const map = objects.find(({ kind }) => kind === 'ConfigMap');
      const own = files.filter((file) => file.path.startsWith('nginx/')).map((file) => file.path.slice(6));
      assert.equal(Object.keys(map?.data ?? {}).sort(), own.sort());
      const deployment = JSON.stringify(objects.find(({ kind }) => kind === 'Deployment'));
      assert.ok(deployment.includes(`"configMap":{"name":"${map?.metadata.name}"}`), deployment);
      names.push(map?.metadata.name ?? '');
    } finally {
      await folder.remove();
    }
  }
  assert.is.not(names[0], names[1]);
});
built.run();

const { test: pod, engines: own } = await engineSuite('engines as in a pod', ['nginx', 'caddy']);

for (const engine of ['nginx', 'caddy'] as const) {
  const name = `${engine} runs as anybody in a folder that it cannot write to, logs to its output, and ends when told to`;
  pod(name, async () => {
    const scope = openScope();
    try {
      const spec = specOf(engine === 'caddy' ? { caddy: CADDY } : {});
      const options = { spec, program: own[engine].path, port: await freePort(), values: new Map() };
      const { port, output, errors, folder, terminate } = await startPod(options, scope);
      const { status } = await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: 'close' } });
      assert.is(status, 200);
      await until(() => output().includes('\n'), errors);
      assert.is(JSON.parse(output().trim()).path, '/healthz');
      assert.is(await terminate(), 0);
      if (engine === 'nginx') assert.is(errors(), '');
      const ours = ['files', 'stderr', 'stdout', 'writable'];
      assert.equal(readdirSync(folder).sort(), ours, 'nothing is written anywhere else');
    } finally {
      await scope.close();
    }
  });
}

pod('a pod does not outlive a test that is killed', async () => {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const source = `
    import { startPod } from ${url('../../support/pods.ts')};
    import { specOf } from ${url('./specs.ts')};
    const options = { spec: specOf({}), program: ${JSON.stringify(own.nginx.path)}, port: ${await freePort()}, values: new Map() };
    const { process: master, folder } = await startPod(options, { defer() {} });
    console.log(JSON.stringify({ pid: master.pid, folder }));
    setInterval(() => {}, 1000);
  `;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    cwd: new URL('../../../', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout.setEncoding('utf8'), 'data');
  const { pid, folder }: { pid: number; folder: string } = JSON.parse(String(line));
  try {
    const isThere = () => existsSync(`/proc/${pid}`);
    assert.ok(isThere());
    owner.kill('SIGKILL');
    await until(
      () => !isThere(),
      () => `process ${pid} goes on`,
    );
  } finally {
    if (existsSync(`/proc/${pid}`)) process.kill(-pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
  }
});
pod.run();
