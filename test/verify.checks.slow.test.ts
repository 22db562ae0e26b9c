import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, limits, verified, verifiedSites } from './verify/run.ts';

/** What `verify` looks for beside decisions, each on a spec that is small enough to be quick. */
const spec = {
  upstreams: {
    pool: { url: 'http://pool.example.com', servers: ['10.9.0.1:80', '10.9.0.2:80'] },
  },
  routes: { read: { upstream: 'pool', allow: ['GET /a', 'GET /b/{x}'] } },
  apiKeys: { one: { key: 'env:A', token: 'env:TA' }, two: { key: 'env:B', token: 'env:TB' } },
  proxies: {
    api: { listen: 8080, ipRanges: ['10.0.0.0/8'] },
    public: { listen: 8081, ipRanges: ['10.0.0.0/8'], publicUrl: 'https://api.example.com:8443' },
    named: { listen: 8082, hosts: ['named.example.com'], ipRanges: ['10.0.0.0/8'] },
    secure: {
      listen: 8443,
      tls: { certFile: '/etc/ssl/api.pem', keyFile: '/etc/ssl/api.key' },
      ipRanges: ['10.0.0.0/8'],
      apiKeyScheme: 'Bearer',
    },
  },
};

const replaced =
  (from: string | RegExp, to: string) =>
  (file: RenderedFile): RenderedFile => ({ ...file, text: file.text.replaceAll(from, to) });

/** Mistakes of a generator by engine, and what is said of each. */
const PLANTED = {
  caddy: [
    [
      'one failed request takes a server away from everybody',
      replaced('flush_interval 10ms', 'flush_interval 10ms\nfail_duration 10s'),
      /upstream pool closes the connection of one request, and another that came next was answered 50[23]/,
    ],
    [
      'the upstream hears what the client says about the outside',
      replaced(/header_up X-Forwarded-(?:Host|Port|Proto) ".*"/g, ''),
      /the upstream got X-Forwarded-Proto http instead of https/,
    ],
    [
      'a Location without a scheme leads to the upstream',
      replaced('"^(?:[Hh][Tt][Tt][Pp][Ss]?:)?//', '"^[Hh][Tt][Tt][Pp][Ss]?://'),
      /answers with a Location that names it without a scheme, and it came back as \/\/pool.example.com/,
    ],
    [
      'a Location with user information leads to the upstream',
      replaced(/header_down Location .\^\(\?:\[\^>\].*/g, ''),
      /answers with a Location that names it with user information, and it came back as https:\/\/user:word@/,
    ],
    [
      'a challenge leads to the upstream',
      replaced(/header_down Www-Authenticate .*/g, ''),
      /answers with a challenge that names it, and it came back as https:\/\/pool.example.com/,
    ],
    [
      'an Operation-Location with user information leads to the upstream',
      replaced(/header_down Operation-Location .\^\(\?:\[\^>\].*/g, ''),
      /answers with a Location that names it with user information, and it came back as https:\/\/user:word@/,
    ],
    [
      'a Refresh leads to the upstream',
      replaced(/header_down -Refresh/g, ''),
      /answers with a Refresh that names it, and it came back as https:\/\/pool.example.com/,
    ],
    [
      'a Link of more entries than are mapped passes',
      replaced(/header_down Link "\^\[\^<\]\*<.*\n/g, '\n'),
      /answers with a Link of 17 entries, and it came back as /,
    ],
    ['a proxy that speaks one version of TLS', replaced('tls1.2 tls1.3', 'tls1.3'), /does not speak TLSv1.2/],
    [
      'a proxy that takes any name for its own',
      replaced(/(@host-named \{\n\t+)host .*\n+\t+header_regexp Host .*/g, '$1path *'),
      /answered \d+ instead of 421 \(misdirected\)|forwarded, although the answer is 421/,
    ],
    [
      'nobody says how a key is to be sent',
      replaced(/header @unauthorized .*\n/g, '\n'),
      /WWW-Authenticate is missing instead of Bearer realm="secure/,
    ],
    [
      'interim answers pass as they are',
      replaced(/match status 100 .*/g, 'match status 599'),
      /answers with an interim answer, and the client got (?:Link|X-Accel-Redirect): /,
    ],
    [
      'trailers pass',
      replaced('-Trailer', '-X-None'),
      /answers with trailers, and the client got X-Accel-Redirect: \/elsewhere/,
    ],
  ],
  nginx: [
    [
      'a Link with a dot after the name leads to the upstream',
      replaced('[.]?(?::', '(?::'),
      /answers with a Link that names it with a dot after the name, and it came back as https:\/\/pool.example.com\./,
    ],
    [
      'a challenge leads to the upstream',
      replaced(/(add_header Www-Authenticate) \$\w+/g, '$1 $upstream_http_www_authenticate'),
      /answers with a challenge that names it, and it came back as https:\/\/pool.example.com/,
    ],
    [
      'the last entries of a long Link are lost',
      replaced(/\$\{\w+_link_1\d\}/g, ''),
      /answers with a Link of 16 entries, and 9 of them came back/,
    ],
    [
      "the generator's own names take a body before they refuse it",
      replaced('internal; client_max_body_size 0;', 'internal;'),
      /POST \S+ with a large body was answered 413 instead of 40[0-9]/,
    ],
    [
      'a large head of an answer does not fit',
      replaced(/proxy_buffer_size [^;]+;/g, 'proxy_buffer_size 8k;'),
      /answers with a head of 30 kB, and the client got 502/,
    ],
    [
      'a proxy that takes any name for its own',
      replaced(/(\$(named)_verdict_named \{\n {4}default) "misdirected"/g, '$1 $$$2_verdict'),
      /answered \d+ instead of 421 \(misdirected\)|forwarded, although the answer is 421/,
    ],
    [
      'a proxy that speaks one version of TLS',
      replaced('    ssl_protocols TLSv1.2 TLSv1.3', '    ssl_protocols TLSv1.3'),
      /does not speak TLSv1.2/,
    ],
    [
      'nobody says how a key is to be sent',
      replaced(/add_header WWW-Authenticate .*? always;/g, ''),
      /WWW-Authenticate is missing instead of Bearer realm="secure/,
    ],
    [
      'the upstream hears what the client says about the outside',
      replaced(
        'proxy_set_header X-Forwarded-Host "api.example.com:8443";',
        'proxy_set_header X-Forwarded-Host $http_host;',
      ),
      /the upstream got X-Forwarded-Host .* instead of api.example.com:8443/,
    ],
    [
      'one failed request takes a server away from everybody',
      replaced(' max_fails=0', ''),
      /upstream pool closes the connection of one request, and another that came next was answered 50[23]/,
    ],
  ],
} as const;

const siteSpec = {
  upstreams: { gitlab: { url: 'https://gitlab.example.com' }, registry: { url: 'http://registry.example.com:5000' } },
  // Nobody may use it, because there is no proxy: its addresses must not stand in the way of the sites.
  apiKeys: { one: { key: 'env:A', token: 'env:TA', ipRanges: ['10.0.0.0/8'] } },
  domainRewrites: [
    { from: 'gitlab.example.com', to: 'gitlab.link.example.com', upstream: 'gitlab' },
    { from: 'registry.example.com', to: 'registry.link.example.com', upstream: 'registry' },
  ],
};
const SITE_OPTIONS = { caddy: {}, nginx: { sites: { tls: 'inFront' } } };
const PLANTED_IN_SITES = {
  caddy: [
    [
      'a site whose name may stand in brackets',
      replaced('error @misnamed misdirected 421', 'vars misnamed yes'),
      /a request for \[\S+\] was passed on/,
    ],
    [
      'a site that passes a method in small letters',
      replaced('error @unread malformed 400', 'vars unread yes'),
      /the site \S+ passed trace on/,
    ],
    [
      'a site that sends clients to the public name',
      replaced(/header_down >?Location .*\n/g, '\n'),
      /the site gitlab.link.example.com sends clients to https:\/\/gitlab.example.com/,
    ],
  ],
  nginx: [
    [
      'a site that knows its public name with a scheme only',
      replaced('s?:)?//', 's?:)//'),
      /answers with a Location that names it without a scheme, and it came back as \/\/gitlab.example.com/,
    ],
    [
      'a site that sends clients to the public name',
      replaced('proxy_hide_header Location;', 'proxy_pass_header Location;'),
      /the site gitlab.link.example.com sends clients to /,
    ],
    [
      'a site under the name that the client calls it',
      replaced('proxy_set_header Host "gitlab.example.com";', 'proxy_set_header Host $http_host;'),
      /behind the site gitlab.link.example.com, the Host is gitlab.link.example.com instead of gitlab.example.com/,
    ],
    [
      'a site that believes what a client says of its address',
      replaced('X-Forwarded-For $remote_addr', 'X-Forwarded-For $proxy_add_x_forwarded_for'),
      /the X-Forwarded-For is 203.0.113.9, 127.0.0.1 instead of 127.0.0.1/,
    ],
    [
      'a site for any name',
      replaced('return 421', 'proxy_pass http://$http_host; return 200'),
      /a request for x.gitlab.link.example.com was answered 200 instead of 421/,
    ],
  ],
} as const;

/** What no configuration changes is said. */
const LIMITS = {
  caddy: /^caddy: upstream pool answers with trailers that it did not announce, and the client got X-Accel-Redirect/,
  nginx: /^nginx: upstream pool answers with an interim answer, and the client got /,
};

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`what verify looks for on ${engine}`, [engine]);
  const run = (tamper?: (file: RenderedFile) => RenderedFile) =>
    verified({
      spec,
      target,
      program: engines[engine].path,
      requests: tamper ? 250 : 50,
      ...(tamper ? { tamper } : {}),
    });

  test('nothing is found in what is generated', async () => {
    const found = await run();
    assert.is(findings(found), '');
    assert.is(found.disagreements, 0);
    assert.match(limits(found), LIMITS[engine]);
  });

  for (const [title, tamper, expected] of PLANTED[engine]) {
    test(`${title}: found`, async () => {
      const found = await run(tamper);
      assert.match(findings(found), expected);
      assert.ok(found.disagreements > 0);
    });
  }

  if (engine === 'nginx')
    test('an engine that is older than the spec says: found', async () => {
      const options = { version: '1.29' };
      const found = await verified({ spec, options, target, program: engines.nginx.path, requests: 50 });
      assert.match(findings(found), /nginx: upstream pool answers with an interim answer, and the client got/);
      assert.ok(found.disagreements > 0);
    });

  const runSites = (tamper?: (file: RenderedFile) => RenderedFile) =>
    verifiedSites({ spec: siteSpec, options: SITE_OPTIONS[engine], target, program: engines[engine].path, tamper });

  test('nothing is found in the sites that are generated', async () => {
    const { diagnostics, disagreements, sent } = await runSites();
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    assert.equal([errors, disagreements, sent], [[], 0, 54]);
  });

  for (const [title, tamper, expected] of PLANTED_IN_SITES[engine]) {
    test(`${title}: found`, async () => {
      const found = await runSites(tamper);
      assert.match(findings(found), expected);
      assert.ok(found.disagreements > 0);
    });
  }

  test.run();
}
