import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffOptions } from '../src/targets/accessDiff.ts';
import { changesBy, lines, set, words } from './support/accessChanges.ts';

const base = {
  upstreams: { gitlab: { url: 'https://gitlab.example.com' }, other: { url: 'https://other.example.com' } },
  routes: {
    read: { upstream: 'gitlab', allow: ['GET /groups', 'GET /groups/{id:int}', 'GET /p/{project:encodedPath}'] },
    write: { upstream: 'gitlab', allow: ['POST,PUT /groups/{id:int}'] },
    runner: { upstream: 'gitlab', auth: 'passthrough', allow: ['POST /jobs/request'] },
  },
  apiKeys: {
    reader: { key: 'env:R', token: 'env:T', routes: ['read'] },
    writer: {
      key: 'env:W',
      token: 'env:T',
      routes: ['read', 'write'],
      ipRanges: ['10.1.0.0/16'],
      expires: '2027-01-01',
    },
  },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], answer: [{ request: 'GET /', status: 204 }] } },
  domainRewrites: [
    { from: 'git.example.com', to: 'git.link.example.com' },
    { from: '*.pages.example.com', to: '*.pages.link.example.com' },
  ],
};
type Base = typeof base;
type Draft = { [K in keyof Base]: Record<string, Record<string, unknown>> } & {
  domainRewrites: Record<string, unknown>[];
};

const test = suite('access diff');

const changed = (edit: (spec: Draft) => void, from: object = base) => changesBy<Draft>(edit, from);

const TABLE: readonly [title: string, edit: (spec: Draft) => void, expected: readonly string[], example?: string][] = [
  ['nothing', () => {}, []],
  [
    'a new route',
    (spec) => set(spec.routes, 'read', { allow: [...base.routes.read.allow, 'GET,DELETE /groups/{id:int}/x'] }),
    ['widening allowed: newly allowed: DELETE,GET /groups/{id:int}/x for keys "reader", "writer"'],
    'DELETE /groups/42/x as reader from 10.0.0.1: refused with 404 -> forwarded to gitlab',
  ],
  [
    'a wider parameter',
    (spec) =>
      set(spec.routes, 'read', { allow: ['GET /groups', 'GET /groups/{id:slug}', 'GET /p/{project:encodedPath}'] }),
    ['widening allowed: newly allowed: GET /groups/{id:slug} for keys "reader", "writer"'],
    'GET /groups/c0ffee as reader from 10.0.0.1: refused with 404 -> forwarded to gitlab',
  ],
  [
    'a parameter that takes escaped text',
    (spec) =>
      set(spec.routes, 'read', { allow: ['GET /groups', 'GET /groups/{id:int}', 'GET /p/{project:encodedText}'] }),
    ['widening allowed: newly allowed: GET /p/{project:encodedText} for keys "reader", "writer"'],
    'GET /p/x%3Fy as reader from 10.0.0.1: refused with 404 -> forwarded to gitlab',
  ],
  [
    'a rest that may end with a slash',
    (spec) => set(spec.routes, 'read', { allow: [...base.routes.read.allow, 'GET /p/{rest:slug*}/'] }),
    ['widening allowed: newly allowed: GET /p/{rest:slug*}/ for keys "reader", "writer"'],
    'GET /p/42/ as reader from 10.0.0.1: refused with 404 -> forwarded to gitlab',
  ],
  [
    'a narrower parameter',
    (spec) => set(spec.routes, 'read', { allow: ['GET /groups', 'GET /groups/{id:int}', 'GET /p/{project}'] }),
    ['narrowing denied: newly denied: GET /p/{project:encodedPath} for keys "reader", "writer"'],
    'GET /p/x%2Fy as reader from 10.0.0.1: forwarded to gitlab -> refused with 404',
  ],
  [
    'a parameter renamed',
    (spec) => set(spec.routes, 'read', { allow: ['GET /groups/{g:int}', 'GET /groups', 'GET /p/{q:encodedPath}'] }),
    [],
  ],
  [
    'a redundant route',
    (spec) =>
      set(spec.routes, 'read', {
        allow: [...base.routes.read.allow, 'GET /groups/7', 'GET /p/{project:a|b}', 'HEAD /groups'],
      }),
    [],
  ],
  [
    'a group split and renamed',
    (spec) => {
      spec.routes['one'] = { upstream: 'gitlab', allow: ['GET /groups'] };
      spec.routes['two'] = { upstream: 'gitlab', allow: ['GET /groups/{id:int}', 'GET /p/{project:encodedPath}'] };
      delete spec.routes['read'];
      set(spec.apiKeys, 'reader', { routes: ['one', 'two'] });
      set(spec.apiKeys, 'writer', { routes: ['one', 'two', 'write'] });
    },
    [],
  ],
  [
    'an upstream renamed',
    (spec) => {
      set(spec.upstreams, 'git', spec.upstreams['gitlab']);
      delete spec.upstreams['gitlab'];
      for (const group of Object.values(spec.routes)) group['upstream'] = 'git';
    },
    [],
  ],
  [
    'a key renamed',
    (spec) => {
      set(spec.apiKeys, 'lector', spec.apiKeys['reader']);
      delete spec.apiKeys['reader'];
    },
    [],
  ],
  [
    'a second secret of a key',
    (spec) => set(spec.apiKeys, 'reader', { key: ['env:R', 'env:R2'] }),
    ['widening key-source: env:R2 is accepted as key "reader", which has 2 secrets now (before: 1)'],
    'GET /groups as reader from 10.0.0.1: refused with 403 -> forwarded to gitlab',
  ],
  [
    'a new key',
    (spec) => set(spec.apiKeys, 'new', { key: 'env:N', token: 'env:T', routes: ['write'] }),
    ['widening key-added: key "new" added: routes of write'],
  ],
  [
    'a key removed',
    (spec) => delete spec.apiKeys['writer'],
    ['narrowing key-removed: key "writer" removed: routes of read, write'],
  ],
  [
    'a scope widened',
    (spec) => set(spec.apiKeys, 'reader', { routes: ['read', 'write'] }),
    ['widening scope: routes of write are open now for key "reader"'],
    'POST /groups/42 as reader from 10.0.0.1: refused with 403 -> forwarded to gitlab',
  ],
  [
    'a scope narrowed',
    (spec) => set(spec.apiKeys, 'writer', { routes: ['read'] }),
    ['narrowing scope: routes of write are closed now for key "writer"'],
  ],
  [
    'a key extended',
    (spec) => set(spec.apiKeys, 'writer', { expires: '2028-01-01' }),
    ['widening expiry: expires 2028-01-01 (before: 2027-01-01) for key "writer"'],
    'GET /groups as writer from 10.1.0.1: refused with 403 -> forwarded to gitlab',
  ],
  [
    'proxy ranges widened, which a key of narrower ranges does not notice',
    (spec) => set(spec.proxies, 'api', { ipRanges: ['10.0.0.0/8', '11.0.0.0/8'] }),
    ['widening addresses: 11.0.0.0/8 may connect now to proxy "api"'],
  ],
  ['ranges written differently', (spec) => set(spec.proxies, 'api', { ipRanges: ['10.0.0.0/9', '10.128.0.0/9'] }), []],
  [
    'key ranges moved',
    (spec) => set(spec.apiKeys, 'writer', { ipRanges: ['10.1.0.0/17', '10.2.0.0/24', '12.0.0.0/8'] }),
    [
      'widening addresses: 10.2.0.0/24 may connect now for key "writer"',
      'narrowing addresses: 10.1.128.0/17 may connect no longer for key "writer"',
    ],
    'GET /groups as writer from 10.2.0.1: refused with 403 -> forwarded to gitlab',
  ],
  [
    'another token',
    (spec) => set(spec.apiKeys, 'reader', { token: 'env:ADMIN' }),
    ['unclear token: key "reader" causes the token env:ADMIN to be sent (before: env:T)'],
    'GET /groups as reader from 10.0.0.1: forwarded to gitlab -> forwarded to gitlab',
  ],
  [
    'another upstream',
    (spec) => set(spec.upstreams, 'gitlab', { url: 'https://evil.example.com' }),
    ['unclear upstream: upstream "gitlab": url https://gitlab.example.com → https://evil.example.com'],
  ],
  [
    'passthrough becomes apiKey',
    (spec) => delete spec.routes['runner']?.['auth'],
    ['narrowing auth: POST /jobs/request needs a key now'],
    'POST /jobs/request as nobody from 10.0.0.1: forwarded to gitlab -> refused with 401',
  ],
  [
    'apiKey becomes passthrough',
    (spec) => {
      set(spec.routes, 'write', { auth: 'passthrough' });
      set(spec.apiKeys, 'writer', { routes: ['read'] });
    },
    ['widening auth: POST,PUT /groups/{id:int} needs no key any more'],
    'POST /groups/42 as nobody from 10.0.0.1: refused with 401 -> forwarded to gitlab',
  ],
  [
    'more body types and larger bodies',
    (spec) => set(spec.routes, 'write', { contentTypes: 'any', maxBody: '2MB' }),
    [
      'widening content-types: POST,PUT /groups/{id:int} takes bodies of any type (before: application/json)',
      'widening max-body: POST,PUT /groups/{id:int} takes bodies of up to 2097152 bytes (before: of up to 1048576 bytes)',
    ],
    'POST /groups/42 as writer from 10.1.0.1: refused with 415 -> forwarded to gitlab',
  ],
  [
    'another refusal is no access',
    (spec) => set(spec.proxies, 'api', { methodNotAllowed: 404 }),
    ['neutral status: a method that is not allowed is refused with 404 (before: 405)'],
    'DELETE /groups as reader from 10.0.0.1: refused with 405 -> refused with 404',
  ],
  [
    'a name led elsewhere',
    (spec) => Object.assign(spec.domainRewrites[0] ?? {}, { to: 'git2.link.example.com' }),
    ['unclear rewrite: git.example.com stands for git2.link.example.com (before: stands for git.link.example.com)'],
    'git.example.com: git.link.example.com -> git2.link.example.com',
  ],
  ['rewrites in another order', (spec) => spec.domainRewrites.reverse(), []],
  ['a proxy removed', (spec) => delete spec.proxies['api'], ['narrowing proxy-removed: proxy "api" removed: 5 routes']],
  [
    'a proxy renamed',
    (spec) => {
      set(spec.proxies, 'front', spec.proxies['api']);
      delete spec.proxies['api'];
    },
    [],
  ],
];

for (const [title, edit, expected, example] of TABLE) {
  test(title, () => {
    const changes = changed(edit);
    assert.equal(lines(changes), expected);
    if (example !== undefined) assert.is(words(changes[0]), example);
  });
}

test('thousands of paths of one line are one change', () => {
  const paths = Array.from({ length: 5000 }, (_, index) => `GET /r/${index}/{id:int}`);
  const one = {
    ...base,
    routes: { read: { upstream: 'gitlab', allow: paths } },
    apiKeys: { reader: { key: 'env:R', token: 'env:T' } },
  };
  assert.equal(lines(changed((spec) => set(spec.routes, 'read', { allow: ['GET /r/{any:int}/{id:int}'] }), one)), [
    'widening allowed: newly allowed: GET /r/{any:int}/{id:int} for key "reader"',
  ]);
});

test('what targets trust and ask by a single option', () => {
  const side = (containerd: object) => ({
    spec: { targets: { containerd } },
    policy: { addressSets: [] },
    read: () => undefined,
  });
  const told = (before: object, after: object) => lines(diffOptions(side(before), side(after)));
  assert.equal(told({}, { caFile: '/ca.pem' }), [
    'unclear trust: certificates are verified with /ca.pem (before: those of the system) under targets.containerd',
  ]);
  assert.equal(told({}, { fallback: true }), []);
  assert.equal(told({ fallback: true }, { fallback: false }), [
    'narrowing rewrite: falling back to the registry itself is false (before: true) under targets.containerd',
  ]);
  assert.match(told({ fallback: false }, {}).join(), /^unclear rewrite: /);
  // A target that comes or goes says so, and all that comes or goes with it.
  const without = { policy: { addressSets: [] }, spec: {}, read: () => undefined };
  assert.equal(lines(diffOptions(without, side({ caFile: '/ca.pem' }))), [
    'unclear target: targets.containerd is rendered now',
    'unclear trust: certificates are verified with /ca.pem (before: those of the system) under targets.containerd',
  ]);
  assert.equal(lines(diffOptions(side({}), without)), ['unclear target: targets.containerd is rendered no longer']);
});

test('options that open a listener, or close one', () => {
  const told = (target: string, before: object | undefined, after: object | undefined) => {
    const side = (options: object | undefined) => ({
      policy: { addressSets: [] },
      spec: { targets: { [target]: options } },
      read: () => undefined,
    });
    return lines(diffOptions(side(before), side(after)));
  };
  assert.equal(told('nginx', {}, { sites: { listen: 443, tls: 'off' } }), [
    'widening listen: the sites of domain rewrites have listen 443, tls off (before: no listener) under targets.nginx',
  ]);
  assert.match(told('nginx', { sites: { tls: 'off' } }, {}).join(), /^narrowing listen: /);
  assert.match(told('caddy', { sites: {} }, { sites: { tls: 'off' } }).join(), /^unclear listen: /);
  assert.match(told('caddy', { admin: 'off' }, {}).join(), /^widening listen: /);
  assert.equal(told('caddy', { admin: 'socket' }, {}), []);
  assert.equal(told('coredns', { bind: ['10.0.0.1'] }, {}), [
    'widening listen: CoreDNS listens on all addresses (before: 10.0.0.1) under targets.coredns',
  ]);
  assert.match(told('coredns', {}, { bind: ['10.0.0.1'] }).join(), /^narrowing listen: /);
  assert.match(told('coredns', { bind: ['10.0.0.1'] }, { bind: ['10.0.0.2'] }).join(), /^unclear listen: /);
  assert.equal(told('nginx', {}, undefined), ['narrowing target: targets.nginx is rendered no longer']);
});

test('mirrors and authorities of nodes, which only targets know', () => {
  const files: Readonly<Record<string, string>> = { 'a.pem': 'A', 'b.pem': 'B' };
  const side = (bottlerocket: object, read = (path: string) => files[path]) => ({
    policy: { addressSets: [] },
    spec: { targets: { bottlerocket } },
    read,
  });
  const old = side({ mirrors: { 'docker.io': ['https://one.example.com'] }, pki: { ours: { file: 'a.pem' } } });
  assert.equal(diffOptions(old, old), []);
  const moved = side({ mirrors: { 'docker.io': ['https://two.example.com'] }, pki: { ours: { file: 'b.pem' } } });
  assert.equal(lines(diffOptions(old, moved)), [
    'unclear rewrite: nodes pull images of docker.io from https://two.example.com (before: https://one.example.com) under targets.bottlerocket',
    'unclear trust: nodes trust the authority "ours" from b.pem (before: a.pem) under targets.bottlerocket',
  ]);
  const renewed = side({ ...old.spec.targets.bottlerocket }, () => 'another');
  assert.equal(lines(diffOptions(old, renewed)), [
    'unclear trust: nodes trust the authority "ours" from a.pem (before: another text of it) under targets.bottlerocket',
  ]);
  assert.equal(lines(diffOptions(side({}), old)), [
    'unclear rewrite: nodes pull images of docker.io from https://one.example.com (before: where its rewrite or they themselves say) under targets.bottlerocket',
    'widening trust: nodes trust the authority "ours" from a.pem (before: no file) under targets.bottlerocket',
  ]);
  assert.match(lines(diffOptions(old, side({}))).join(), /themselves say .*narrowing trust: .* from no file/);
});

test('a server that is an IPv6 address is written as in the spec', () => {
  const pool = (servers: readonly string[]) => (spec: Draft) => set(spec.upstreams, 'gitlab', { servers });
  const from = structuredClone(base) as unknown as Draft;
  pool(['[2001:db8::1]:80'])(from);
  assert.match(changed(pool(['[2001:db8::2]:80']), from)[0]?.message ?? '', /\[2001:db8::1\]:80 → \[2001:db8::2\]:80/);
});

test('what is trusted and where it listens: narrower in words, and not proven to be', () => {
  const behind =
    (trusted: readonly string[], listen: string | number = 8080) =>
    (spec: Draft) =>
      set(spec.proxies, 'api', { clientIp: { trustedProxies: trusted }, listen });
  const from = structuredClone(base) as unknown as Draft;
  behind(['10.0.0.0/24', '192.0.2.0/24'])(from);
  const effects = (edit: (spec: Draft) => void) => changed(edit, from).map(({ kind, effect }) => `${effect} ${kind}`);
  // Whoever comes through 10.0.0.200 is now taken for 10.0.0.200, which is a client.
  assert.equal(effects(behind(['10.0.0.0/25', '192.0.2.0/24'])), ['unclear client-address']);
  assert.equal(effects(behind(['10.0.0.0/24'])), ['narrowing client-address']);
  assert.equal(effects(behind(['10.0.0.0/24', '192.0.2.0/24', '198.51.100.0/24'])), ['widening client-address']);
  assert.equal(effects(behind(['198.51.100.0/24'])), ['widening client-address']);
  assert.equal(
    effects((spec) => set(spec.proxies, 'api', { clientIp: 'direct' })),
    ['unclear client-address'],
  );
  const listens = (before: string | number, after: string | number) => {
    const start = structuredClone(base) as unknown as Draft;
    set(start.proxies, 'api', { listen: before });
    const changes = changed((spec) => set(spec.proxies, 'api', { listen: after }), start);
    return changes.map(({ kind, effect }) => `${effect} ${kind}`).join();
  };
  assert.is(listens(8080, '[::]:8080'), 'unclear listen');
  assert.is(listens(8080, 8081), 'unclear listen');
  assert.is(listens(8080, '127.0.0.1:8080'), 'narrowing listen');
  assert.is(listens(8080, '0.0.0.0:8080'), '');
  assert.is(listens(8080, '[::1]:8080'), 'unclear listen');
  assert.is(listens('[::]:8080', '[::1]:8080'), 'narrowing listen');
  assert.is(listens('[::]:8080', '127.0.0.1:8080'), 'unclear listen');
  assert.is(listens('127.0.0.1:8080', 8080), 'widening listen');
});

test('facts of each id, although every secret changed with them', () => {
  const changes = changed((spec) => {
    set(spec.apiKeys, 'reader', { key: 'env:R2', token: 'env:ADMIN' });
    set(spec.apiKeys, 'writer', {
      key: ['env:W2', 'env:W3'],
      ipRanges: ['10.1.0.0/16', '10.2.0.0/24'],
      rateLimit: '5/s',
    });
    set(spec.upstreams, 'gitlab', { url: 'https://evil.example.com' });
    set(spec.routes, 'write', { maxBody: '2MB' });
  });
  assert.equal(lines(changes), [
    'widening max-body: POST,PUT /groups/{id:int} takes bodies of up to 2097152 bytes (before: of up to 1048576 bytes)',
    'widening addresses: 10.2.0.0/24 may connect now for key "writer"',
    'widening key-source: env:R2 is accepted as key "reader"',
    'widening key-source: env:W2 is accepted as key "writer", which has 2 secrets now (before: 1)',
    'widening key-source: env:W3 is accepted as key "writer", which has 2 secrets now (before: 1)',
    'unclear upstream: upstream "gitlab": url https://gitlab.example.com → https://evil.example.com',
    'unclear token: key "reader" causes the token env:ADMIN to be sent (before: env:T)',
    'narrowing key-source: env:R is accepted no longer as key "reader"',
    'narrowing rate-limit: key "writer" may send 5/s burst 5 (before: unlimited)',
    'narrowing key-source: env:W is accepted no longer as key "writer", which has 2 secrets now (before: 1)',
  ]);
});

test('facts of each id, although every route changed with them', () => {
  const changes = changed((spec) => {
    set(spec.routes, 'read', { allow: ['GET /other'] });
    set(spec.routes, 'write', { allow: ['POST /other'] });
    set(spec.apiKeys, 'writer', {
      token: 'env:ADMIN',
      ipRanges: ['10.2.0.0/24'],
      expires: '2028-01-01',
      routes: ['write'],
    });
    set(spec.apiKeys, 'reader', { routes: ['read'] });
    set(spec.upstreams, 'gitlab', { url: 'https://evil.example.com' });
    set(spec.proxies, 'api', { answer: [] });
  });
  const told = lines(changes);
  for (const line of [
    'widening addresses: 10.2.0.0/24 may connect now for key "writer"',
    'narrowing addresses: 10.1.0.0/16 may connect no longer for key "writer"',
    'widening expiry: expires 2028-01-01 (before: 2027-01-01) for key "writer"',
    'unclear token: key "writer" causes the token env:ADMIN to be sent (before: env:T)',
    'unclear upstream: upstream "gitlab": url https://gitlab.example.com → https://evil.example.com',
  ])
    assert.ok(told.includes(line), `${line} is not in\n${told.join('\n')}`);
});

test('facts of a secret, although its id and every route changed with them', () => {
  const changes = changed((spec) => {
    set(spec.routes, 'read', { allow: ['GET /other'] });
    set(spec.routes, 'write', { allow: ['POST /other'] });
    const { writer } = spec.apiKeys;
    Reflect.deleteProperty(spec.apiKeys, 'writer');
    Object.assign(spec.apiKeys, { robot: { ...writer, token: 'env:ADMIN', ipRanges: ['10.2.0.0/24'] } });
    set(spec.proxies, 'api', { answer: [] });
  });
  const told = lines(changes);
  for (const line of [
    'widening addresses: 10.2.0.0/24 may connect now for key "robot"',
    'unclear token: key "robot" causes the token env:ADMIN to be sent (before: env:T)',
  ])
    assert.ok(told.includes(line), `${line} is not in\n${told.join('\n')}`);
});

test.run();
