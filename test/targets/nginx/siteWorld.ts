import { readFile } from 'node:fs/promises';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { openConnection, type RawResponse } from '../../../src/verify/raw.ts';
import { type Recorder, type RecorderOptions, startRecorder } from '../../../src/verify/recorder.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { certificateFor } from '../../engines/certificate.ts';
import type { Engine } from '../../engines/engine.ts';
import { policyOf } from '../../support/policy.ts';
import { GITLAB, REGISTRY, SITE_NAMES } from '../../support/sites.ts';
import { type Running, runNginx } from './engine.ts';

export interface World extends Running {
  readonly upstream: Recorder;
  readonly port: number;
  /** `host` is what the client says; the name with the port where absent. */
  ask(name: string, fields?: readonly string[], host?: string): Promise<RawResponse>;
}

export interface WorldOptions {
  readonly nginx: Engine;
  readonly openssl: Engine;
  readonly secure: boolean | 'inFront';
  readonly answer?: RecorderOptions['answer'];
  /** Origin of GitLab as the spec has it. */
  readonly url?: string;
  readonly rewrites?: readonly object[];
  /** How the sites verify what is behind them; by its own certificate where absent. */
  readonly tls?: object;
  readonly apiKeys?: object;
}

/** Sites of nginx for two private names, with one server behind both that writes down what it is sent. */
export async function startSites(options: WorldOptions, scope: Scope): Promise<World> {
  const {
    nginx,
    openssl,
    secure,
    answer = {},
    url = 'https://gitlab.example.com',
    rewrites = [],
    apiKeys = {},
  } = options;
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  const { certFile, keyFile } = await certificateFor(SITE_NAMES, openssl.path, folder);
  const tls = { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
  const upstream = await startRecorder({ tls, answer });
  scope.defer(() => upstream.close());
  const port = await freePort();
  const behind = { servers: [`127.0.0.1:${upstream.port}`], tls: options.tls ?? { caFile: certFile } };
  const policy = policyOf({
    upstreams: {
      gitlab: { url, ...behind },
      registry: { url: 'https://registry.example.com', ...behind },
    },
    apiKeys,
    domainRewrites: [
      { from: 'gitlab.example.com', to: GITLAB, upstream: 'gitlab' },
      { from: 'registry.example.com', to: REGISTRY, upstream: 'registry', containerRegistry: true },
      ...rewrites,
    ],
  });
  const sites = {
    sites: { listen: port, tls: secure === true ? { certFile, keyFile } : secure || 'off' },
    workerProcesses: 1,
  };
  const running = await runNginx({ policy, options: sites, program: nginx.path, ports: [port] }, scope);
  const ask = async (serverName: string, fields: readonly string[] = [], host = `${serverName}:${port}`) => {
    const connection = await openConnection({ port, ...(secure === true ? { tls: { serverName } } : {}) });
    try {
      const lines = ['GET /v2/?ns=registry.example.com HTTP/1.1', `Host: ${host}`, ...fields, '', ''];
      return await connection.send(lines.join('\r\n'));
    } finally {
      connection.close();
    }
  };
  return { ...running, upstream, port, ask };
}
