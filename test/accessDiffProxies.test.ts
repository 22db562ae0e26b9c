import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { changesBy, lines, set, words } from './support/accessChanges.ts';

const base = {
  upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
  routes: { read: { upstream: 'gitlab', allow: ['GET /groups'] } },
  apiKeys: { reader: { key: 'env:R', token: 'env:T' }, writer: { key: 'env:W', token: 'env:T' } },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], answer: [{ request: 'GET /', status: 204 }] } },
};
type Draft = { [K in keyof typeof base]: Record<string, Record<string, unknown>> };

const changed = (edit: (spec: Draft) => void, from: object = base) => changesBy<Draft>(edit, from);

const test = suite('access diff of proxies');

test('what the proxy answers without a key, or to every method', () => {
  const open = changed((spec) =>
    set(spec.proxies, 'api', { answer: [{ request: 'GET /', status: 204, auth: 'none' }] }),
  );
  assert.equal(lines(open), ['widening auth: GET / needs no key any more']);
  assert.is(words(open[0]), 'GET / as nobody from 10.0.0.1: refused with 401 -> answered with 204');
  const every = changed((spec) => set(spec.proxies, 'api', { answer: [{ request: '* /', status: 204 }] }));
  assert.equal(lines(every), ['widening allowed: newly allowed: * / for keys "reader", "writer"']);
  assert.is(words(every[0]), 'DELETE / as reader from 10.0.0.1: refused with 405 -> answered with 204');
});

test('names of a proxy', () => {
  const named = (hosts: readonly string[] | undefined) => {
    const spec = structuredClone(base) as unknown as Draft;
    set(spec.proxies, 'api', { hosts });
    return spec;
  };
  const told = (before: readonly string[] | undefined, after: readonly string[] | undefined) =>
    lines(changed((spec) => set(spec.proxies, 'api', { hosts: after }), named(before)));
  assert.equal(told(['a.example.com'], ['b.example.com']), [
    'widening hosts: is reached as b.example.com now',
    'narrowing hosts: is reached as a.example.com no longer',
  ]);
  assert.equal(told(undefined, ['b.example.com']), ['narrowing hosts: is reached as b.example.com alone now']);
  assert.equal(told(['b.example.com'], undefined), ['widening hosts: is reached under any name now']);
  // What else changes is found as ever.
  const both = changed(
    (spec) => {
      set(spec.proxies, 'api', { hosts: ['b.example.com'] });
      set(spec.routes, 'read', { allow: ['GET /groups', 'GET /new'] });
    },
    named(['a.example.com']),
  );
  assert.ok(lines(both).some((line) => line.startsWith('widening allowed: newly allowed: GET /new')));
});

test('a new proxy that nobody gets through may still answer health checks', () => {
  const unused = { ...base, routes: { ...base.routes, own: { upstream: 'gitlab', allow: ['GET /own'] } } };
  const served = { ...unused, apiKeys: { reader: { key: 'env:R', token: 'env:T', routes: ['read'] } } };
  const found = changed((spec) => {
    Object.assign(spec.proxies, { idle: { listen: 9999, ipRanges: ['10.0.0.0/8'], routes: ['own'], health: '/up' } });
  }, served);
  assert.equal(lines(found), ['widening health: answers health checks at /up to anybody now']);
});

test('a proxy that is gone leaves its connections to one that listens on all addresses', () => {
  const strict = { listen: '[2001:db8::1]:8080', ipRanges: ['2001:db8::/64'] };
  const both = (wide: string) => ({
    ...base,
    proxies: { api: { listen: wide, ipRanges: 'any' }, strict },
  });
  const without = (wide: string) =>
    lines(changed((spec) => Reflect.deleteProperty(spec.proxies, 'strict'), both(wide)));
  assert.equal(without('[::]:8080'), [
    'unclear listen: what connects to [2001:db8::1]:8080 reaches proxy "api" now (before: "strict")',
    'narrowing proxy-removed: proxy "strict" removed: 1 routes',
  ]);
  for (const other of ['[::]:8081', '0.0.0.0:8080', '[2001:db8::2]:8080'])
    assert.equal(without(other), ['narrowing proxy-removed: proxy "strict" removed: 1 routes'], other);
});

test('the end of an address is not lost with the set that gave it', () => {
  const until = (expires: string) => [{ cidr: '10.5.0.0/24', expires }, '10.6.0.0/24'];
  const using = (list: string, sets: object) => ({
    ...base,
    ipRanges: sets,
    apiKeys: { ...base.apiKeys, reader: { ...base.apiKeys.reader, ipRanges: [list] } },
    proxies: { api: { listen: 8080, ipRanges: [list], health: { path: '/up', from: [list] } } },
  });
  const told = (before: object, after: object) => lines(changed((spec) => Object.assign(spec, after), before));
  const guests = using('@guests', { guests: until('2027-01-01') });
  const everywhere = ['proxy "api"', 'the health check of proxy "api"', 'key "reader"'].map(
    (what) => `widening expiry: 10.5.0.0/24 may reach ${what} beyond 2027-01-01, the end that @guests gave before`,
  );
  assert.equal(told(guests, using('@all', { all: ['10.5.0.0/24', '10.6.0.0/24'] })), everywhere);
  assert.equal(told(guests, using('@all', { all: until('2028-01-01') })), everywhere);
  assert.equal(told(guests, using('@all', { all: until('2027-01-01') })), []);
  assert.equal(told(guests, using('@all', { all: until('2026-12-31') })), []);
  assert.equal(told(using('@all', { all: ['10.5.0.0/24', '10.6.0.0/24'] }), guests), []);
});

test('health checks', () => {
  const health = (value: unknown) => (spec: Draft) => set(spec.proxies, 'api', { health: value });
  const from = (...ranges: string[]) => ({ path: '/healthz', from: ranges });
  const withHealth = (value: unknown) => {
    const spec = structuredClone(base) as unknown as Draft;
    health(value)(spec);
    return spec;
  };
  const told = (before: unknown, after: unknown) => lines(changed(health(after), withHealth(before)));
  assert.equal(told(undefined, '/healthz'), ['widening health: answers health checks at /healthz to anybody now']);
  assert.equal(told('/healthz', undefined), ['narrowing health: answers health checks no longer']);
  assert.equal(told(from('10.1.0.0/16'), from('10.1.0.0/17', '10.1.128.0/17')), []);
  assert.is(told(from('10.1.0.0/16'), from('10.1.0.0/17'))[0]?.split(' ')[0], 'narrowing');
  assert.is(told(from('10.1.0.0/16'), from('10.2.0.0/16'))[0]?.split(' ')[0], 'widening');
  assert.is(told('/healthz', '/alive')[0]?.split(' ')[0], 'widening');
  // A route that a health check takes the place of is gone.
  const root = withHealth(undefined);
  set(root.routes, 'read', { allow: ['GET /alive'] });
  const gone = changed((spec) => {
    set(spec.routes, 'read', { allow: ['GET /else'] });
    set(spec.proxies, 'api', { health: '/alive' });
  }, root);
  assert.ok(
    lines(gone).includes('narrowing denied: newly denied: GET /alive for keys "reader", "writer"'),
    lines(gone).join('\n'),
  );
});

test.run();
