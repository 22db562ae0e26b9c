import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffAccess } from '../../src/accessDiff/diff.ts';
import { corsFields } from '../../src/plan/cors.ts';
import { parseAddress } from '../../src/policy/cidr.ts';
import { evaluatorOf } from '../../src/policy/decide.ts';
import type { HeaderFields } from '../../src/policy/request.ts';
import { wide } from '../../src/rules/access.ts';
import { onlyProxy, policyOf, problemsOf } from '../support/policy.ts';

const test = suite('pages of other origins');

const APP = 'https://app.example.com';
const specOf = (cors: object | undefined, proxy: object = {}) => ({
  upstreams: { u: { url: 'https://u.example.com' } },
  routes: {
    read: { upstream: 'u', allow: ['GET /a', 'POST /b'] },
    asked: { upstream: 'u', auth: 'passthrough', allow: ['OPTIONS /c'] },
  },
  apiKeys: { k: { key: 'env:K', token: 'env:T' } },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], ...(cors && { cors }), ...proxy } },
});

/** The decision, and what pages are told. */
function ask(cors: object | undefined, line: string, headers: HeaderFields, from = '10.0.0.1'): string {
  const policy = policyOf(specOf(cors));
  const proxy = onlyProxy(policy);
  const [method = '', target = ''] = line.split(' ');
  const client = parseAddress(from);
  if (!client) throw new Error('no address');
  const credential = { kind: 'missing' } as const;
  const decision = evaluatorOf(policy, proxy).decide({ method, target, headers, client, credential, at: 0 });
  const word = decision.kind === 'forward' ? 'forward' : decision.kind === 'deny' ? decision.reason : decision.status;
  return [word, ...corsFields(proxy, decision, headers).map(([name, value]) => `${name}: ${value}`)].join('\n');
}

const asking = (origin: string, method = 'POST'): HeaderFields => [
  ['Origin', origin],
  ['Access-Control-Request-Method', method],
];
const cors = { origins: [APP], headers: ['X-Page', 'content-type'], maxAge: '1h' };
const TOLD = `Access-Control-Allow-Origin: ${APP}\nVary: Origin`;

test('what a page may send is told without a key, at paths that are there', () => {
  const answer = (methods: string) =>
    `204\n${TOLD}\nAccess-Control-Allow-Methods: ${methods}\nAccess-Control-Allow-Headers: PRIVATE-TOKEN, Content-Type, X-Page\nAccess-Control-Max-Age: 3600`;
  assert.is(ask(cors, 'OPTIONS /b', asking(APP)), answer('POST'));
  // Whatever method it is about: the browser compares.
  assert.is(ask(cors, 'OPTIONS /a?page=2', asking(APP, 'DELETE')), answer('GET, HEAD'));
  assert.is(ask(cors, 'OPTIONS /c', asking(APP)), answer('OPTIONS'), 'a route for OPTIONS changes nothing');
  assert.is(ask(cors, 'OPTIONS /b', asking(`${APP}, https://evil.example`)), answer('POST'), 'the first counts');
});

test('everything else is decided as ever', () => {
  const told = `${TOLD}\nAccess-Control-Expose-Headers: *`;
  assert.is(ask(cors, 'OPTIONS /nowhere', asking(APP)), `key-missing\n${told}`);
  assert.is(ask(cors, 'OPTIONS /b', [['Origin', APP]]), `key-missing\n${told}`);
  assert.is(ask(cors, 'OPTIONS /c', [['Origin', APP]]), `forward\n${told}`);
  assert.is(ask(cors, 'GET /b', asking(APP)), `key-missing\n${told}`);
  assert.is(ask(cors, 'OPTIONS /b', asking(APP), '11.0.0.1'), 'address', 'nobody else is told anything');
  for (const origin of ['', 'null', `${APP}/`, `${APP}.evil.example`, `${APP}:443`, APP.toUpperCase(), `evil, ${APP}`])
    assert.is(ask(cors, 'OPTIONS /b', asking(origin)), 'key-missing\nVary: Origin', origin);
  assert.is(ask(undefined, 'OPTIONS /b', asking(APP)), 'key-missing');
});

test('any page, where that is written out', () => {
  const told = 'Access-Control-Allow-Origin: *';
  const methods = 'Access-Control-Allow-Methods: POST\nAccess-Control-Allow-Headers: PRIVATE-TOKEN, Content-Type';
  const all = { origins: 'any' };
  assert.is(ask(all, 'OPTIONS /b', asking('null')), `204\n${told}\n${methods}\nAccess-Control-Max-Age: 600`);
  assert.is(ask(all, 'OPTIONS /b', asking('')), `key-missing\n${told}\nAccess-Control-Expose-Headers: *`);
  assert.equal(
    wide(policyOf(specOf(all))).map(({ code, at }) => `${at.join('.')} ${code}`),
    ['proxies.api.cors.origins rule/any-page'],
  );
  assert.equal(wide(policyOf(specOf(cors))), []);
});

test('origins are what browsers send, and the proxy alone speaks of them', () => {
  const problems = (origins: unknown, proxy = {}) => problemsOf(specOf({ origins }, proxy));
  for (const origin of ['*', 'null', 'app.example.com', `${APP}/path`, 'https://*.example.com', 'any', 'ftp://a.b'])
    assert.equal(problems([origin]), ['proxies.api.cors.origins.0 policy/bad-origin'], origin);
  // As a browser writes them.
  assert.equal(onlyProxy(policyOf(specOf({ origins: ['HTTPS://App.Example.com:443/', APP] }))).cors?.origins, [APP]);
  for (const name of ['Access-Control-Allow-Origin', 'access-control-allow-credentials', 'Vary']) {
    const responseHeaders = { [name]: 'x' };
    assert.equal(problems([APP], { responseHeaders }), [`proxies.api.responseHeaders.${name} policy/reserved-header`]);
    assert.equal(problemsOf(specOf(undefined, { responseHeaders })), []);
  }
});

test('more pages, headers or time are a widening', () => {
  const changes = (before: object | undefined, after: object | undefined) =>
    (diffAccess(policyOf(specOf(before)), policyOf(specOf(after))).value ?? []).map(
      ({ effect, message }) => `${effect}: ${message}`,
    );
  const own = { origins: [APP] };
  const two = { origins: [APP, 'https://b.example.com'] };
  const only = (list: readonly string[]) => list.map((line) => line.replace(/:.*/, ''));
  assert.equal(only(changes(undefined, own)), ['widening']);
  assert.equal(only(changes(own, undefined)), ['narrowing']);
  assert.equal(only(changes(own, two)), ['widening']);
  assert.equal(only(changes(two, own)), ['narrowing']);
  assert.equal(only(changes(own, { origins: ['https://b.example.com'] })), ['widening'], 'another page');
  assert.equal(only(changes(two, { origins: 'any' })), ['widening']);
  assert.equal(only(changes({ origins: 'any' }, two)), ['narrowing']);
  assert.equal(only(changes(own, { ...own, headers: ['X-A'] })), ['widening']);
  assert.equal(only(changes({ ...own, headers: ['X-A'] }, own)), ['narrowing']);
  assert.equal(only(changes(own, { ...own, maxAge: '1h' })), ['widening']);
  assert.equal(changes(own, { ...own, headers: ['private-token'], maxAge: '600s' }), []);
});

test.run();
