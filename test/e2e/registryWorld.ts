import type { TemporaryFolder } from '../../src/verify/folder.ts';
import type { Server } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import type { Certificate } from '../engines/certificate.ts';
import type { Engine } from '../engines/engine.ts';
import { mustRun } from '../engines/run.ts';
import { type Image, writeImage } from './image.ts';
import {
  GITLAB_PORT,
  REGISTRY_PORT,
  type SiteWorld,
  type SiteWorldOptions,
  siteWorldEngines,
  startSiteWorld,
} from './siteWorld.ts';

export const registryWorldEngines = [...siteWorldEngines, 'registry'] as const;
/** What GitLab takes. */
export const CREDENTIALS = 'deploy:let-me-in';

export interface RegistryWorldOptions extends SiteWorldOptions {
  readonly engines: Readonly<Record<(typeof registryWorldEngines)[number], Engine>>;
}

/** A request as GitLab saw it. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly host: string;
  readonly serverName: string;
}

/** A registry and the GitLab that lets people in, behind the sites. */
export interface RegistryWorld extends SiteWorld {
  readonly image: Image;
  seenByGitlab(): Seen[];
}

export async function startRegistryWorld(options: RegistryWorldOptions, scope: Scope): Promise<RegistryWorld> {
  const world = await startSiteWorld(options, scope);
  const { openssl, registry } = options.engines;
  const image = await writeImage(world.folder, 'image');
  const issuer = await issuerCertificate(openssl.path, world.folder);
  const signing = ['--issuerCert', issuer.certFile, '--issuerKey', issuer.keyFile];
  const gitlab = await world.startScript('gitlabServer.ts', [...signing, '--image', image.path], GITLAB_PORT);
  const config = await writeConfig(world, issuer);
  await world.start({ program: registry.path, args: ['serve', config], ready: REGISTRY_PORT });
  return { ...world, image, seenByGitlab: () => seen(gitlab) };
}

function seen(gitlab: Server): Seen[] {
  const lines = gitlab.output().split('\n');
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

/** What GitLab signs tokens with, and what the registry knows it by. */
async function issuerCertificate(openssl: string, folder: TemporaryFolder): Promise<Certificate> {
  const text = '[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = gitlab-issuer\n';
  const config = await folder.write('issuer.cnf', text);
  const [certFile, keyFile] = [`${folder.path}/issuer.pem`, `${folder.path}/issuer.key`];
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile];
  await mustRun(openssl, ['req', '-x509', '-config', config, ...key, '-days', '30', '-out', certFile]);
  return { certFile, keyFile };
}

function writeConfig({ folder, own }: SiteWorld, issuer: Certificate): Promise<string> {
  const realm = 'https://gitlab.example.com/jwt/auth';
  const token = { realm, service: 'container_registry', issuer: 'gitlab-issuer', rootcertbundle: issuer.certFile };
  const config = {
    version: 0.1,
    storage: { filesystem: { rootdirectory: `${folder.path}/registry` } },
    http: { addr: `127.0.0.1:${REGISTRY_PORT}`, tls: { certificate: own.certFile, key: own.keyFile } },
    auth: { token },
  };
  return folder.write('registry.yml', JSON.stringify(config));
}
