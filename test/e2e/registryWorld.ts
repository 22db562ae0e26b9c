import { chmod, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../../src/verify/engines.ts';
import { type TemporaryFolder, temporaryFolder } from '../../src/verify/folder.ts';
import { type Server, startServer } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { type Certificate, certificateFor } from '../engines/certificate.ts';
import type { Engine } from '../engines/engine.ts';
import { mustRun } from '../engines/run.ts';
import { type SiteEngine, writeGenerated } from './generated.ts';
import { type Image, writeImage } from './image.ts';
import { type Namespace, startNamespace } from './namespace.ts';

export const worldEngines = ['caddy', 'nginx', 'registry', 'openssl', 'namespaces', 'ip'] as const;
export const PRIVATE_GITLAB = 'gitlab.privatelink.example.com';
export const PRIVATE_REGISTRY = 'gitlab-registry.privatelink.example.com';
/** What GitLab takes. */
export const CREDENTIALS = 'deploy:let-me-in';

export interface WorldOptions {
  readonly engine: SiteEngine;
  readonly engines: Readonly<Record<(typeof worldEngines)[number], Engine>>;
  /** More of `targets`. */
  readonly targets?: object;
  /** Leaves out the lines of the Caddyfile that have this in them. */
  readonly without?: string;
}

/** A request as GitLab saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly host: string;
  readonly serverName: string;
}

/** A GitLab and its registry, whose names resolve for nobody, behind the sites generated for their private names. */
export interface RegistryWorld {
  readonly folder: TemporaryFolder;
  readonly namespace: Namespace;
  readonly generated: TemporaryFolder;
  readonly image: Image;
  /** For clients: they trust the certificate of the sites and no other. */
  readonly env: NodeJS.ProcessEnv;
  seenByGitlab(): Seen[];
}

export async function startRegistryWorld(options: WorldOptions, scope: Scope): Promise<RegistryWorld> {
  const { engine, engines, targets = {}, without } = options;
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  await chmod(folder.path, 0o755);
  const openssl = engines.openssl.path;
  const own = await certificateFor(['gitlab.example.com', 'registry.example.com'], openssl, folder);
  const site = await certificateFor([PRIVATE_GITLAB, PRIVATE_REGISTRY], openssl, folder);
  const programs = { unshare: engines.namespaces.path, ip: engines.ip.path };
  const namespace = await startNamespace({ ...programs, folder, hosts: [PRIVATE_GITLAB, PRIVATE_REGISTRY] }, scope);
  const image = await writeImage(folder, 'image');
  const issuer = await issuerCertificate(openssl, folder);
  const backend = { namespace, folder, image, program: engines.registry.path, own, issuer };
  const gitlab = await startGitlab(backend);
  scope.defer(() => gitlab.stop());
  const registry = await startRegistry(backend);
  scope.defer(() => registry.stop());
  const spec = specOf(own.certFile, { ...targets, [engine]: { sites: { listen: 443, tls: site } } });
  const generated = await writeGenerated(spec, {}, scope);
  if (without !== undefined) await leaveOut(without, `${generated.path}/caddy/Caddyfile`);
  const ready = () => namespace.listens(443);
  const program = await namespace.enter(engines[engine].path);
  const server = await startEngine(engine, { program, folder: generated.path, ready });
  scope.defer(() => server.stop());
  const env = { ...process.env, HOME: folder.path, TMPDIR: folder.path, SSL_CERT_FILE: site.certFile };
  return { folder, namespace, generated, image, env, seenByGitlab: () => seen(gitlab) };
}

async function leaveOut(part: string, file: string): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, lines.filter((line) => !line.includes(part)).join('\n'));
}

function specOf(caFile: string, targets: object): object {
  return {
    upstreams: {
      gitlab: { url: 'https://gitlab.example.com', servers: ['127.0.0.1:8929'], tls: { caFile } },
      registry: { url: 'https://registry.example.com', servers: ['127.0.0.1:5000'], tls: { caFile } },
    },
    domainRewrites: [
      { from: 'gitlab.example.com', to: PRIVATE_GITLAB, upstream: 'gitlab' },
      { from: 'registry.example.com', to: PRIVATE_REGISTRY, upstream: 'registry', containerRegistry: true },
    ],
    targets,
  };
}

function seen(gitlab: Server): Seen[] {
  return gitlab
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/** What GitLab signs tokens with, and what the registry knows it by. */
async function issuerCertificate(openssl: string, folder: TemporaryFolder): Promise<Certificate> {
  const config = await folder.write(
    'issuer.cnf',
    '[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = gitlab-issuer\n',
  );
  const [certFile, keyFile] = [`${folder.path}/issuer.pem`, `${folder.path}/issuer.key`];
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile];
  await mustRun(openssl, ['req', '-x509', '-config', config, ...key, '-days', '30', '-out', certFile]);
  return { certFile, keyFile };
}

interface Backend {
  readonly namespace: Namespace;
  readonly folder: TemporaryFolder;
  readonly image: Image;
  readonly program: string;
  readonly own: Certificate;
  readonly issuer: Certificate;
}

async function startGitlab({ namespace, folder, image, own, issuer }: Backend): Promise<Server> {
  const script = fileURLToPath(new URL('gitlabServer.ts', import.meta.url));
  const tls = ['--cert', own.certFile, '--key', own.keyFile];
  const signing = ['--issuerCert', issuer.certFile, '--issuerKey', issuer.keyFile];
  return startServer({
    command: await namespace.enter(process.execPath),
    args: ['--import', import.meta.resolve('tsx'), script, '--port', '8929', ...tls, ...signing, '--image', image.path],
    cwd: folder.path,
    ready: () => namespace.listens(8929),
  });
}

async function startRegistry({ namespace, folder, program, own, issuer }: Backend): Promise<Server> {
  const realm = 'https://gitlab.example.com/jwt/auth';
  const token = { realm, service: 'container_registry', issuer: 'gitlab-issuer', rootcertbundle: issuer.certFile };
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: `${folder.path}/registry` } },
    http: { addr: '127.0.0.1:5000', tls: { certificate: own.certFile, key: own.keyFile } },
    auth: { token },
  };
  const file = await folder.write('registry.yml', JSON.stringify(config));
  return startServer({
    command: await namespace.enter(program),
    args: ['serve', file],
    cwd: folder.path,
    ready: () => namespace.listens(5000),
  });
}
