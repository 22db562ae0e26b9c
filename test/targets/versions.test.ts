import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../src/compile.ts';

const test = suite('what a version cannot do');

/** Codes of what is said of a spec for this version of an engine. */
function said(target: string, version: string | undefined): string[] {
  const spec = {
    version: 1,
    name: 'versions',
    upstreams: { up: { url: 'https://up.example.com' } },
    routes: { read: { upstream: 'up', allow: ['GET /a'] } },
    apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN' } },
    proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'] } },
    targets: { [target]: { ...(target === 'nginx' ? { resolver: ['10.0.0.2'] } : {}), version } },
  };
  const { diagnostics } = compile(JSON.stringify(spec), { file: 'postern.json', read: () => undefined });
  return diagnostics.map(({ severity, code }) => `${severity} ${code}`);
}

test('an interim answer is the final one to nginx before 1.29', () => {
  assert.equal(said('nginx', '1.28.3'), ['warning nginx/interim-answers']);
  assert.equal(said('nginx', '1.29'), []);
  assert.equal(said('nginx', undefined), []);
});

test('of several lines of a header, nginx before 1.23 passes on the first', () => {
  assert.equal(said('nginx', '1.22'), ['warning nginx/interim-answers', 'warning nginx/first-line-only']);
  assert.equal(said('nginx', '1.23'), ['warning nginx/interim-answers']);
});

test('trailers that were not announced pass Caddy', () => {
  assert.equal(said('caddy', '2.11.4'), ['warning caddy/unannounced-trailers']);
  assert.equal(said('caddy', '2.11.2'), ['error caddy/old-version']);
  assert.equal(said('caddy', undefined), []);
});

test('one name beside other upstreams takes them down too, while nginx cannot resolve it', () => {
  const said = (...hosts: string[]) => {
    const upstreams = hosts.map((host, index) => [`u${index}`, { url: `http://${host}:8080` }]);
    const routes = hosts.map((_, index) => [`r${index}`, { upstream: `u${index}`, allow: [`GET /${index}`] }]);
    const spec = {
      version: 1,
      name: 'names',
      upstreams: Object.fromEntries(upstreams),
      routes: Object.fromEntries(routes),
      apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN' } },
      proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'] } },
      targets: { nginx: {} },
    };
    const { diagnostics } = compile(JSON.stringify(spec), { file: 'postern.json', read: () => undefined });
    return diagnostics.map(({ code }) => code);
  };
  assert.equal(said('up.example.com', '10.0.0.1'), ['nginx/names-at-start']);
  assert.equal(said('up.example.com', 'other.example.com'), ['nginx/names-at-start']);
  assert.equal(said('up.example.com'), []);
  assert.equal(said('10.0.0.1', '10.0.0.2'), []);
});

test.run();
