import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Address, parseAddress } from '../../src/policy/cidr.ts';
import { evaluatorOf } from '../../src/policy/decide.ts';
import { proxyAsked } from '../../src/policy/hosts.ts';
import { type Credential, clientAddress, credentialOf, type HeaderFields } from '../../src/policy/request.ts';
import { onlyProxy, policyOf } from '../support/policy.ts';

const test = suite('decide');

const policy = policyOf({
  upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
  routes: {
    read: {
      upstream: 'gitlab',
      allow: ['GET /api/groups', 'GET /api/groups/{id:int}', 'GET /api/p/{project:encodedPath}', 'GET /tree/{rest*}'],
    },
    write: {
      upstream: 'gitlab',
      allow: ['POST,PUT /api/groups/{id:int}', { request: 'POST /any', contentTypes: 'any', maxBody: '1KB' }],
    },
    // Overlaps with read for one group only: whoever may use either group may read it.
    special: { upstream: 'gitlab', allow: ['GET /api/groups/7', 'GET /api/groups/{id:slug}'] },
    runner: { upstream: 'gitlab', auth: 'passthrough', allow: ['POST /api/jobs/request'] },
  },
  apiKeys: {
    reader: { key: 'env:R', token: 'env:T', routes: ['read'] },
    writer: { key: 'env:W', token: 'env:T', routes: ['read', 'write'] },
    special: { key: 'env:S', token: 'env:T', routes: ['special'] },
    narrow: { key: 'env:N', token: 'env:T', ipRanges: ['10.0.0.9'] },
    old: { key: 'env:O', token: 'env:T', expires: '2026-01-01' },
  },
  proxies: {
    api: {
      listen: 8080,
      ipRanges: ['10.0.0.0/8', '2001:db8::/32'],
      answer: [
        { request: 'GET /', status: 204 },
        { request: '* /to/any/thing', auth: 'none', status: 200 },
      ],
    },
  },
});
const { decide } = evaluatorOf(policy, onlyProxy(policy));

const NONE: Credential = { kind: 'missing' };
const key = (id: string): Credential => ({ kind: 'known', id });
function address(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed) throw new Error(`${text} is no address`);
  return parsed;
}

function ask(
  line: string,
  credential: Credential,
  { from = '10.0.0.1', headers = [] as HeaderFields, at = 1_770_000_000 } = {},
): string {
  const [method = '', target = ''] = line.split(/ (.*)/s);
  const decision = decide({ method, target, headers, client: address(from), credential, at });
  if (decision.kind === 'forward') return `forward ${decision.route}`;
  if (decision.kind === 'answer') return `answer ${decision.status}`;
  return `${decision.status} ${decision.reason}${decision.allow ? ` ${decision.allow.join(',')}` : ''}`;
}

const TABLE: readonly [line: string, credential: Credential, expected: string][] = [
  ['GET /api/groups', key('reader'), 'forward read'],
  ['PROPFIND /to/any/thing', NONE, 'answer 200'],
  ['CONNECT /to/any/thing', NONE, '401 key-missing'],
  ['TRACE /to/any/thing', key('reader'), '405 method DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT'],
  ['propfind /to/any/thing', key('reader'), '405 method DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT'],
  ['HEAD /api/groups', key('reader'), 'forward read'],
  ['GET /api/groups?page=2&per_page=20', key('reader'), 'forward read'],
  ['GET /api/groups?', key('reader'), 'forward read'],
  ['GET /api/p/parent%2Fchild', key('reader'), 'forward read'],
  ['GET /tree/a/b/c', key('reader'), 'forward read'],
  ['GET /tree/a/../c', key('reader'), '404 path'],
  ['GET /tree/', key('reader'), '404 path'],
  ['GET /api/groups', NONE, '401 key-missing'],
  ['GET /nothing/here', NONE, '401 key-missing'],
  ['GET /api/groups', { kind: 'malformed' }, '401 key-malformed'],
  ['GET /api/groups', { kind: 'unknown' }, '403 key-unknown'],
  ['GET /nothing/here', key('reader'), '404 path'],
  ['GET /api/groups/', key('reader'), '404 path'],
  ['GET /API/groups', key('reader'), '404 path'],
  ['GET /api//groups', key('reader'), '404 path'],
  ['GET http://gitlab.example.com/api/groups', key('reader'), '404 path'],
  ['GET *', key('reader'), '404 path'],
  ['GET /api/groups#x', key('reader'), '404 path'],
  ['DELETE /api/groups', key('reader'), '405 method GET,HEAD'],
  ['DELETE /api/groups/1', key('reader'), '405 method GET,HEAD,POST,PUT'],
  ['get /api/groups', key('reader'), '405 method GET,HEAD'],
  ['POST /api/groups/1', key('reader'), '403 key-routes'],
  ['POST /api/groups/1', key('writer'), 'forward write'],
  ['GET /api/groups/7', key('reader'), 'forward read+special'],
  ['GET /api/groups/7', key('special'), 'forward read+special'],
  ['GET /api/groups/8', key('special'), 'forward read+special'],
  ['GET /api/groups/x-1', key('special'), 'forward special'],
  ['GET /api/groups/x-1', key('reader'), '403 key-routes'],
  ['GET /api/groups?sudo=root', key('reader'), '400 query'],
  ['GET /api/groups?a=1;b=2', key('reader'), '400 query'],
  ['POST /api/groups/1?sudo=root', key('reader'), '403 key-routes'],
  ['GET /', key('special'), 'answer 204'],
  ['GET /?Private-Token=x', key('special'), '400 query'],
  ['GET /', NONE, '401 key-missing'],
  ['POST /', key('reader'), '405 method GET,HEAD'],
  ['POST /api/jobs/request', NONE, 'forward runner'],
  ['POST /api/jobs/request', { kind: 'unknown' }, 'forward runner'],
  ['GET /api/jobs/request', NONE, '401 key-missing'],
  ['GET /api/jobs/request', key('reader'), '405 method POST'],
  ['GET /api/groups', key('narrow'), '403 key-address'],
  ['GET /api/groups', key('old'), '403 key-expired'],
];

for (const [line, credential, expected] of TABLE) {
  const who = credential.kind === 'known' ? credential.id : credential.kind;
  test(`${line} as ${who}: ${expected}`, () => assert.is(ask(line, credential), expected));
}

test('what the proxy answers to everybody, and with every method, is no other request', () => {
  const open = policyOf({
    upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
    routes: { read: { upstream: 'gitlab', allow: ['GET /a', 'POST /healthz'] } },
    apiKeys: { reader: { key: 'env:R', token: 'env:T' } },
    proxies: {
      api: {
        listen: 8080,
        ipRanges: ['10.0.0.0/8'],
        answer: [{ request: '* /', status: 200, auth: 'none' }],
        health: { path: '/healthz', from: ['172.16.0.0/12'] },
      },
    },
  });
  const [proxy] = open.proxies;
  assert.ok(proxy);
  const evaluator = evaluatorOf(open, proxy);
  const answer = (line: string, from = '10.0.0.1', credential: Credential = NONE) => {
    const [method = '', target = ''] = line.split(' ');
    const decision = evaluator.decide({ method, target, headers: [], client: address(from), credential, at: 0 });
    return decision.kind === 'deny' ? `${decision.status} ${decision.reason}` : decision.kind;
  };
  for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PROPFIND']) assert.is(answer(`${method} /`), 'answer');
  assert.is(answer('GET /', '11.0.0.1'), '403 address');
  assert.is(answer('GET /?sudo=root'), '400 query');
  assert.is(answer('GET /healthz', '172.16.0.1'), 'answer');
  assert.is(answer('HEAD /healthz', '172.16.0.1', { kind: 'unknown' }), 'answer');
  assert.is(answer('GET /healthz'), '403 address');
  assert.is(answer('POST /healthz', '172.16.0.1'), '403 address');
  assert.is(answer('POST /healthz', '10.0.0.1', key('reader')), 'forward');
  assert.is(answer('DELETE /healthz'), '401 key-missing');
  assert.is(answer('DELETE /healthz', '10.0.0.1', key('reader')), '405 method');
});

test('of proxies on one port the one is asked whose name it is, however it is written', () => {
  const shared = policyOf({
    proxies: {
      a: { listen: 8080, ipRanges: 'any', hosts: ['a.example.com'] },
      b: { listen: '0.0.0.0:8080', ipRanges: 'any', hosts: ['b.example.com'] },
      rest: { listen: 8080, ipRanges: 'any' },
      alone: { listen: 8081, ipRanges: 'any', hosts: ['alone.example.com'] },
    },
  });
  const [a, alone] = [shared.proxies[0], shared.proxies[1]];
  assert.ok(a && alone?.id === 'alone');
  const asked = (host: string | undefined, target = '/x', proxy = a) =>
    proxyAsked(shared.proxies, proxy, { target, headers: host === undefined ? [] : [['HOST', host]] });
  for (const host of ['b.example.com', 'B.Example.COM.', 'b.example.com:99', 'b.example.com.:'])
    assert.is(asked(host).id, 'b', host);
  for (const host of [undefined, '', 'b.example.com..', 'x.b.example.com', '10.0.0.1:8080', '[::1]:80'])
    assert.is(asked(host).id, 'rest', host);
  assert.is(asked('a.example.com', 'http://b.example.com/x').id, 'b', 'a whole URL says it too, and is what counts');
  assert.is(asked('a.example.com', 'http:///x').id, 'a');
  assert.is(asked('a.example.com', 'p://u@v:w@b.example.com:80/x').id, 'b', 'user information names nobody');
  assert.is(asked('a.example.com', 'p://b.example.com@a.example.com/x').id, 'a');
  assert.is(asked('a.example.com', 'http://b.example.com@/x').id, 'a');
  assert.is(asked('b.example.com', '/x', alone).id, 'alone');
  const decide = (host: string) =>
    evaluatorOf(shared, alone).decide({
      method: 'GET',
      target: '/',
      headers: [['Host', host]],
      client: address('10.0.0.1'),
      credential: NONE,
      at: 0,
    });
  assert.equal(
    [decide('alone.example.com'), decide('b.example.com')].map((one) => one.kind === 'deny' && one.status),
    [404, 421],
  );
});

test('the address comes first, for everybody', () => {
  assert.is(ask('GET /api/groups', key('reader'), { from: '11.0.0.1' }), '403 address');
  assert.is(ask('POST /api/jobs/request', NONE, { from: '11.0.0.1' }), '403 address');
  assert.is(ask('GET /', NONE, { from: '2001:db9::1' }), '403 address');
  assert.is(ask('GET /api/groups', key('reader'), { from: '2001:db8::1' }), 'forward read');
  assert.is(ask('GET /api/groups', key('reader'), { from: '::ffff:10.1.2.3' }), 'forward read');
  assert.is(ask('GET /api/groups', key('narrow'), { from: '10.0.0.9' }), 'forward read');
});

test('a key works up to its moment, not at it', () => {
  const expires = Date.UTC(2026, 0, 1) / 1000;
  assert.is(ask('GET /api/groups', key('old'), { at: expires - 1 }), 'forward read');
  assert.is(ask('GET /api/groups', key('old'), { at: expires }), '403 key-expired');
});

const json: readonly [string, string] = ['Content-Type', 'Application/JSON; charset=utf-8'];
const form: readonly [string, string] = ['Content-Type', 'application/x-www-form-urlencoded'];

test('a body has a type that the route takes, and a size', () => {
  const write = (headers: HeaderFields, line = 'POST /api/groups/1') => ask(line, key('writer'), { headers });
  assert.is(write([['Content-Length', '0']]), 'forward write');
  assert.is(write([['Content-Length', '2'], json]), 'forward write');
  assert.is(write([['content-length', '2'], form]), '415 content-type');
  assert.is(write([['Content-Length', '2']]), '415 content-type');
  assert.is(write([['Transfer-Encoding', 'chunked'], form]), '415 content-type');
  assert.is(write([['Content-Length', '2'], form], 'POST /any'), 'forward write~any-body~1kb');
  assert.is(write([['Content-Length', '1025'], form], 'POST /any'), '413 body-size');
});

test('the key is what stands before the first comma of the header', () => {
  const good = 'abcdefghijklmnopqrstuvwx';
  const known = new Map([[good, 'reader']]);
  const read = (...values: string[]) =>
    credentialOf(
      values.map((value) => ['private-token', value] as const),
      { apiKeyHeader: 'PRIVATE-TOKEN' },
      (text) => known.get(text),
    );
  assert.equal(read(good), { kind: 'known', id: 'reader' });
  assert.equal(read(` ${good}\t`), { kind: 'known', id: 'reader' });
  assert.equal(read(`${good}, evil`), { kind: 'known', id: 'reader' });
  assert.equal(read(good, 'evil'), { kind: 'known', id: 'reader' });
  assert.equal(read('evil', good), { kind: 'malformed' });
  assert.equal(read(good.toUpperCase()), { kind: 'unknown' });
  assert.equal(read(''), { kind: 'missing' });
  assert.equal(read(), { kind: 'missing' });
  assert.equal(read('short'), { kind: 'malformed' });
  assert.equal(read('x'.repeat(129)), { kind: 'malformed' });
});

test('a key with a scheme stands behind it, byte for byte', () => {
  const good = 'abcdefghijklmnopqrstuvwx';
  const read = (...values: string[]) =>
    credentialOf(
      values.map((value) => ['authorization', value] as const),
      { apiKeyHeader: 'Authorization', apiKeyScheme: 'Bearer' },
      (text) => (text === good ? 'reader' : undefined),
    ).kind;
  assert.is(read(`Bearer ${good}`), 'known');
  assert.is(read(`Bearer ${good}, x`), 'known');
  assert.is(read(), 'missing');
  for (const wrong of [
    good,
    `bearer ${good}`,
    `Bearer  ${good}`,
    `Bearer${good}`,
    `Basic ${good}`,
    'Bearer',
    'Bearer ',
  ])
    assert.is(read(wrong), 'malformed', wrong);
});

test('behind trusted proxies the header is read from the right', () => {
  const trusted = policyOf({
    proxies: { api: { listen: 1, ipRanges: 'any', clientIp: { trustedProxies: ['10.0.0.0/8'] } } },
  });
  const source = onlyProxy(trusted).clientIp;
  const client = (peer: string, ...values: string[]) =>
    clientAddress(
      source,
      address(peer),
      values.map((value) => ['X-Forwarded-For', value] as const),
    );
  assert.equal(client('10.0.0.1', '203.0.113.7'), address('203.0.113.7'));
  assert.equal(client('10.0.0.1', '198.51.100.1, 203.0.113.7, 10.0.0.2'), address('203.0.113.7'));
  assert.equal(client('10.0.0.1', '198.51.100.1', '203.0.113.7'), address('203.0.113.7'));
  assert.equal(client('192.0.2.1', '203.0.113.7'), address('192.0.2.1'));
  assert.equal(client('10.0.0.1', 'unknown'), address('10.0.0.1'));
  assert.equal(client('10.0.0.1'), address('10.0.0.1'));
});

test.run();
