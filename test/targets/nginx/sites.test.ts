import * as assert from 'uvu/assert';
import { openConnection } from '../../../src/verify/raw.ts';
import { engineSuite } from '../../engines/suite.ts';
import { assertError } from '../../support/errors.ts';
import { scoped } from '../../support/scoped.ts';
import { GITLAB, REGISTRY, SPOOFED } from '../../support/sites.ts';
import { startSites } from './siteWorld.ts';

const { test, engines } = await engineSuite('nginx: sites of domain rewrites', ['nginx', 'nginx-newest', 'openssl']);

/** A name that the certificate of the upstream does not cover. */
const OTHER = { from: 'other.example.com', to: 'other.private.example.com', upstream: 'gitlab' };

const ANSWER: readonly (readonly [string, string])[] = [
  ['Www-Authenticate', 'Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"'],
  ['Location', 'HTTPS://Registry.example.com:443/v2/x/blobs/1?state=https%3A%2F%2Fgitlab.example.com'],
  ['Link', '<https://gitlab.example.com/api?page=2>; rel="next", <https://gitlab.example.com.evil/x>; rel="other"'],
  ['Set-Cookie', 'session=1; path=/; domain=.gitlab.example.com; secure'],
  ['Set-Cookie', 'other=1; domain=notgitlab.example.com'],
  ['Access-Control-Allow-Origin', 'https://gitlab.example.com'],
  [
    'Content-Security-Policy',
    `${"connect-src 'self' wss://gitlab.example.com https://registry.example.com:443; ".repeat(8)}img-src https://gitlabxexample.com`,
  ],
  ['Docker-Distribution-Api-Version', 'registry/2.0'],
];

/** What a client of the private names gets for each of these headers. */
function expectedAnswer(secure: boolean, port: number): readonly (readonly [string, string])[] {
  const s = secure ? 's' : '';
  const gitlab = `${GITLAB}:${port}`;
  const registry = `${REGISTRY}:${port}`;
  return [
    ['Www-Authenticate', `Bearer realm="http${s}://${gitlab}/jwt/auth",service="container_registry"`],
    ['Location', `http${s}://${registry}/v2/x/blobs/1?state=https%3A%2F%2Fgitlab.example.com`],
    ['Link', `<http${s}://${gitlab}/api?page=2>; rel="next", <https://gitlab.example.com.evil/x>; rel="other"`],
    ['Set-Cookie', `session=1; path=/; domain=${GITLAB}; secure, other=1; domain=notgitlab.example.com`],
    ['Access-Control-Allow-Origin', `http${s}://${gitlab}`],
    [
      'Content-Security-Policy',
      `${`connect-src 'self' ws${s}://${gitlab} http${s}://${registry}; `.repeat(8)}img-src https://gitlabxexample.com`,
    ],
    ['Docker-Distribution-Api-Version', 'registry/2.0'],
  ];
}

for (const [name, secure] of [
  ['nginx', true],
  ['nginx', false],
  ['nginx', 'inFront'],
  ['nginx-newest', true],
] as const) {
  test(
    `${name}, ${secure === true ? 'TLS' : secure || 'plain'}: the upstream sees its own name, the client the one that it asked for`,
    scoped(async (scope) => {
      const { ask, upstream, port } = await startSites(
        { ...engines, nginx: engines[name], secure, answer: { fields: ANSWER } },
        scope,
      );
      const fields = [
        `Origin: https://${GITLAB}`,
        `Referer: https://${GITLAB}:8443/a?b`,
        'Authorization: Bearer x',
        ...SPOOFED.map((name) => `${name}: 192.0.2.1`),
      ];
      const response = await ask(REGISTRY, fields);
      assert.is(response.status, 200);
      for (const [header, value] of expectedAnswer(secure !== false, port))
        assert.is(response.field(header), value, header);
      const [request] = upstream.take();
      const sent = {
        host: 'registry.example.com',
        origin: 'https://gitlab.example.com',
        referer: 'https://gitlab.example.com/a?b',
        authorization: 'Bearer x',
        'x-forwarded-host': 'registry.example.com',
        'x-forwarded-proto': 'https',
        'x-postern-site': 'test',
      };
      for (const [header, value] of Object.entries(sent)) assert.is(request?.field(header), value, header);
      for (const header of SPOOFED) assert.not.match(request?.field(header) ?? '', '192.0.2.1', header);
      assert.is(request?.target, '/v2/?ns=registry.example.com');
      assert.is(request?.serverName, 'registry.example.com');
      // By rewritten DNS a client comes here and still says the name that it knows, which is what it gets back.
      const direct = await ask('gitlab.example.com', ['Origin: https://gitlab.example.com']);
      for (const [header, value] of ANSWER) if (header !== 'Set-Cookie') assert.is(direct.field(header), value, header);
      assert.is(upstream.take()[0]?.serverName, 'gitlab.example.com');
    }),
  );
}

for (const name of ['nginx', 'nginx-newest'] as const) {
  test(
    `${name}: a certificate that is not verified is refused, unless the spec says that any will do`,
    scoped(async (scope) => {
      const statusWith = async (tls?: object) => {
        const more = tls ? { tls } : {};
        const { ask } = await startSites({ ...engines, nginx: engines[name], secure: true, ...more }, scope);
        return (await ask(GITLAB)).status;
      };
      assert.is(await statusWith(), 200);
      assert.is(await statusWith({}), 502, 'an authority that nobody knows');
      assert.is(await statusWith({ insecureSkipVerify: true }), 200);
    }),
  );

  test(
    `${name}: a certificate of another name is refused`,
    scoped(async (scope) => {
      const given = { ...engines, nginx: engines[name], secure: true, rewrites: [OTHER] };
      const { ask, upstream } = await startSites(given, scope);
      assert.is((await ask('other.private.example.com')).status, 502);
      assert.is((await ask(GITLAB)).status, 200);
      assert.equal(
        upstream.take().map(({ serverName }) => serverName),
        ['gitlab.example.com'],
      );
    }),
  );
}

test(
  'an upstream that is given by address is known and verified by its public name',
  scoped(async (scope) => {
    const { ask, upstream } = await startSites({ ...engines, secure: true, url: 'https://192.0.2.1' }, scope);
    assert.is((await ask(GITLAB)).status, 200);
    const [request] = upstream.take();
    assert.equal([request?.serverName, request?.field('host')], ['gitlab.example.com', 'gitlab.example.com']);
  }),
);

test(
  'a header that is not there is not made up',
  scoped(async (scope) => {
    const { ask, upstream } = await startSites({ ...engines, secure: false }, scope);
    const response = await ask(GITLAB);
    for (const [header] of ANSWER) assert.is(response.field(header), undefined, header);
    for (const header of ['origin', 'referer', 'upgrade', 'connection'])
      assert.is(upstream.requests[0]?.field(header), undefined, header);
  }),
);

for (const name of ['nginx', 'nginx-newest'] as const) {
  test(
    `${name}: other names are misdirected, and what comes back here is a loop`,
    scoped(async (scope) => {
      const { ask, upstream, log } = await startSites({ ...engines, nginx: engines[name], secure: true }, scope);
      // Whatever name TLS was asked for, it is the Host that counts.
      for (const other of ['other.example.com', `x.${GITLAB}`, `${GITLAB}.example.com`, '127.0.0.1']) {
        const misdirected = await ask(GITLAB, [], other);
        assert.is(misdirected.status, 421, other);
        assertError(misdirected, 421);
      }
      assert.equal(upstream.take(), []);
      assert.is((await ask(GITLAB, ['X-Postern-Site: other'])).status, 200);
      assert.is(upstream.take()[0]?.field('x-postern-site'), 'other, test');
      assert.is((await ask(GITLAB, ['X-Postern-Site: other, test'])).status, 508);
      assert.is((await ask(GITLAB, ['X-Postern-Site: testing'], `${GITLAB.toUpperCase()}.`)).status, 200);
      const told = (await log()).map(({ status, route, path }) => `${status} ${route} ${path}`);
      assert.equal(told.slice(-4), [
        '421  /v2/',
        '200 gitlab.example.com /v2/',
        '508 gitlab.example.com /v2/',
        '200 gitlab.example.com /v2/',
      ]);
    }),
  );

  test(
    `${name}: a client that does not speak TLS is told so in JSON`,
    scoped(async (scope) => {
      const { port } = await startSites({ ...engines, nginx: engines[name], secure: true }, scope);
      const connection = await openConnection({ port });
      scope.defer(async () => connection.close());
      const response = await connection.send(`GET / HTTP/1.1\r\nHost: ${GITLAB}\r\n\r\n`);
      assert.is(response.status, 400);
      assert.is(JSON.parse(response.text()).status, 400);
    }),
  );
}

test(
  'a body larger than any buffer arrives whole',
  scoped(async (scope) => {
    const { port, upstream } = await startSites({ ...engines, secure: false }, scope);
    const connection = await openConnection({ port });
    scope.defer(async () => connection.close());
    const body = Buffer.alloc(5_000_000, 'x');
    const head = `PUT /upload HTTP/1.1\r\nHost: ${GITLAB}\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.is((await connection.send(Buffer.concat([Buffer.from(head), body]))).status, 200);
    assert.is(upstream.requests[0]?.body.length, body.length);
  }),
);

test(
  'addresses of keys are nobody’s business where there is no proxy',
  scoped(async (scope) => {
    const apiKeys = { caller: { key: 'env:KEY', token: 'env:TOKEN', ipRanges: ['10.0.0.0/8'] } };
    const { nginx, openssl } = engines;
    const { ask } = await startSites({ nginx, openssl, secure: false, apiKeys }, scope);
    assert.is((await ask(GITLAB)).status, 200);
  }),
);

test.run();
