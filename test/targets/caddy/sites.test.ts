import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePorts } from '../../../src/verify/ports.ts';
import { openConnection, type RawResponse } from '../../../src/verify/raw.ts';
import { type Recorded, startRecorder } from '../../../src/verify/recorder.ts';
import { certificateFor } from '../../engines/certificate.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { GITLAB, REGISTRY, SITE_NAMES, SPOOFED } from '../../support/sites.ts';
import { runCaddy } from './engine.ts';

const { test, engines } = await engineSuite('caddy: sites of domain rewrites', ['caddy', 'openssl']);

const ANSWER: readonly (readonly [string, string])[] = [
  ['Www-Authenticate', 'Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"'],
  ['Location', 'https://registry.example.com:443/v2/x/blobs/uploads/1?state=https%3A%2F%2Fgitlab.example.com'],
  ['Link', '<https://gitlab.example.com/api?page=2>; rel="next", <https://gitlab.example.com.evil/x>; rel="other"'],
  ['Set-Cookie', 'session=1; path=/; domain=.gitlab.example.com; secure'],
  ['Access-Control-Allow-Origin', 'https://gitlab.example.com'],
  [
    'Content-Security-Policy',
    "connect-src 'self' wss://gitlab.example.com https://registry.example.com; img-src https://gitlabxexample.com",
  ],
  ['Via', '1.0 x'],
];

interface Sites {
  readonly requests: () => readonly Recorded[];
  /** Ends Caddy, which has written every line then. */
  log(): Promise<string>;
  ask(name: string, fields?: readonly string[], host?: string): Promise<RawResponse>;
}

const withSites = (tls: 'internal' | 'off' | 'inFront' | 'files', work: (sites: Sites) => Promise<void>) =>
  scoped(async (scope) => {
    const [port = 0] = await freePorts(1);
    const folder = await temporaryFolder();
    scope.defer(() => folder.remove());
    const { certFile, keyFile } = await certificateFor(SITE_NAMES, engines.openssl.path, folder);
    const upstream = await startRecorder({
      tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') },
      answer: { fields: ANSWER },
    });
    scope.defer(() => upstream.close());
    const behind = { servers: [`127.0.0.1:${upstream.port}`], tls: { caFile: certFile } };
    const policy = policyOf({
      upstreams: {
        gitlab: { url: 'https://gitlab.example.com', ...behind },
        registry: { url: 'https://registry.example.com', ...behind },
      },
      domainRewrites: [
        { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com', upstream: 'gitlab' },
        {
          from: 'registry.example.com',
          to: 'gitlab-registry.privatelink.example.com',
          upstream: 'registry',
          containerRegistry: true,
        },
      ],
    });
    const options = { sites: { listen: port, tls: tls === 'files' ? { certFile, keyFile } : tls } };
    const isPlain = tls === 'off' || tls === 'inFront';
    // Caddy listens before its own CA has made the certificates.
    const ready = async () =>
      isPlain || (await Promise.all(SITE_NAMES.map((name) => handshakes(port, name)))).every(Boolean);
    const running = await runCaddy({ policy, options, program: engines.caddy.path, ports: [port], ready }, scope);
    await work({
      requests: () => upstream.take(),
      async log() {
        await running.server.stop();
        return readFileSync(join(running.folder, 'caddy/access.log'), 'utf8');
      },
      async ask(name, fields = [], host = `${name}:${port}`) {
        const connection = await openConnection({ port, ...(isPlain ? {} : { tls: { serverName: name } }) });
        try {
          return await connection.send(
            ['GET /v2/?ns=registry.example.com HTTP/1.1', `Host: ${host}`, ...fields].join('\r\n').concat('\r\n\r\n'),
          );
        } finally {
          connection.close();
        }
      },
    });
  });

async function handshakes(port: number, serverName: string): Promise<boolean> {
  try {
    (await openConnection({ port, tls: { serverName } })).close();
    return true;
  } catch {
    return false;
  }
}

for (const tls of ['internal', 'files', 'off', 'inFront'] as const) {
  const check = async ({ ask, requests, log }: Sites) => {
    const response = await ask(REGISTRY, [
      `Origin: https://${GITLAB}`,
      `Referer: https://${GITLAB}:8443/a?b`,
      'Authorization: Bearer x',
      ...SPOOFED.map((name) => `${name}: 192.0.2.1`),
    ]);
    assert.is(response.status, 200);
    checkRequest(requests()[0]);
    const scheme = tls === 'off' ? 'http' : 'https';
    checkAnswer(response, scheme);
    // The port is the one that the client says, whatever the one that Caddy listens on.
    const known = await ask(GITLAB, [], GITLAB);
    assert.is(known.status, 200);
    assert.ok(known.field('location')?.startsWith(`${scheme}://${REGISTRY}/v2/`), known.field('location'));
    assert.is(requests().at(-1)?.serverName, 'gitlab.example.com');
    // By rewritten DNS a client comes here and still says the name that it knows, which is what it gets back.
    const byPublicName = await ask('gitlab.example.com', ['Origin: https://gitlab.example.com']);
    assert.is(byPublicName.status, 200);
    assert.is(requests()[0]?.field('origin'), 'https://gitlab.example.com');
    for (const [name, value] of ANSWER) if (name !== 'Via') assert.is(byPublicName.field(name), value);
    assert.is((await ask(GITLAB, ['X-Postern-Site: other'])).status, 200);
    assert.is(
      requests()[0]
        ?.head.match(/^X-Postern-Site: .*$/gim)
        ?.join(),
      'X-Postern-Site: other,X-Postern-Site: test',
    );
    assert.is((await ask(GITLAB, ['X-Postern-Site: other', 'X-Postern-Site: test'])).status, 508);
    const misdirected = await ask(GITLAB, [], 'other.example.com');
    assert.is(misdirected.status, 421);
    assert.is(JSON.parse(misdirected.text()).status, 421);
    assert.equal(requests(), []);
    const lines = (await log()).trim().split('\n');
    const decisions = lines.map((line) => JSON.parse(line));
    assert.equal(decisions.map(({ route, path, status }) => `${status} ${route} ${path}`).sort(), [
      '200 gitlab.example.com /v2/',
      '200 gitlab.example.com /v2/',
      '200 gitlab.example.com /v2/',
      '200 registry.example.com /v2/',
      '421  /v2/',
      '508 gitlab.example.com /v2/',
    ]);
  };
  test(`tls ${tls}: the upstream sees its own name, the client the one that it asked for`, withSites(tls, check));
}

/** The upstream is always spoken to over TLS, whatever the client speaks. */
function checkRequest(request: Recorded | undefined): void {
  assert.is(request?.target, '/v2/?ns=registry.example.com');
  assert.is(request?.serverName, 'registry.example.com');
  const expected = {
    host: 'registry.example.com',
    origin: 'https://gitlab.example.com',
    referer: 'https://gitlab.example.com/a?b',
    authorization: 'Bearer x',
    'x-forwarded-host': 'registry.example.com',
    'x-forwarded-proto': 'https',
    via: undefined,
  };
  for (const [name, value] of Object.entries(expected)) assert.is(request?.field(name), value, name);
  for (const name of SPOOFED) assert.not.match(request?.field(name) ?? '', '192.0.2.1', name);
}

function checkAnswer(response: RawResponse, scheme: string): void {
  const port = /:(\d+)$/.exec(response.field('access-control-allow-origin') ?? '')?.[1];
  const gitlab = `${scheme}://${GITLAB}:${port}`;
  const registry = `${scheme}://${REGISTRY}:${port}`;
  const socket = gitlab.replace('http', 'ws');
  const expected = {
    'www-authenticate': `Bearer realm="${gitlab}/jwt/auth",service="container_registry"`,
    location: `${registry}/v2/x/blobs/uploads/1?state=https%3A%2F%2Fgitlab.example.com`,
    link: `<${gitlab}/api?page=2>; rel="next", <https://gitlab.example.com.evil/x>; rel="other"`,
    'set-cookie': `session=1; path=/; domain=${GITLAB}; secure`,
    'access-control-allow-origin': gitlab,
    'content-security-policy': `connect-src 'self' ${socket} ${registry}; img-src https://gitlabxexample.com`,
    via: undefined,
  };
  for (const [name, value] of Object.entries(expected)) assert.is(response.field(name), value, name);
}

test.run();
