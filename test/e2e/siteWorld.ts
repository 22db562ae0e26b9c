import { chmod, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../src/verify/engines.ts';
import { type TemporaryFolder, temporaryFolder } from '../../src/verify/folder.ts';
import { type Ready, type Server, startServer } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { type Certificate, certificateFor } from '../engines/certificate.ts';
import type { Engine } from '../engines/engine.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { exampleSpec } from './exampleSpec.ts';
import { type SiteEngine, siteEngines, targetOf, writeGenerated } from './generated.ts';
import { startNamespace } from './namespace.ts';

export const siteWorldEngines = [...siteEngines, 'openssl', 'namespaces', 'ip'] as const;
export const PRIVATE_GITLAB = 'gitlab.privatelink.example.com';
export const PRIVATE_REGISTRY = 'gitlab-registry.privatelink.example.com';
const PUBLIC = ['gitlab.example.com', 'registry.example.com'];
const PRIVATE = [PRIVATE_GITLAB, PRIVATE_REGISTRY];
/** Where the sites find what stands behind them. */
export const GITLAB_PORT = 8929;
export const REGISTRY_PORT = 5000;

export interface SiteWorldOptions {
  readonly engine: SiteEngine;
  readonly engines: Readonly<Record<(typeof siteWorldEngines)[number], Engine>>;
  /** More of `targets`, for nodes that trust this file. */
  readonly targets?: (caFile: string) => object;
  /** The whole spec, in place of the example with both sites. */
  readonly spec?: (own: Certificate, site: Certificate) => object;
  /** Names that resolve without asking anybody; the private ones where absent. */
  readonly hosts?: readonly string[];
  /** Changes a generated file, to show what a part of it is for. */
  readonly edit?: Edit;
}

export interface Edit {
  readonly file: string;
  readonly by: (text: string) => string;
}

export interface InsideOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** A port that it listens on once it is ready, or another sign of it. */
  readonly ready: number | Ready;
}

/** The sites generated for two private names, in a network where the public names behind them resolve for nobody. */
export interface SiteWorld {
  readonly folder: TemporaryFolder;
  readonly generated: TemporaryFolder;
  readonly site: Server;
  /** The certificate of GitLab and its registry, which the sites trust. */
  readonly own: Certificate;
  /** For clients: they trust the certificate of the sites and no other. */
  readonly env: NodeJS.ProcessEnv;
  /** A program that is this one, run in that network. */
  enter(program: string): Promise<string>;
  /** Starts a server there. */
  start(options: InsideOptions): Promise<Server>;
  /** Starts a TypeScript program of these tests there. */
  startScript(name: string, args: readonly string[], port: number): Promise<Server>;
}

export async function startSiteWorld(options: SiteWorldOptions, scope: Scope): Promise<SiteWorld> {
  const { engine, engines, targets = () => ({}), hosts = PRIVATE, edit } = options;
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  await chmod(folder.path, 0o755);
  const own = await certificateFor(PUBLIC, engines.openssl.path, folder);
  const site = await certificateFor([...PRIVATE, ...PUBLIC], engines.openssl.path, folder);
  const programs = { unshare: engines.namespaces.path, ip: engines.ip.path };
  const namespace = await startNamespace({ ...programs, folder, hosts }, scope);
  const target = targetOf(engine);
  const both = () => specOf(own.certFile, { ...targets(site.certFile), [target]: { sites: { tls: site } } });
  const generated = await writeGenerated((options.spec ?? both)(own, site), {}, scope);
  if (edit) await change(`${generated.path}/${edit.file}`, edit.by);
  const program = await namespace.enter(engines[engine].path);
  const ready = () => namespace.listens(443);
  const server = await startEngine(proxyTarget(target), { program, folder: generated.path, ready });
  scope.defer(() => server.stop());
  const start = async ({ program, args, ready: sign }: InsideOptions) => {
    const command = await namespace.enter(program);
    const ready = typeof sign === 'number' ? () => namespace.listens(sign) : sign;
    const started = await startServer({ command, args, cwd: folder.path, ready });
    scope.defer(() => started.stop());
    return started;
  };
  return {
    folder,
    generated,
    site: server,
    own,
    env: { ...process.env, HOME: folder.path, TMPDIR: folder.path, SSL_CERT_FILE: site.certFile },
    enter: namespace.enter,
    start,
    startScript: (name, args, port) => {
      const script = fileURLToPath(new URL(name, import.meta.url));
      const tls = ['--port', String(port), '--cert', own.certFile, '--key', own.keyFile];
      const all = ['--import', import.meta.resolve('tsx'), script, ...tls, ...args];
      return start({ program: process.execPath, args: all, ready: port });
    },
  };
}

async function change(file: string, edit: (text: string) => string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const edited = edit(text);
  if (edited === text) throw new Error(`nothing to change in ${file}`);
  await writeFile(file, edited);
}

/** The example, with what it needs of this machine. */
function specOf(caFile: string, targets: Readonly<Record<string, object>>): object {
  const spec = exampleSpec('privatelink');
  const at = (port: number) => ({ servers: [`127.0.0.1:${port}`], tls: { caFile } });
  const gitlab = { ...spec.upstreams['gitlab'], ...at(GITLAB_PORT) };
  const registry = { ...spec.upstreams['registry'], ...at(REGISTRY_PORT) };
  return { ...spec, upstreams: { gitlab, registry }, targets };
}
