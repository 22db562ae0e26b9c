import { delimiter, dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { routeSets } from '../src/plan/routeSets.ts';
import { sharedPrefix } from '../src/targets/nginx/names.ts';
import { engineSuite } from './engines/suite.ts';
import { four, group, PATHS, type Proxies, specOf } from './support/alikeProxies.ts';
import { adapted, exceptKeys, IN_SYNC, liveCase } from './support/live.ts';

function setsOf(proxies: Proxies, routes?: object): Readonly<Record<string, string>> {
  const { policy, diagnostics } = compile(specOf(proxies, routes), { file: 'postern.yaml', read: () => undefined });
  if (!policy) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return Object.fromEntries([...routeSets(policy)].map(([{ id }, { name }]) => [id, name]));
}

const test = suite('proxies with the same paths');

test('share their tables where they are four, under a name that says which paths these are', () => {
  const proxies = { ...four('every', {}), ...four('some', { routes: ['read', 'hooks'] }), own: { routes: ['read'] } };
  const names = setsOf(proxies);
  assert.equal(new Set(Object.values(names)), new Set(['all', 'hooks+read']));
  assert.is(names['own'], undefined);
  const { files = [] } = compile(specOf(proxies), { file: 'postern.yaml', read: () => undefined });
  const holding = (text: string) => files.filter((file) => file.text.includes(text)).map(({ path }) => path);
  assert.equal(
    holding('/projects/{segment}/hooks').filter((path) => /^(?:nginx|caddy)/.test(path)),
    ['caddy/all.paths', 'caddy/hooks+read.paths', 'nginx/all.paths.conf', 'nginx/hooks+read.paths.conf'],
  );
});

test('keep the name whichever of them comes or goes, and a group more for all of them changes none', () => {
  const name = (proxies: Proxies, routes?: object) => new Set(Object.values(setsOf(proxies, routes)));
  assert.equal(name({ aaa: {}, ...four('p', {}) }), name({ ...four('p', {}), zzz: {} }));
  assert.equal(name(four('q', {}), { ...PATHS, more: group('GET /more') }), name(four('q', {})));
});

test('no two sets have one name, in files or in variables, whatever their groups and answers are called', () => {
  const groups = ['all', 'All', 'read', 'Read', 'read-hooks', 'hooks', 'with', 'and', 'x-', 'a'.repeat(50)];
  const routes = Object.fromEntries(groups.map((id, n) => [id, group(`GET /path${n}`)]));
  const lists = [...groups.map((id) => [id]), ['read', 'hooks'], ['and', 'with'], ['read-hooks', 'with'], undefined];
  const answers = [undefined, '/one', '/two'];
  const proxies = lists.flatMap((list, n) =>
    answers.map((health, m) => four(`p${n}x${m}y`, { ...(list && { routes: list }), ...(health && { health }) })),
  );
  const names = new Set(Object.values(setsOf(Object.assign({}, ...proxies), routes)));
  const count = lists.length * answers.length;
  assert.is(names.size, count);
  assert.is(new Set([...names].map((name) => name.toLowerCase())).size, count);
  const variables = [...names].map(sharedPrefix);
  assert.is(new Set(variables).size, count);
  for (const variable of variables) assert.match(variable, /^[a-z0-9_]{1,100}$/);
});

test('share them whatever they answer and whom, and what a set of them answers is a path of it', () => {
  const same = setsOf({
    a: { health: '/up' },
    b: { health: { path: '/up', from: ['10.0.0.0/8'] }, methodNotAllowed: 404 },
    c: { health: '/up', ipRanges: 'any' },
    d: { health: '/up', cors: { origins: ['https://app.example.com'] } },
    e: {},
    f: { health: '/other' },
  });
  assert.equal(Object.keys(same), ['a', 'b', 'c', 'd']);
});

test('a running nginx with other rows of shared tables is told at the route', () => {
  const here = liveCase(specOf(four('p', {})));
  const line =
    specOf(four('p', {}))
      .split('\n')
      .findIndex((text) => text.includes('/Members')) + 1;
  const live = here
    .files('nginx')
    .filter(({ path }) => path.endsWith('.conf'))
    .map(({ path, text }) => `# configuration file /etc/${path}:\n${text}`)
    .join('\n');
  const keys =
    '# configuration file /etc/nginx/secrets/keys.conf:\n"hash:AAAAAAAA" "9jVeoyFwUxYmqNfWE-DClQ";\n"id:AAAAAAAA" "reader";\n';
  const tokens = '# configuration file /etc/nginx/secrets/tokens.conf:\n"reader" "glpat-zzzzzzzzzzzzzzzzzzzz";\n';
  const all = `${live}\n${keys}${tokens}`;
  assert.equal(here.compare('nginx', all), IN_SYNC);
  const { drift } = here.compare(
    'nginx',
    all.replace('"GET /groups/{int}/{^M}embers"', '"PUT /groups/{int}/{^M}embers"'),
  );
  assert.ok(drift.length > 0 && drift.every((text) => text.startsWith(`${line}: `)), drift.join('\n'));
  assert.match(drift.join('\n'), /all\.paths\.conf/);
});

test.run();

const { test: caddy, engines } = await engineSuite('proxies with the same paths on Caddy', ['caddy']);

caddy('a running Caddy with another row of one of them is told at the route', () => {
  // The command finds caddy by its name.
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH'] ?? ''}`;
  const text = specOf(four('p', {}));
  const here = liveCase(text);
  const line = text.split('\n').findIndex((each) => each.includes('/Members')) + 1;
  const live = adapted(engines.caddy.path, here);
  assert.equal(exceptKeys(here.compare('caddy', live)), IN_SYNC);
  const { drift } = exceptKeys(here.compare('caddy', live.replace('/Members', '/members')));
  assert.is(drift.length, 2);
  assert.ok(
    drift.some((each) => each.startsWith(`${line}: `)),
    drift.join('\n'),
  );
});

caddy.run();
