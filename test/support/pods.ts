import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, openSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { load } from 'js-yaml';
import { compile } from '../../src/compile.ts';
import { memberOf } from '../../src/source/value.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { accepts, guardGroup } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';

/** The Deployment of a spec, as a machine without Kubernetes can run it. */
interface Deployment {
  readonly engine: 'nginx' | 'caddy';
  readonly container: unknown;
  /** What is mounted at /etc/postern, by path. */
  readonly mounted: ReadonlyMap<string, string>;
}

/** A pod on this machine: the command, the user and the files of the Deployment, and one folder to write to. */
export interface Pod {
  readonly port: number;
  readonly process: ChildProcess;
  /** Holds all that belongs to the pod. */
  readonly folder: string;
  readonly writable: string;
  /** The configuration, for a reload. */
  readonly config: string;
  output(): string;
  errors(): string;
  /** Puts other files in the place of the mounted ones, all at once, as the kubelet does. */
  mount(spec: string): Promise<void>;
  /** What the kubelet does with a pod that is taken away, with a shorter pause; gives the status of the program. */
  terminate(): Promise<number | null>;
}

/** The user of the Deployment, where this process may become it. */
const USER = process.getuid?.() === 0 ? { uid: 10_101, gid: 10_101 } : {};

function deploymentOf(spec: string, values: ReadonlyMap<string, string>): Deployment {
  const { files, policy, diagnostics } = compile(spec, { file: 'postern.yaml', read: () => undefined });
  const manifest = files?.find(({ path }) => path === 'kubernetes/deployment.yaml');
  if (!files || !policy || !manifest) throw new Error(JSON.stringify(diagnostics));
  const pod = memberOf(memberOf(memberOf(load(manifest.text), 'spec'), 'template'), 'spec');
  const container = memberOf(memberOf(pod, 'containers'), '0');
  const engine = memberOf(container, 'name') === 'caddy' ? 'caddy' : 'nginx';
  const secrets = proxyTarget(engine).secrets?.({ policy, values }).value ?? [];
  const own = [...files, ...secrets].filter(({ path }) => path.startsWith(`${engine}/`));
  return {
    engine,
    container,
    mounted: new Map(own.map(({ path, text }) => [path.slice(engine.length + 1), text])),
  };
}

export interface PodOptions {
  readonly spec: string;
  readonly program: string;
  readonly port: number;
  /** Of secrets, by reference. */
  readonly values: ReadonlyMap<string, string>;
}

export async function startPod({ spec, program, port, values }: PodOptions, scope: Scope): Promise<Pod> {
  const { path: folder, remove } = await temporaryFolder();
  scope.defer(remove);
  const [mountPath, writable] = [join(folder, 'files'), join(folder, 'writable')];
  await chmod(folder, 0o755);
  for (const path of [mountPath, writable]) await mkdir(path);
  await chmod(writable, 0o777);
  const local = (text: string) =>
    text
      .replaceAll('/run/postern', writable)
      .replaceAll('/etc/postern', mountPath)
      .replaceAll('0.0.0.0', '127.0.0.1')
      .replace(/\blisten 8080/g, 'listen 127.0.0.1:8080')
      .replaceAll(':8080', `:${port}`);
  let version = 0;
  const mount = async (text: string) => {
    const { mounted } = deploymentOf(text, values);
    version += 1;
    await project(mountPath, version, new Map([...mounted].map(([name, file]) => [name, local(file)])));
  };
  await mount(spec);
  const { container } = deploymentOf(spec, values);
  const [, ...args] = wordsOf(memberOf(container, 'command')).map(local);
  const env = envOf(container, local);
  const [output, errors] = ['stdout', 'stderr'].map((name) => join(folder, name)) as [string, string];
  const stdio = [output, errors].map((path) => openSync(path, 'a'));
  // What a container runtime gives is a pipe, which the user of the container may open by its name.
  for (const path of [output, errors]) chmodSync(path, 0o666);
  const child = spawn(program, args, { env, cwd: '/', stdio: ['ignore', ...stdio], detached: true, ...USER });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const guard = guardGroup(child.pid ?? 0);
  scope.defer(async () => {
    // Workers outlive a master that is killed.
    endGroup(child.pid ?? 0);
    guard.disarm();
    await ended;
  });
  const text = (path: string) => readFileSync(path, 'utf8');
  await until(
    () => accepts(port),
    () => text(errors),
  );
  return {
    port,
    process: child,
    folder,
    writable,
    config: join(mountPath, 'Caddyfile'),
    output: () => text(output),
    errors: () => text(errors),
    mount,
    terminate: async () => {
      const [command = '', ...rest] = preStopOf(container, child.pid ?? 0);
      const hook = spawn(command, rest, { stdio: 'ignore' });
      await new Promise((resolve) => hook.once('exit', resolve));
      child.kill('SIGTERM');
      return ended;
    },
  };
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** A projected volume: links to a folder that is replaced whole. The files can only be read. */
async function project(mountPath: string, version: number, files: ReadonlyMap<string, string>): Promise<void> {
  const data = join(mountPath, `..${version}`);
  for (const [name, text] of files) {
    await mkdir(dirname(join(data, name)), { recursive: true });
    await writeFile(join(data, name), text);
    await chmod(join(data, name), 0o444);
  }
  await symlink(`..${version}`, join(mountPath, '..next'));
  await rename(join(mountPath, '..next'), join(mountPath, '..data'));
  for (const top of new Set([...files.keys()].map((name) => name.split('/')[0] ?? ''))) {
    await rm(join(mountPath, top), { force: true });
    await symlink(join('..data', top), join(mountPath, top));
  }
}

/** The command that comes before SIGTERM, for this process in the place of the first of a container. */
function preStopOf(container: unknown, pid: number): string[] {
  const command = memberOf(memberOf(memberOf(memberOf(container, 'lifecycle'), 'preStop'), 'exec'), 'command');
  return wordsOf(command).map((word) =>
    word
      .replace(/^10$/, '0.3')
      .replace('sleep 10', 'sleep 0.3')
      .replace('sleep 1;', 'sleep 0.1;')
      .replace(/(kill -\w+) 1\b/g, `$1 ${pid}`),
  );
}

function envOf(container: unknown, local: (text: string) => string): NodeJS.ProcessEnv {
  const entries = memberOf(container, 'env');
  if (!Array.isArray(entries)) return {};
  return Object.fromEntries(
    entries.flatMap((entry) => {
      const value = memberOf(entry, 'value');
      return typeof value === 'string' ? [[String(memberOf(entry, 'name')), local(value)]] : [];
    }),
  );
}

function wordsOf(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

/** Asks until the answer is yes, and gives up after 15 seconds with what is known by then. */
export async function until(question: () => boolean | Promise<boolean>, known: () => string): Promise<void> {
  for (const end = performance.now() + 15_000; !(await question()); await delay(20))
    if (performance.now() > end) throw new Error(`waited in vain: ${known()}`);
}
