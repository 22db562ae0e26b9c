import * as assert from 'uvu/assert';
import type { RenderedFile } from '../../src/targets/target.ts';
import { patience } from '../../src/verify/checks/patience.ts';
import { randomOf } from '../../src/verify/random.ts';
import { openScope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { policyOf } from '../support/policy.ts';
import { proxyTarget } from './proxyTargets.ts';

/** Proxies and a site that clients reach in every way there is. */
const spec = {
  ipRanges: { balancers: ['192.168.0.0/16'] },
  upstreams: { app: { url: 'https://app.example.com' } },
  routes: {
    open: { upstream: 'app', auth: 'passthrough', allow: ['POST /in'] },
    keyed: { upstream: 'app', maxBody: '1GB', allow: ['POST /items/{id:int}'] },
  },
  apiKeys: { caller: { key: 'env:K', token: 'env:T' } },
  proxies: {
    direct: { listen: 8080, ipRanges: ['203.0.113.0/28'], routes: ['open', 'keyed'] },
    tls: { listen: 8443, ipRanges: 'any', tls: { certFile: '/c.pem', keyFile: '/k.pem' }, routes: ['keyed'] },
    told: {
      listen: 8081,
      ipRanges: ['203.0.113.0/28'],
      clientIp: { trustedProxies: ['@balancers'], proxyProtocol: true },
      routes: ['open'],
    },
  },
  domainRewrites: [{ from: 'app.example.com', to: 'app.link.example.com', upstream: 'app' }],
};

const without =
  (line: RegExp, instead = '') =>
  (file: RenderedFile): RenderedFile => ({ ...file, text: file.text.replaceAll(line, instead) });

const PLANTED = {
  caddy: [
    ['heads get all the time', without(/^\t+read_header \S+\n/gm), /half a head to proxy direct is not ended/],
    ['bodies that are refused get all the time', without(/^\t+read_timeout 2000ms\n/gm), /an unknown path of proxy/],
    [
      'bodies that are forwarded get all the time',
      without(/read_timeout 3000ms/g, 'read_timeout 1h'),
      /forwarded by proxy/,
    ],
    [
      'bodies to a site get all the time',
      without(/read_timeout 2000ms(?=\n\t+\}\n\t+# Other )/g, 'read_timeout 1h'),
      /half of a body in chunks, to the site app[.]link/,
    ],
  ],
  nginx: [
    ['heads get a minute', without(/^ *client_header_timeout .*\n/gm), /half a head to proxy direct is not ended/],
    ['bodies that are forwarded get a minute', without(/^ *client_body_timeout .*\n/gm), /forwarded by proxy/],
    [
      'bodies to a site get an hour',
      without(/client_body_timeout 2000ms/g, 'client_body_timeout 3600000ms'),
      /half of a body of known length, to the site app[.]link/,
    ],
  ],
} as const;

/** Most of its time goes by in waiting, so each engine is a file of its own. */
export async function testPatience(engine: keyof typeof PLANTED): Promise<void> {
  const target = proxyTarget(engine);
  const { test, engines } = await engineSuite(`patience in verify on ${engine}`, [engine]);
  const run = async (given: object, tamper?: (file: RenderedFile) => RenderedFile) => {
    const scope = openScope();
    try {
      const options = { sites: { tls: 'off', listen: 8082 } };
      const policy = policyOf(given);
      const { path: program } = engines[engine];
      const random = randomOf('1');
      const all = { target, program, options, policy, read: () => undefined, random, tamper };
      const { failures, diagnostics } = await patience(all, scope);
      return [...failures.map(({ problem }) => problem), ...diagnostics.map(({ message }) => message)];
    } finally {
      await scope.close();
    }
  };

  test('whatever a client leaves unfinished ends, and each missing end is found', async () => {
    const [held, ...planted] = await Promise.all([
      run(spec),
      ...PLANTED[engine].map(([, tamper]) => run(spec, tamper)),
    ]);
    assert.equal(held, []);
    for (const [index, [title, , expected]] of PLANTED[engine].entries())
      assert.match((planted[index] ?? []).join('\n'), expected, title);
  });

  test.run();
}
