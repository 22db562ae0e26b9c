import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verifiedSites } from './verify/run.ts';

/** Sites of domain rewrites as the outside finds them: over TLS, behind load balancers, and by odd methods. */
const spec = {
  ipRanges: { balancers: ['192.168.0.0/16'] },
  upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
  domainRewrites: [{ from: 'gitlab.example.com', to: 'gitlab.link.example.com', upstream: 'gitlab' }],
};
const certificate = { certFile: '/etc/ssl/site.pem', keyFile: '/etc/ssl/site.key' };
const HEADER = { tls: 'inFront', clientIp: { trustedProxies: ['@balancers'] } };
const PROXY_PROTOCOL = { tls: certificate, clientIp: { trustedProxies: ['@balancers'], proxyProtocol: true } };
const SITES = [
  ['TLS', { tls: certificate }],
  ['a load balancer that tells the client in a header', HEADER],
  [
    'a load balancer that tells it in X-Real-IP',
    { tls: certificate, clientIp: { ...HEADER.clientIp, header: 'X-Real-IP' } },
  ],
  ['a load balancer that tells it by the PROXY protocol', PROXY_PROTOCOL],
] as const;

const replaced =
  (from: string | RegExp, to: string) =>
  (file: RenderedFile): RenderedFile => ({ ...file, text: file.text.replaceAll(from, to) });

const OTHER_ADDRESS = /the X-Forwarded-For is .* instead of 203.0.113.9/;
const PLANTED = {
  caddy: [
    [
      'a site takes what follows a colon for a port',
      { tls: 'off' },
      replaced('error @misnamed misdirected 421', ''),
      /:b was passed on/,
    ],
    ['a site passes TRACE on', { tls: 'off' }, replaced('error @method method 405', ''), /passed TRACE on/],
    [
      'a site takes the balancer for the client',
      HEADER,
      replaced('header_up X-Forwarded-For {http.vars.client_ip}', ''),
      OTHER_ADDRESS,
    ],
  ],
  nginx: [
    [
      'a site takes what follows a colon for a port',
      HEADER,
      replaced(/if \(\$http_host .*/g, 'if ($http_host = "") {'),
      /:b was passed on/,
    ],
    [
      'a site takes the balancer for the client',
      HEADER,
      replaced('X-Forwarded-For $sites_client', 'X-Forwarded-For $remote_addr'),
      OTHER_ADDRESS,
    ],
    [
      'a site does not believe the PROXY protocol',
      PROXY_PROTOCOL,
      replaced('set_real_ip_from 127.0.0.0/8;', ''),
      /the X-Forwarded-For is 127.0.0.1 instead of 192.0.2.55/,
    ],
  ],
} as const;

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`sites in verify on ${engine}`, [engine]);
  const { path: program } = engines[engine];
  const run = (sites: object, tamper?: (file: RenderedFile) => RenderedFile) => {
    const options = engine === 'nginx' ? { version: '1.28', sites } : { sites };
    return verifiedSites({ spec, options, target, program, tamper });
  };

  for (const [title, sites] of SITES)
    test(`nothing is found in sites with ${title}`, async () => {
      const found = await run(sites);
      assert.is(findings(found).replace(/^nginx: the upstream .* interim answer.*\n.*\n/m, ''), '');
      assert.is(found.sent, 27);
    });

  for (const [title, sites, tamper, expected] of PLANTED[engine])
    test(`${title}: found`, async () => {
      const found = await run(sites, tamper);
      assert.match(findings(found), expected);
      assert.ok(found.disagreements > 0);
    });

  test('names that are no set, and a header that says something else, are errors', async () => {
    const clientIp = { trustedProxies: ['@nobody', '300.0.0.1'], header: 'Host' };
    const { diagnostics } = await run({ tls: 'inFront', clientIp });
    assert.equal(
      [
        ...new Set(
          diagnostics.filter(({ severity }) => severity === 'error').map(({ at, code }) => `${at.join('.')} ${code}`),
        ),
      ].sort(),
      [
        `targets.${engine}.sites.clientIp.header policy/unusable-header`,
        `targets.${engine}.sites.clientIp.trustedProxies.0 policy/unknown-reference`,
        `targets.${engine}.sites.clientIp.trustedProxies.1 policy/bad-range`,
      ],
    );
  });

  test.run();
}
