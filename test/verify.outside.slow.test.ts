import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

/** What the upstream hears about the outside, in each way to say where that is. */
const spec = {
  upstreams: { u: { url: 'http://u.example.com' } },
  routes: {
    read: { upstream: 'u', allow: ['GET /a', 'POST /b/{x}'] },
    live: { upstream: 'u', auth: 'passthrough', allow: [{ request: 'GET /live', websocket: true }] },
  },
  apiKeys: { one: { key: 'env:A', token: 'env:TA' } },
  proxies: {
    port: { listen: 8080, ipRanges: ['10.0.0.0/8'], publicUrl: 'https://api.example.com:8443' },
    six: { listen: 8081, ipRanges: ['10.0.0.0/8'], publicUrl: 'https://[2001:db8::1]:8443' },
    plain: { listen: 8082, ipRanges: ['10.0.0.0/8'], publicUrl: 'http://API.example.com:80' },
    unnamed: { listen: 8083, ipRanges: ['10.0.0.0/8'] },
  },
};
const shadow = { ...spec, routes: { ...spec.routes, read: { upstream: 'u', allow: ['GET /a'] } } };

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`what the upstream of ${engine} hears about the outside`, [engine]);
  const { path: program } = engines[engine];
  for (const [what, more] of [
    ['ports and addresses in publicUrl, and WebSockets', {}],
    ['the same beside a shadow', { shadow }],
  ] as const) {
    test(what, async () => assert.is(findings(await verified({ spec, target, program, requests: 300, ...more })), ''));
  }
  test.run();
}
