import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verifiedSites } from './verify/run.ts';

/** A site before a proxy of the same spec, which decides by the address that the site tells it. */
const chain = (guard: object = {}, guardUrl = 'http://guard.example.com:8080') => ({
  ipRanges: { offices: ['203.0.113.0/28'], balancers: ['192.168.0.0/16'] },
  upstreams: {
    app: { url: 'https://app.internal.example.com', tokenHeader: 'Authorization', tokenScheme: 'Bearer' },
    guard: { url: guardUrl, servers: ['10.0.0.5:8080'] },
  },
  routes: {
    read: { upstream: 'app', allow: ['GET,POST /items/{id:int}', 'GET /whole/{path*}'] },
    open: { upstream: 'app', auth: 'passthrough', allow: ['GET /open'] },
  },
  apiKeys: {
    reader: { key: 'env:K', token: 'env:T', routes: ['read'] },
    office: { key: 'env:K2', token: 'env:T2', ipRanges: ['@offices'] },
  },
  proxies: {
    guarded: {
      listen: '10.0.0.5:8080',
      ipRanges: ['@offices', '198.51.100.7'],
      clientIp: { trustedProxies: ['10.0.0.5'] },
      ...guard,
    },
  },
  domainRewrites: [{ from: 'app.example.com', to: 'app.link.example.com', upstream: 'guard' }],
});

const TLS = { certFile: '/etc/ssl/proxy.pem', keyFile: '/etc/ssl/proxy.key' };
const TOLD = { tls: 'inFront', clientIp: { trustedProxies: ['@balancers'] } };
const HOLDING = [
  ['that takes the client from the connection', chain(), { tls: 'off' }],
  ['behind a load balancer', chain(), TOLD],
  [
    'behind a load balancer that speaks the PROXY protocol',
    chain(),
    { tls: TLS, clientIp: { ...TOLD.clientIp, proxyProtocol: true } },
  ],
  [
    'before a proxy that believes X-Real-IP and names a public URL',
    chain({
      clientIp: { trustedProxies: ['10.0.0.5'], header: 'X-Real-IP' },
      publicUrl: 'https://app.example.com',
      hosts: ['app.example.com'],
    }),
    TOLD,
  ],
  ['before a proxy with TLS', chain({ tls: TLS }, 'https://app.example.com:8080'), TOLD],
] as const;

const replaced =
  (path: RegExp, from: string | RegExp, to: string) =>
  (file: RenderedFile): RenderedFile =>
    path.test(file.path) ? { ...file, text: file.text.replaceAll(from, to) } : file;

const sitesAnd = (trusted: string) => chain({ clientIp: { trustedProxies: ['10.0.0.5', trusted] } });

const PLANTED = {
  caddy: [
    [
      'the site adds the client to an address that this made up',
      sitesAnd('192.0.2.0/24'),
      replaced(
        /Caddyfile$/,
        'header_up X-Forwarded-For {http.vars.client_ip}',
        'header_up X-Forwarded-For "203.0.113.9, 192.0.2.1"',
      ),
    ],
    [
      'the site tells its own address',
      chain(),
      replaced(/Caddyfile$/, 'header_up X-Forwarded-For {http.vars.client_ip}', 'header_up -X-Forwarded-For'),
    ],
  ],
  nginx: [
    [
      'the site adds the client to an address that this made up',
      sitesAnd('192.0.2.0/24'),
      replaced(/sites/, 'X-Forwarded-For $sites_client', 'X-Forwarded-For "203.0.113.9, 192.0.2.1"'),
    ],
    [
      'the site passes on what the balancer was told',
      sitesAnd('127.0.0.0/8'),
      replaced(/sites/, 'X-Forwarded-For $sites_client', 'X-Forwarded-For $http_x_real_ip'),
    ],
    [
      'the site tells its own address',
      chain(),
      replaced(/sites/, 'X-Forwarded-For $sites_client', 'X-Forwarded-For $remote_addr'),
    ],
  ],
} as const;

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`sites before proxies in verify on ${engine}`, [engine]);
  const { path: program } = engines[engine];
  const run = (spec: object, sites: object, tamper?: (file: RenderedFile) => RenderedFile) =>
    verifiedSites({
      spec,
      options: engine === 'nginx' ? { version: '1.28', sites } : { sites },
      target,
      program,
      tamper,
    });

  for (const [title, spec, sites] of HOLDING)
    test(`nothing is found in a site ${title}`, async () => {
      const found = await run(spec, sites);
      assert.is(findings(found), '');
      assert.ok(found.sent > 30, String(found.sent));
    });

  for (const [title, spec, tamper] of PLANTED[engine])
    test(`${title}: found`, async () => {
      const found = await run(spec, TOLD, tamper);
      assert.match(findings(found), /behind the site app.link.example.com and the proxy guarded, /);
      assert.ok(found.disagreements > 0);
    });

  test.run();
}
