import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Certificate, certify } from '../src/targets/caddy/certificate.ts';
import { assertReadable, type Checked, checkFiles } from './support/certificateChecker.ts';
import { exampleFiles, type Made, specFiles } from './support/proofs.ts';
import { inWorkspace } from './support/workspace.ts';

const SPEC = `version: 1
name: demo
upstreams: { up: { url: https://up.example.com }, other: { url: https://other.example.com } }
routes:
  read: { upstream: up, allow: [GET /a, "GET /a/{id:int}", "GET /r/{x:slug*}", "PUT /r/s/t/", "GET /{x}/b/c"] }
  write: { upstream: other, allow: ["POST /a/{id:int}/x"] }
apiKeys:
  one: { key: env:A, token: env:T, routes: [read] }
  two: { key: env:B, token: env:U, ipRanges: [10.0.0.0/9] }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { caddy: {} }
`;

const check = (certificate: string, folder: string) => checkFiles('caddy', certificate, folder);

/** What the checker says of files, and of a certificate for these or others. */
type Check = (files: Made['files'], certificate: Certificate) => Checked;

const checking = (work: (check: Check) => void) =>
  inWorkspace(async ({ path, write }) =>
    work((files, certificate) => {
      for (const { path: file, text } of files) write(file, text);
      write('certificate.json', JSON.stringify(certificate));
      return check(`${path}/certificate.json`, `${path}/caddy`);
    }),
  );

/** The files after an edit, which has to find what it changes. */
function after(files: Made['files'], from: string, to: string): Made['files'] {
  const edited = files.map((each) => ({ ...each, text: each.text.replace(from, () => to) }));
  assert.ok(
    edited.some(({ text }, index) => text !== files[index]?.text),
    from,
  );
  return edited;
}

const certificates = suite("certificates of Caddy's files");

certificates('the checker is one small file that uses nothing but node', () => {
  assertReadable('caddy', 450);
});

certificates('one that a command writes holds', () =>
  inWorkspace(async ({ path, run, write }) => {
    write('postern.yaml', SPEC);
    await run('generate');
    assert.is((await run('prove --certificate certificate.json')).status, 0);
    const { told } = check(`${path}/certificate.json`, `${path}/generated/caddy`);
    assert.match(told, /^holds for http:\/\/:8080 bind,.*: 6 rows/);
  }),
);

/** Edits of what is followed: even a certificate that is made for the edited files does not hold. */
const EDITS: readonly (readonly [from: string, to: string])[] = [
  ['"~^/a/[0-9]+/x$" "POST=write"', '"~^/a/[0-9]+/x$" "GET=write POST=write"'],
  ['"~^/a/[0-9]+/x$"', '"~^/a/[0-9]+/x"'],
  ['"~^/a/[0-9]+/x$"', '"~^/a/[0-9A-Fa-f]+/x$"'],
  ['"~^/a/[0-9]+/x$"', '"~/a/[0-9]+/x$"'],
  ['"~^/a$" "', '"~^/a$|^/b$" "'],
  ['not client_ip 10.0.0.0/8', 'not client_ip 10.0.0.0/7'],
  ['"~^one$"', '"~^one"'],
  ['"~^one$"', '"~^(?:one|three)$"'],
  ['"~^one$" "read/any', '"~^one$" "*/any'],
  ['write [*]/[^ ]+', 'write [^ ]+'],
  [' ok ok [^ ]" "yes"', ' ok ok " "yes"'],
  [' ok ok [^ ]" "yes"', ' ok [^ ]+ [^ ]" "yes"'],
  ['vars row {request.row}', 'vars row "GET=read"'],
  ['vars {decision.pass} yes', 'vars {decision.pass} yes no'],
  ['error @outside address 403', ''],
  ['error {http.vars.reason} {decision.status}', ''],
  ['vars query {request.query}', 'vars query ok'],
  ['vars reason {decision.reason}', 'vars reason query'],
  ['key {key.id}', 'key one'],
  ['import secrets/keys*', ''],
  ['vars_regexp class "^', 'vars_regexp class "'],
  ['reverse_proxy @usual-forward-up https://up.', 'reverse_proxy @usual-forward-up https://evil.'],
  ['@refused not vars', 'reverse_proxy https://up.example.com:443\n\t\t@refused not vars'],
  ['@refused not vars', 'rewrite /b\n\t\t@refused not vars'],
  ['map "{http.request.method} {http.vars.row}"', 'map "{http.request.header.X} {http.vars.row}"'],
];

certificates('an edit of what is followed is refused, whatever certificate is made for it', () =>
  checking((check) => {
    const { policy, files } = specFiles(SPEC, 'caddy');
    const certificate = certify(policy, files);
    assert.is(check(files, certificate).status, 0, check(files, certificate).told);
    for (const [from, to] of EDITS) {
      const edited = after(files, from, to);
      const own = { ...certificate, around: certify(policy, edited).around };
      assert.is.not(check(edited, own).status, 0, `${from} → ${to}`);
    }
  }),
);

certificates('an edit of what is quoted is refused', () =>
  checking((check) => {
    const { policy, files } = specFiles(SPEC, 'caddy');
    const certificate = certify(policy, files);
    for (const [from, to] of [
      ['header_up PRIVATE-TOKEN {http.vars.token}', 'header_up PRIVATE-TOKEN {http.vars.key}'],
      ['tls_server_name', 'tls_insecure_skip_verify'],
      ['|$))*$" "ok"', '|$))*" "ok"'],
      ['admin unix/', 'admin tcp/'],
    ] as const)
      assert.is(check(after(files, from, to), certificate).status, 2, `${from} → ${to}`);
  }),
);

certificates('a certificate that leaves out or adds something is refused', () =>
  checking((check) => {
    const { policy, files } = specFiles(SPEC, 'caddy');
    const certificate = certify(policy, files);
    const [proxy] = certificate.proxies;
    assert.ok(proxy);
    const refused = (changed: Certificate, title: string) => assert.is.not(check(files, changed).status, 0, title);
    for (const index of certificate.keys.keys())
      refused({ ...certificate, keys: certificate.keys.toSpliced(index, 1) }, `without key ${index}`);
    for (const [index, key] of certificate.keys.entries()) {
      refused({ ...certificate, keys: certificate.keys.with(index, { ...key, groups: [] }) }, 'no groups');
      const from = key.from === 'any' ? ['10.0.0.0/9'] : 'any';
      refused({ ...certificate, keys: certificate.keys.with(index, { ...key, from }) }, 'other addresses');
    }
    const withProxy = (changes: Partial<typeof proxy>) => ({ ...certificate, proxies: [{ ...proxy, ...changes }] });
    for (const index of proxy.rows.keys())
      refused(withProxy({ rows: proxy.rows.toSpliced(index, 1) }), `without row ${index}`);
    const [, , treatment = '', group = ''] = proxy.rows[0] ?? [];
    refused(withProxy({ rows: [...proxy.rows, ['GET', '/more', treatment, group]] }), 'another row');
    refused(withProxy({ from: 'any' }), 'from anywhere');
    refused(withProxy({ usesKeys: false }), 'without keys');
    refused({ ...certificate, proxies: [] }, 'without a proxy');
  }),
);

for (const count of [2, 4])
  certificates(`${count} proxies: their certificate holds, and not with the rows of another one`, () =>
    checking((check) => {
      const more = Array.from(
        { length: count - 1 },
        (_, at) => `p${at}: { listen: ${8081 + at}, ipRanges: [10.0.0.0/8] }`,
      );
      const { policy, files } = specFiles(SPEC.replace('{ api: ', `{ ${more.join(', ')}, api: `), 'caddy');
      const certificate = certify(policy, files);
      assert.is(check(files, certificate).told.match(/^holds for/gm)?.length, count);
      const [first, ...others] = certificate.proxies;
      assert.ok(first);
      const short = { ...certificate, proxies: [{ ...first, rows: first.rows.slice(1) }, ...others] };
      assert.is(check(files, short).status, 1);
      assert.is(check(files, { ...certificate, proxies: others }).status, 2);
    }),
  );

const EXAMPLES = ['vault', 'gitlab-flow', 'addresses', 'gitlab-proxy', 'runner', 'dependency-proxy'];

for (const name of [...EXAMPLES, 'environments/envs/prod.yaml', 'environments/envs/staging.yaml'])
  certificates(`${name}: its certificate holds`, () =>
    checking((check) => {
      const { policy, files } = exampleFiles(name, 'caddy');
      const { status, told } = check(files, certify(policy, files));
      assert.is(status, 0, told);
    }),
  );

for (const [what, from, to] of [
  ['pages of other origins', 'ipRanges: [10.0.0.0/8] }', 'ipRanges: [10.0.0.0/8], cors: { origins: any } }'],
  ['names of proxies', 'ipRanges: [10.0.0.0/8] }', 'ipRanges: [10.0.0.0/8], hosts: [a.example.com] }'],
  ['keys that expire', 'token: env:T,', 'token: env:T, expires: 2099-01-01,'],
] as const)
  certificates(`${what} are said not to be covered`, () =>
    inWorkspace(async ({ run, write, read }) => {
      write('postern.yaml', SPEC.replace(from, to));
      await run('generate');
      const { status, stdout } = await run('prove --certificate certificate.json');
      assert.is(status, 2, stdout);
      assert.match(stdout, `does not cover ${what}`);
      assert.throws(() => read('certificate.json'));
    }),
  );

// POSTERN_ROUTES=1000 takes a few seconds more.
const count = Number(process.env['POSTERN_ROUTES'] ?? 300);

certificates(`${count} routes are checked`, () =>
  checking((check) => {
    const routes = Array.from({ length: count }, (_, index) => {
      const types = ['encodedPath', 'int', 'slug'];
      return `"GET /api/v4/${types[index % 3]}s/{id:${types[index % 2]}}/thing${index >> 2}/{x:${types[index % 5] ?? 'hex'}}"`;
    });
    const { policy, files } = specFiles(SPEC.replace('GET /a, ', `GET /a, ${routes.join(', ')}, `), 'caddy');
    const before = Date.now();
    const { told } = check(files, certify(policy, files));
    console.log(`${count} routes: ${Date.now() - before} ms`);
    assert.match(told, new RegExp(`^holds for .*: ${count + 6} rows`));
  }),
);

certificates.run();
