import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

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
      replaced('(?:[Hh][Tt][Tt][Pp][Ss]?:)?//', '[Hh][Tt][Tt][Pp][Ss]?://'),
      /answers with a Location that names it without a scheme, and it came back as \/\/pool.example.com/,
    ],
  ],
  nginx: [
    [
      'a Link with a dot after the name leads to the upstream',
      replaced('[.]?(?::', '(?::'),
      /answers with a Link that names it with a dot after the name, and it came back as https:\/\/pool.example.com\./,
    ],
    [
      'a large head of an answer does not fit',
      replaced('proxy_buffer_size 64k', 'proxy_buffer_size 8k'),
      /answers with a head of 30 kB, and the client got 502/,
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

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`what verify looks for on ${engine}`, [engine]);
  const run = (tamper?: (file: RenderedFile) => RenderedFile) =>
    verified({ spec, target, program: engines[engine].path, requests: 50, ...(tamper ? { tamper } : {}) });

  test('nothing is found in what is generated', async () => {
    const { diagnostics, disagreements } = await run();
    assert.is(findings({ sent: 0, disagreements, diagnostics }), '');
  });

  for (const [title, tamper, expected] of PLANTED[engine]) {
    test(`${title}: found`, async () => {
      const found = await run(tamper);
      assert.match(findings(found), expected);
      assert.ok(found.disagreements > 0);
    });
  }

  test.run();
}
