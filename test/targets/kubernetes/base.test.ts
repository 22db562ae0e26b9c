import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { loadAll } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePorts } from '../../../src/verify/ports.ts';
import { accepts } from '../../../src/verify/process.ts';
import { engineSuite } from '../../engines/suite.ts';
import { IMAGE, type Parts, specOf } from './specs.ts';

/** Asks until the answer is yes, and gives up after ten seconds with what is known by then. */
async function until(question: () => Promise<boolean>, known: () => string): Promise<void> {
  for (const end = performance.now() + 10_000; !(await question()); await delay(20))
    if (performance.now() > end) throw new Error(`waited in vain: ${known()}`);
}

function made(parts: Parts) {
  const { files = [], diagnostics } = compile(specOf(parts), { file: 'postern.yaml', read: () => undefined });
  const object = (path: string, kind: string) => {
    const text = files.find((file) => file.path === path)?.text ?? '';
    return loadAll(text).find((one) => (one as { kind?: string } | null)?.kind === kind) as never;
  };
  return { files, object, problems: diagnostics.map(({ code }) => code) };
}

const test = suite('kubernetes');

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
  [{ name: '1access' }, 'kubernetes/bad-name'],
  [{ options: 'provider: eks' }, 'spec/missing-key'],
];
for (const [parts, code] of REFUSED) {
  test(`refused: ${JSON.stringify(parts)}`, () => assert.equal(made(parts).problems, [code]));
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

test('a rate counts for each pod, which is said', () => {
  const parts = { rate: ', rateLimit: 10/s' };
  assert.equal(made(parts).problems, ['kubernetes/rate-per-pod']);
  assert.equal(made({ ...parts, options: 'clientAddress: cluster, replicas: { min: 1, max: 1 }' }).problems, []);
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

const { test: pod, engines: own } = await engineSuite('nginx as in a pod', ['nginx']);

pod(
  'runs as anybody in a folder that it cannot write to, logs to its output, and ends when it is told to',
  async () => {
    const [port = 0] = await freePorts(1);
    const folder = await temporaryFolder();
    const writable = join(folder.path, 'writable');
    const pidFile = join(writable, 'nginx.pid');
    // Not its shell, which would leave it behind.
    const stop = (signal: 'SIGQUIT' | 'SIGKILL') => {
      if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), signal);
    };
    try {
      await chmod(folder.path, 0o755);
      await mkdir(writable);
      await chmod(writable, 0o777);
      const spec = specOf({ port, nginx: `{ writable: ${writable}, accessLog: stdout }` });
      const text = spec.replace(/ {2}kubernetes: .*\n/, '');
      const { files = [] } = compile(text, { file: 'postern.yaml', read: () => undefined });
      for (const file of files) await folder.write(file.path, file.text);
      const base = join(folder.path, 'nginx');
      await chmod(base, 0o555);
      const args = ['-e', 'stderr', '-p', `${base}/`, '-c', 'nginx.conf', '-g', 'daemon off;'];
      const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
      // What a container runtime gives is a pipe, and what node gives is a socket, which nobody can open by its name.
      const line = 'program=$1; shift; "$program" "$@" | cat';
      const shell = spawn('/bin/sh', ['-c', line, 'sh', own.nginx.path, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...nobody,
      });
      let [output, errors] = ['', ''];
      shell.stdout.on('data', (data: Buffer) => {
        output += data.toString();
      });
      shell.stderr.on('data', (data: Buffer) => {
        errors += data.toString();
      });
      await until(
        () => accepts(port),
        () => errors,
      );
      const { status } = await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { connection: 'close' } });
      assert.is(status, 200);
      await until(
        () => Promise.resolve(output.includes('\n')),
        () => errors,
      );
      assert.is(JSON.parse(output.trim()).path, '/healthz');
      stop('SIGQUIT');
      await until(
        () => Promise.resolve(shell.exitCode !== null),
        () => errors,
      );
      assert.is(errors, '');
    } finally {
      stop('SIGKILL');
      await folder.remove();
    }
  },
);
pod.run();
