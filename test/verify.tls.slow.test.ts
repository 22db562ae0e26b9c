import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

const spec = {
  upstreams: { u: { url: 'http://u.example.com' } },
  routes: { read: { upstream: 'u', auth: 'passthrough', allow: ['GET /a'] } },
  proxies: {
    secure: {
      listen: 8443,
      ipRanges: ['10.0.0.0/8'],
      tls: { certFile: '/etc/ssl/api.pem', keyFile: '/etc/ssl/api.key' },
    },
  },
};

/** The proxies without TLS, as a generator would write them that forgot it. */
const PLAIN = {
  nginx: (text: string) => text.replaceAll(/(listen [^;]*) ssl;/g, '$1;'),
  caddy: (text: string) => text.replaceAll('https://:', 'http://:').replaceAll(/\n\ttls [^{]*\{[^}]*\}/g, ''),
};

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`TLS in verify on ${engine}`, [engine]);
  const run = (tamper?: (file: RenderedFile) => RenderedFile) =>
    verified({ spec, target, program: engines[engine].path, requests: 50, tamper });

  test('nothing is found in what is generated', async () => assert.is(findings(await run()), ''));

  test('a proxy that speaks plain HTTP where TLS is due is a finding, not an error', async () => {
    const found = await run((file) => ({ ...file, text: PLAIN[engine](file.text) }));
    assert.match(findings(found), /proxy secure does not speak TLS/);
    assert.is(found.sent, 0);
    assert.ok(found.disagreements > 0);
  });

  test.run();
}
