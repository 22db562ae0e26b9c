import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Certificate, certify } from '../src/targets/nginx/certificate.ts';
import { assertReadable, checkFiles } from './support/certificateChecker.ts';
import { exampleFiles, specFiles } from './support/proofs.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const SPEC = `version: 1
name: demo
upstreams: { up: { url: https://up.example.com } }
routes:
  read: { upstream: up, allow: [GET /a, "GET /a/{id:int}", "GET /a/$a"] }
  write: { upstream: up, allow: ["POST /a/{id:int}/x"] }
apiKeys:
  one: { key: env:A, token: env:T, routes: [read] }
  two: { key: env:B, token: env:U, ipRanges: [10.0.0.0/9] }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { nginx: {} }
`;

const check = (certificate: string, folder: string) => checkFiles('nginx', certificate, folder);

const certificates = suite('certificates');

certificates('the checker is one small file that uses nothing but node', () => {
  assertReadable('nginx', 450);
});

type Edit = readonly [file: string, from: string, to: string];

/** Asserts that the files are refused after each edit by itself. */
function refusesEach({ path, read, write }: Workspace, certificate: string, edits: readonly Edit[]): void {
  for (const [file, from, to] of edits) {
    const name = `generated/nginx/${file}`;
    const text = read(name);
    assert.ok(text.includes(from), `${file}: ${from}`);
    write(
      name,
      text.replace(from, () => to),
    );
    assert.ok([1, 2].includes(check(certificate, `${path}/generated/nginx`).status ?? 0), `${file}: ${to}`);
    write(name, text);
  }
}

certificates('one that holds is refused for other files', () =>
  inWorkspace(async (workspace) => {
    const { path, run, write } = workspace;
    write('postern.yaml', SPEC);
    await run('generate');
    assert.is((await run('prove --certificate certificate.json')).status, 0);
    const [certificate, folder] = [`${path}/certificate.json`, `${path}/generated/nginx`];
    assert.equal(check(certificate, folder).told.replace(/: .*\n/, ''), 'holds for listen,8080,default_server');
    refusesEach(workspace, certificate, [
      ['api.routes.conf', '"GET /a" "read"', '"GET /b" "read"'],
      ['maps.conf', '10.0.0.0/8', '10.0.0.0/7'],
      ['maps.conf', 'default "$"', 'default "b"'],
      ['type-int.conf', '[0-9]', '[0-8]'],
      ['upstreams.conf', 'up.example.com:443', 'evil.example.com:443'],
    ]);
  }),
);

const PAGES_AND_RESTS = SPEC.replace(
  'GET /a, ',
  '"GET /A/Issues/{x:slug}", "GET /r/{x:int*}", "PUT /r/s/t/", "GET /{x}/b/c", GET /a, ',
).replace('ipRanges: [10.0.0.0/8] }', 'ipRanges: [10.0.0.0/8], cors: { origins: ["https://a.example.com"] } }');

certificates('pages of other origins, rests of paths and capital letters are covered, and so are edits of them', () =>
  inWorkspace(async (workspace) => {
    const { path, run, write } = workspace;
    write('postern.yaml', PAGES_AND_RESTS);
    await run('generate');
    assert.is((await run('prove --certificate certificate.json')).status, 0);
    const [certificate, folder] = [`${path}/certificate.json`, `${path}/generated/nginx`];
    assert.match(check(certificate, folder).told, /^holds/);
    refusesEach(workspace, certificate, [
      ['api.routes.conf', '"/r" "${api_path_1}${api_rest_int_2}"', '"/r" "${api_path_1}/{int*}"'],
      ['api.routes.conf', '"${segment_2}${segment_3}', '"${segment_2}'],
      ['api.routes.conf', '"PUT /r/s/t/" "read"', '"PUT /r/s/t" "read"'],
      ['api.routes.conf', '"/{^A}/{^I}ssues" "/{^A}/{^I}ssues"', '"/{^A}/issues" "/{^A}/{^I}ssues"'],
      ['api.conf', '"~^yes [ \\\\t]*+[^ \\\\t,]"', '"~^[ \\\\t]*+[^ \\\\t,]"'],
      ['api.conf', '"OPTIONS" "yes"', '"GET" "yes"'],
      ['api.conf', 'default $api_verdict_preflight;', 'default $api_verdict_plain;'],
    ]);
  }),
);

certificates('a certificate made for edited files is refused where it does not show the edit', () =>
  inWorkspace(async ({ path, write }) => {
    const { policy, files } = specFiles(SPEC, 'nginx');
    const held = (
      from: string | RegExp,
      to: string,
      quoted: (own: Certificate['proxies'][number]['quoted']) => unknown,
    ) => {
      const edited = files.map((each) => ({ ...each, text: each.text.replace(from, () => to) }));
      assert.ok(edited.some(({ text }, index) => text !== files[index]?.text));
      for (const { path: file, text } of edited) write(file, text);
      const certificate = certify(policy, edited);
      const proxies = certificate.proxies.map((own) => ({ ...own, quoted: quoted(own.quoted) }));
      write('certificate.json', JSON.stringify({ ...certificate, proxies }));
      return check(`${path}/certificate.json`, `${path}/nginx`).status === 0;
    };
    // Every key is the key of somebody.
    const anybody = 'map "" $private__token_id { default "one"; }';
    assert.not(held(/map "id:\$\{private__token_selector\}"[^}]*\}/, anybody, ({ private__token_id, ...own }) => own));
    // Every key may use all routes.
    const all = 'map "" $private__token_grants { default "*"; }';
    const table = ['map', '', '$private__token_grants', [['default', '*']]];
    for (const is of ['followed', 'decision', 'anything', 'marked']) {
      const shown = is === 'followed' ? {} : { private__token_grants: { is, table } };
      const refused = !held(/map \$private__token_id \$private__token_grants \{(?:.*\n)*?\}/, all, (own) => ({
        ...own,
        ...shown,
      }));
      assert.ok(refused, is);
    }
  }),
);

// POSTERN_ROUTES=1000 takes a few seconds more.
const count = Number(process.env['POSTERN_ROUTES'] ?? 300);

certificates(`${count} routes are checked`, () =>
  inWorkspace(async ({ path, write }) => {
    const routes = Array.from({ length: count }, (_, index) => {
      const types = ['encodedPath', 'int', 'slug'];
      return `"GET /api/v4/${types[index % 3]}s/{id:${types[index % 2]}}/thing${index >> 2}/{x:${types[index % 5] ?? 'hex'}}"`;
    });
    const { policy, files } = specFiles(SPEC.replace('GET /a, ', `GET /a, ${routes.join(', ')}, `), 'nginx');
    for (const { path: file, text } of files) write(file, text);
    write('certificate.json', JSON.stringify(certify(policy, files)));
    assert.match(
      check(`${path}/certificate.json`, `${path}/nginx`).told,
      new RegExp(`^holds for .*: ${count + 4} rows`),
    );
  }),
);

certificates('a file holds the certificate of one engine', () =>
  inWorkspace(async ({ run, write, read }) => {
    write('postern.yaml', SPEC.replace('nginx: {}', 'nginx: {}, caddy: {}'));
    await run('generate');
    const { status, stdout } = await run('prove --certificate certificate.json');
    assert.is(status, 2);
    assert.match(stdout, /no certificate is written: (?:nginx and caddy|caddy and nginx) are proved/);
    assert.throws(() => read('certificate.json'));
    assert.is((await run('prove --engine caddy --certificate certificate.json')).status, 0);
  }),
);

for (const name of ['deploy', 'vault', 'runner'])
  certificates(`${name}: its certificate holds, and not with another row, key, set or check`, () =>
    inWorkspace(async ({ path, write }) => {
      const { policy, files } = exampleFiles(name, 'nginx');
      const certificate = certify(policy, files);
      const folder = fileURLToPath(new URL(`../examples/${name}/generated/nginx`, import.meta.url));
      const checked = (changed: unknown) => {
        write('certificate.json', JSON.stringify(changed));
        return check(`${path}/certificate.json`, folder).status;
      };
      assert.is(checked(certificate), 0);
      const [proxy, ...others] = certificate.proxies;
      if (!proxy) throw new Error('an example has a proxy');
      for (const changes of [
        { rows: proxy.rows.slice(1) },
        { rows: [...proxy.rows, ['GET', '/more', proxy.rows[0]?.[2], proxy.rows[0]?.[3]]] },
        { names: [['listen', '8081']] },
        { from: 'any' },
        { allow: `${proxy.allow}_more` },
        { cuts: [] },
        { goesOn: `${proxy.goesOn}_more` },
        { checks: [proxy.goesOn] },
        { treatments: {} },
        { quoted: Object.fromEntries(Object.entries(proxy.quoted).slice(1)) },
      ])
        assert.is.not(
          checked({ ...certificate, proxies: [{ ...proxy, ...changes }, ...others] }),
          0,
          JSON.stringify(changes),
        );
      for (const changes of [{ certificate: '' }, { around: [] }, { types: {} }, { proxies: [] }])
        assert.is.not(checked({ ...certificate, ...changes }), 0, JSON.stringify(changes));
    }),
  );

for (const count of [2, 4])
  certificates(`${count} proxies: their certificate holds, and not with the rows of another one`, () =>
    inWorkspace(async ({ path, write }) => {
      const more = Array.from(
        { length: count - 1 },
        (_, at) => `p${at}: { listen: ${8081 + at}, ipRanges: [10.0.0.0/8] }`,
      );
      const { policy, files } = specFiles(SPEC.replace('{ api: ', `{ ${more.join(', ')}, api: `), 'nginx');
      for (const { path: file, text } of files) write(file, text);
      const certificate = certify(policy, files);
      const checked = (own: Certificate) => {
        write('certificate.json', JSON.stringify(own));
        return check(`${path}/certificate.json`, `${path}/nginx`);
      };
      assert.is(checked(certificate).told.match(/^holds for/gm)?.length, count, checked(certificate).told);
      const [first, ...others] = certificate.proxies;
      assert.ok(first);
      assert.is(checked({ ...certificate, proxies: [{ ...first, rows: first.rows.slice(1) }, ...others] }).status, 1);
      assert.is(checked({ ...certificate, proxies: others }).status, 2);
    }),
  );

const EXAMPLES = ['gitlab-flow', 'gitlab-proxy', 'all-options', 'dependency-proxy'];

for (const name of [...EXAMPLES, 'environments/envs/prod.yaml', 'environments/envs/staging.yaml'])
  certificates(`${name}: its certificate holds`, () =>
    inWorkspace(async ({ path, write }) => {
      const { policy, files } = exampleFiles(name, 'nginx');
      for (const { path: file, text } of files) write(file, text);
      write('certificate.json', JSON.stringify(certify(policy, files)));
      const { status, told } = check(`${path}/certificate.json`, `${path}/nginx`);
      assert.is(status, 0, told);
    }),
  );

certificates.run();
