import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { siteProblems } from '../../src/targets/sites.ts';
import { policyOf, problemsOf } from '../support/policy.ts';

const test = suite('parts of a spec before others of it');

const chain = (guard: object, others: object = {}) => ({
  upstreams: {
    app: { url: 'https://app.example.com' },
    guard: { url: 'http://guard.example.com', servers: ['127.0.0.1:8080'] },
  },
  routes: { read: { upstream: 'app', auth: 'passthrough', allow: ['GET /a'] } },
  proxies: { guarded: { listen: 8080, ipRanges: ['10.0.0.0/8'], routes: ['read'], ...guard } },
  ...others,
});
const site = { domainRewrites: [{ from: 'app.example.com', to: 'app.link.example.com', upstream: 'guard' }] };
const listening = { clientIp: { trustedProxies: ['127.0.0.1'] } };

test('a proxy behind a site has to listen to what the site says', () => {
  assert.equal(problemsOf(chain({}, site)), ['proxies.guarded.listen policy/lost-address']);
  assert.equal(problemsOf(chain(listening, site)), []);
  assert.equal(problemsOf(chain({ clientIp: { trustedProxies: ['127.0.0.1'], header: 'X-Real-IP' } }, site)), []);
});

test('however its address or its own name is spelled', () => {
  const before = ({ url, servers }: { url: string; servers?: string[] }, guard: object) =>
    problemsOf({
      ...chain(guard, site),
      upstreams: { app: { url: 'https://app.example.com' }, guard: { url, ...(servers && { servers }) } },
    });
  const lost = ['proxies.guarded.listen policy/lost-address'];
  for (const url of [
    'http://[::ffff:127.0.0.1]:8080',
    'http://[::ffff:7f00:1]:8080',
    'http://127.0.0.9:8080',
    'http://[::1]:8080',
  ])
    assert.equal(before({ url }, {}), lost, url);
  assert.equal(before({ url: 'http://[::ffff:10.0.0.5]:8080' }, { listen: '10.0.0.5:8080' }), lost);
  const named = { hosts: ['guard.example.com'] };
  assert.equal(before({ url: 'http://guard.example.com:8080' }, named), lost);
  assert.equal(before({ url: 'http://a.example.com', servers: ['Guard.example.com:8080'] }, named), lost);
  assert.equal(before({ url: 'http://guard.example.com:8081' }, named), []);
  assert.equal(
    before({ url: 'http://guard.example.com:8080' }, { ...named, clientIp: { trustedProxies: ['10.9.9.9'] } }),
    [],
  );
});

test('believing somebody else, another header or the PROXY protocol is no listening', () => {
  for (const clientIp of [
    { trustedProxies: ['10.0.0.1'] },
    { trustedProxies: ['127.0.0.1'], header: 'X-Client-IP' },
    { trustedProxies: ['127.0.0.1'], proxyProtocol: true },
  ])
    assert.equal(problemsOf(chain({ clientIp }, site)), ['proxies.guarded.clientIp policy/lost-address']);
});

test('a proxy behind a proxy likewise', () => {
  const two = (guard: object) => {
    const spec = chain(guard);
    return {
      ...spec,
      routes: { ...spec.routes, inner: { upstream: 'guard', auth: 'passthrough', allow: ['GET /a'] } },
      proxies: { ...spec.proxies, outer: { listen: 8081, ipRanges: ['10.0.0.0/8'], routes: ['inner'] } },
    };
  };
  assert.equal(problemsOf(two({})), ['proxies.guarded.listen policy/lost-address']);
  assert.equal(problemsOf(two(listening)), []);
});

test('other ports and machines are somebody else, and who admits everybody loses nothing', () => {
  assert.equal(problemsOf(chain({ listen: 8082 }, site)), []);
  assert.equal(problemsOf(chain({ listen: '10.0.0.5:8080' }, site)), []);
  assert.equal(problemsOf(chain({ ipRanges: 'any' }, site)), []);
});

test('behind a load balancer a site does not know who is asking', () => {
  const codes = (inFront: boolean, guard: object) =>
    siteProblems(policyOf(chain(guard, site)), {
      engine: 'nginx',
      port: 443,
      inFront,
      at: ['targets', 'nginx', 'sites'],
    }).map(({ code, related = [] }) => [code, ...related.map(({ at }) => at.join('.'))]);
  const lost = ['site/lost-address', 'domainRewrites.0.upstream', 'proxies.guarded.ipRanges'];
  assert.equal(codes(true, listening), [lost]);
  assert.equal(codes(false, listening), []);
  assert.equal(codes(true, { ...listening, ipRanges: 'any' }), []);
});

test.run();
