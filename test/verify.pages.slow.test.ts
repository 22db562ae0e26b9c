import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

/** What `verify` finds wrong with what pages of other origins are told. */
const spec = {
  upstreams: { u: { url: 'http://u.example.com' } },
  routes: { read: { upstream: 'u', allow: ['GET /a', 'GET,POST /b/{x}'] } },
  apiKeys: { one: { key: 'env:A', token: 'env:TA' } },
  proxies: {
    pages: {
      listen: 8080,
      ipRanges: ['10.0.0.0/8'],
      cors: { origins: ['https://app.example.com'], headers: ['X-Page'] },
    },
  },
};

const replaced =
  (from: string | RegExp, to: string) =>
  (file: RenderedFile): RenderedFile => ({ ...file, text: file.text.replaceAll(from, to) });

const OTHER_ORIGIN = /a page is told access-control-allow-origin https:\/\/app.example.com instead of nothing/;
const NOT_TOLD = /a page is told access-control-allow-origin nothing instead of https:\/\/app.example.com/;
const TWO_VALUES = /a page is told access-control-allow-(?:origin|credentials) .*(?:upstream.example|true)/;
const NO_VARY = /nothing says that the answer depends on Origin/;

const PLANTED = {
  caddy: [
    [
      'an origin is taken for another that starts like it',
      replaced('app[.]example[.]com[ \\t]*(?:,|$)', 'app[.]example[.]com'),
      OTHER_ORIGIN,
    ],
    ['the upstream says, too, what pages may do', replaced(/header_down -Access-Control-.*\n/g, '\n'), TWO_VALUES],
    ['a browser is asked for a key', replaced('{cors.preflight} yes', '{cors.preflight} no'), /40[15] instead of 204/],
    [
      'a page from anywhere is told which methods there are',
      replaced('"~^OPTIONS [^ ]+ ', '"~^OPTIONS [^ ]* '),
      /204 instead of 40[15]/,
    ],
    [
      'a page may send any header',
      replaced(/>Access-Control-Allow-Headers .*/g, '>Access-Control-Allow-Headers *'),
      /a page is told access-control-allow-headers \* instead of PRIVATE-TOKEN, Content-Type, X-Page/,
    ],
    [
      'a page is not told why it was refused',
      replaced('header @page-of-pages {', 'header @page-of-pages {\nmatch status 599'),
      NOT_TOLD,
    ],
    ['caches are not told that answers differ by page', replaced('+Vary Origin', '+X-Vary Origin'), NO_VARY],
  ],
  nginx: [
    [
      'an origin is taken for another that starts like it',
      replaced('app[.]example[.]com[ \\\\t]*+(?:,|\\\\z)', 'app[.]example[.]com'),
      OTHER_ORIGIN,
    ],
    ['the upstream says, too, what pages may do', replaced(/proxy_hide_header access-control-.*\n/g, '\n'), TWO_VALUES],
    ['a browser is asked for a key', replaced('"OPTIONS" "yes"', '"OPTIONS" "no"'), /40[15] instead of 204/],
    [
      'a page from anywhere is told which methods there are',
      replaced(/(\$pages_cors_origin \$pages_verdict_page \{[^}]*?)"" [^;]*;/g, '$1'),
      /204 instead of 40[15]/,
    ],
    [
      'a page may send any header',
      replaced(/Access-Control-Allow-Headers "[^"]*"/g, 'Access-Control-Allow-Headers "*"'),
      /a page is told access-control-allow-headers \* instead of PRIVATE-TOKEN, Content-Type, X-Page/,
    ],
    [
      'a page is not told why it was refused',
      replaced(/("\/[.]\/key-missing".*?)add_header Access-Control-Allow-Origin [^;]*;/g, '$1'),
      NOT_TOLD,
    ],
    ['caches are not told that answers differ by page', replaced('add_header Vary "Origin" always;', ''), NO_VARY],
  ],
} as const;

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`pages of other origins in verify on ${engine}`, [engine]);
  const { path: program } = engines[engine];
  const of = (origins: 'any' | readonly string[], shadowed = false) => {
    const cors = { ...spec.proxies.pages.cors, origins };
    return {
      ...spec,
      proxies: { pages: { ...spec.proxies.pages, cors, ...(shadowed && { ipRanges: ['10.0.0.0/9'] }) } },
    };
  };

  test('nothing is found in what is generated', async () =>
    assert.is(findings(await verified({ spec, target, program, requests: 500 })), ''));

  test('nothing is found where any page may ask', async () =>
    assert.is(findings(await verified({ spec: of('any'), target, program, requests: 500 })), ''));

  test('nothing is found in the log of a shadow that narrows addresses and paths', async () => {
    const origins = spec.proxies.pages.cors.origins;
    const shadow = { ...of(origins, true), routes: { read: { upstream: 'u', allow: ['GET /a', 'GET /c'] } } };
    for (const each of [shadow, { ...shadow, ...of(origins, true) }])
      assert.is(findings(await verified({ spec: of(origins), shadow: each, target, program, requests: 500 })), '');
  });

  for (const [title, tamper, expected] of PLANTED[engine]) {
    test(`${title}: found`, async () => {
      const found = await verified({ spec, target, program, requests: 300, tamper, enough: 30 });
      assert.match(findings(found), expected);
      assert.ok(found.disagreements > 0);
    });
  }

  test.run();
}
