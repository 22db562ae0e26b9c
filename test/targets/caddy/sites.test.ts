import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePorts } from '../../../src/verify/ports.ts';
import { openConnection, type RawResponse } from '../../../src/verify/raw.ts';
import { type Recorded, startRecorder } from '../../../src/verify/recorder.ts';
import { openScope } from '../../../src/verify/scope.ts';
import { certificateFor } from '../../engines/certificate.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { runCaddy, scoped } from './engine.ts';

const { test, engines } = await engineSuite('caddy: sites of domain rewrites', ['caddy', 'openssl']);

const ANSWER: readonly (readonly [string, string])[] = [
  ['Www-Authenticate', 'Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"'],
  ['Location', 'https://registry.example.com:443/v2/x/blobs/uploads/1?state=https%3A%2F%2Fgitlab.example.com'],
  ['Link', '<https://gitlab.example.com/api?page=2>; rel="next", <https://gitlab.example.com.evil/x>; rel="other"'],
  ['Set-Cookie', 'session=1; path=/; domain=.gitlab.example.com; secure'],
  ['Access-Control-Allow-Origin', 'https://gitlab.example.com'],
  ['Content-Security-Policy', "connect-src 'self' wss://gitlab.example.com https://registry.example.com; img-src https://gitlabxexample.com"],
  ['Via', '1.0 x'],
];

interface Sites {
  readonly requests: () => readonly Recorded[];
  readonly folder: string;
  ask(name: string, fields?: readonly string[], host?: string): Promise<RawResponse>;
}

const withSites = (tls: 'internal' | 'off' | 'files', work: (sites: Sites) => Promise<void>) =>
  scoped(async (scope) => {
    const [port = 0] = await freePorts(1);
    const folder = await temporaryFolder();
    scope.defer(() => folder.remove());
    const names = ['gitlab.example.com', 'registry.example.com', 'gitlab.privatelink.example.com', 'gitlab-registry.privatelink.example.com'];
    const { certFile, keyFile } = await certificateFor(names, engines.openssl.path, folder);
    const upstream = await startRecorder({ tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }, answer: { fields: ANSWER } });
    scope.defer(() => upstream.close());
    const behind = { servers: [`127.0.0.1:${upstream.port}`], tls: { caFile: certFile } };
    const policy = policyOf({
      upstreams: { gitlab: { url: 'https://gitlab.example.com', ...behind }, registry: { url: 'https://registry.example.com', ...behind } },
      domainRewrites: [
        { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com', upstream: 'gitlab' },
        { from: 'registry.example.com', to: 'gitlab-registry.privatelink.example.com', upstream: 'registry', containerRegistry: true },
      ],
    });
    const options = { sites: { listen: port, tls: tls === 'files' ? { certFile, keyFile } : tls } };
    // Caddy listens before its own CA has made the certificates.
    const ready = async () => tls === 'off' || (await Promise.all(names.slice(2).map((name) => handshakes(port, name)))).every(Boolean);
    const running = await runCaddy({ policy, options, program: engines.caddy.path, ports: [port], ready }, scope);
    await work({
      requests: () => upstream.take(),
      folder: running.folder,
      async ask(name, fields = [], host = name) {
        const connection = await openConnection({ port, ...(tls === 'off' ? {} : { tls: { serverName: name } }) });
        try {
          return await connection.send(['GET /v2/?ns=registry.example.com HTTP/1.1', `Host: ${host}:${port}`, ...fields].join('\r\n').concat('\r\n\r\n'));
        } finally {
          connection.close();
        }
      },
    });
  }, openScope);

async function handshakes(port: number, serverName: string): Promise<boolean> {
  try {
    (await openConnection({ port, tls: { serverName } })).close();
    return true;
  } catch {
    return false;
  }
}

for (const tls of ['internal', 'files', 'off'] as const) {
  test(`tls ${tls}: the upstream sees its own name, the client only private ones`, withSites(tls, async ({ ask, requests, folder }) => {
    const response = await ask('gitlab-registry.privatelink.example.com', ['Origin: https://gitlab.privatelink.example.com', 'Referer: https://gitlab.privatelink.example.com:8443/a?b', 'Authorization: Bearer x']);
    assert.is(response.status, 200);
    const [request] = requests();
    assert.is(request?.target, '/v2/?ns=registry.example.com');
    assert.is(request?.serverName, 'registry.example.com');
    const upstream = ['host', 'origin', 'referer', 'authorization', 'x-forwarded-host', 'x-forwarded-proto', 'via'].map((name) => request?.field(name));
    assert.equal(upstream, ['registry.example.com', 'https://gitlab.example.com', 'https://gitlab.example.com/a?b', 'Bearer x', 'registry.example.com', 'https', undefined]);
    const scheme = tls === 'off' ? 'http' : 'https';
    const port = /:(\d+)/.exec(response.field('access-control-allow-origin') ?? '')?.[1];
    const at = (name: string) => `${scheme}://${name}.privatelink.example.com:${port}`;
    assert.is(response.field('www-authenticate'), `Bearer realm="${at('gitlab')}/jwt/auth",service="container_registry"`);
    assert.is(response.field('location'), `${at('gitlab-registry')}/v2/x/blobs/uploads/1?state=https%3A%2F%2Fgitlab.example.com`);
    assert.is(response.field('link'), `<${at('gitlab')}/api?page=2>; rel="next", <https://gitlab.example.com.evil/x>; rel="other"`);
    assert.is(response.field('set-cookie'), 'session=1; path=/; domain=gitlab.privatelink.example.com; secure');
    assert.is(response.field('content-security-policy'), `connect-src 'self' ${at('gitlab').replace('http', 'ws')} ${at('gitlab-registry')}; img-src https://gitlabxexample.com`);
    assert.is(response.field('via'), undefined);
    assert.is((await ask('gitlab.privatelink.example.com')).status, 200);
    assert.is(requests()[0]?.serverName, 'gitlab.example.com');
    const misdirected = await ask('gitlab.privatelink.example.com', [], 'gitlab.example.com');
    assert.is(misdirected.status, 421);
    assert.is(JSON.parse(misdirected.text()).status, 421);
    assert.equal(requests(), []);
    const log = readFileSync(join(folder, 'caddy/access.log'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    assert.equal(log.map(({ route, path, status }) => `${status} ${route} ${path}`), ['200 registry.example.com /v2/', '200 gitlab.example.com /v2/', '421  /v2/']);
  }));
}

test.run();
