import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shownRequest } from '../src/prove/witness.ts';
import { edited, PROVED_SPEC, proof, specFiles, told } from './support/proofs.ts';

const proofs = suite('edits of generated Caddyfiles');

const own = specFiles(PROVED_SPEC, 'caddy');

/** Each is told with a request that shows it. */
const EDITS: readonly (readonly [what: string, from: string, to: string, told: RegExp])[] = [
  ['a class of another row', '"POST=hooks"', '"POST=read"', /hooks\/0: forwarded instead of 403$/],
  ['an address more', 'not client_ip 192.0.2.0/24', 'not client_ip 192.0.2.0/23', /instead of 403$/],
  ['a matcher the other way round', 'not client_ip 192.0.2.0/24', 'client_ip 192.0.2.0/24', /403 instead of 401$/],
  ['another upstream', 'https://gitlab.example.com:443 {', 'https://gitlab.example.org:443 {', /somewhere else$/],
  [
    'the key in place of the token',
    'header_up PRIVATE-TOKEN {http.vars.token}',
    'header_up PRIVATE-TOKEN {http.request.header.PRIVATE-TOKEN}',
    /does not get the token of one$/,
  ],
  ['a header without a name', '\t\tdefault "Accept"\n', '', /: 502 instead of forwarding$/],
  [
    'a header with a colon in its name',
    '{sent.accept} {http.request.header.Accept}',
    'a: b',
    /^cannot tell: .*: a header is called "a:"$/,
  ],
  ['headers that are not taken away', 'header_up -*', '', /all headers of the client are sent$/],
  ['a word that Caddy joins', '192.0.2.0/24\n', '192.0.2.0/2\r3\n', /cannot tell: .* a word that is not known/],
  ['a row with "-", which is passed over', '"POST=hooks"', '"-"', /hooks\/0: 404 instead of 405$/],
  ['a row without a value', '"POST=hooks"', '', /hooks\/0: 404 instead of 405$/],
  ['a default without a value', 'default "query"', 'default', /user[?]0: 403 instead of 400$/],
  // It is for the empty text, as the path of a request whose path is none.
  ['an expression that is empty', '"~^/api/v4/hooks/[0-9]+$"', '"~"', /\/[.]: 405 instead of 404$/],
  ['a header of answers that Caddy never passes on', 'header_down -Alt-Svc\n', '\n', /^proved$/],
  ['another header of answers', 'header_down -Set-Cookie\n', '\n', /set-cookie of the upstream passes$/],
  ['another status', '"path" "404"', '"path" "403"', /403 instead of 404$/],
  ['a query that is not looked at', 'default "query"', 'default "ok"', /forwarded instead of 400$/],
  [
    'another Allow',
    'header @method Allow {http.vars.allow}',
    'header @method Allow "GET"',
    /Allow: GET instead of GET, HEAD$/,
  ],
  ['a row that is there twice', '"~^two$" "hooks', '"~^one$" "hooks', /cannot tell: .*a row that is there twice/],
  [
    'a second site',
    '# Proxy api',
    'http://:8080 {\n\trespond hi 200\n}\n# Proxy api',
    /cannot tell: no site, or more than one/,
  ],
  [
    'a directive that is not known',
    'import protected',
    'import protected\n\t\ttemplates',
    /cannot tell: .*has "templates"/,
  ],
  ['a table that depends on itself', 'default "query"', 'default {request.query}', /cannot tell: .*depends on itself/],
  [
    'an admin API for all',
    'admin unix/admin.sock|0600',
    'admin :2019',
    /^cannot tell: .*:\d+: the admin API is open at :20/,
  ],
  [
    'an admin API of the machine',
    'admin unix/admin.sock|0600',
    '',
    /cannot tell: .* admin API is open at localhost:2019/,
  ],
  ['a socket for all', 'admin unix/admin.sock|0600', 'admin unix/admin.sock|0666', /cannot tell: .* admin API is open/],
  ['no admin API', 'admin unix/admin.sock|0600', 'admin off', /^proved$/],
  ['compressed answers', 'compression off', '', /^cannot tell: .* asks upstreams for compressed answers$/],
  ['another protocol', 'protocols h1', 'protocols h1 h2', /cannot tell/],
  ['another address to listen at', 'bind tcp4/0.0.0.0', 'bind tcp4/127.0.0.1', /cannot tell: no site/],
];

for (const [what, from, to, expected] of EDITS) proofs(what, () => assert.match(edited(own, from, to), expected));

proofs('a witness shows what stands behind a key, and no key', () => {
  const shown = (end: string) => {
    const made = specFiles(PROVED_SPEC, 'caddy');
    const from = '[ \\t]*(?:,.*)?$" "$1"';
    const files = made.files.map((file) => ({ ...file, text: file.text.replace(from, () => end) }));
    const result = proof({ ...made, files });
    const [proxy] = made.policy.proxies;
    assert.ok(proxy && result.kind === 'differs');
    return shownRequest(result.difference.request, proxy);
  };
  assert.match(shown('[ \\t]*$" "$1"'), /'PRIVATE-TOKEN: <key of one>[ \t]*,/);
});

const named = specFiles(
  `version: 1
name: named
upstreams: { up: { url: https://up.example.com } }
routes: { read: { upstream: up, auth: passthrough, allow: [GET /a] } }
proxies: { api: { listen: 8080, hosts: [fed.cafe], ipRanges: any } }
targets: { caddy: {} }
`,
  'caddy',
);

proofs('answers without a body', () => {
  const answers = [204, 205, 304].map((status) => `{ request: GET /${status}, auth: none, status: ${status} }`);
  for (const engine of ['caddy', 'nginx'] as const) {
    const made = specFiles(
      `version: 1
name: bodiless
upstreams: { up: { url: https://up.example.com } }
routes: { read: { upstream: up, auth: passthrough, allow: [GET /a] } }
proxies: { api: { listen: 8080, ipRanges: any, answer: [${answers}] } }
targets: { ${engine}: {} }
`,
      engine,
    );
    assert.is(told(proof(made), made), 'proved');
  }
});

proofs('a proxy with a name of its own', () => assert.is(told(proof(named), named), 'proved'));
proofs('a name in brackets, which Caddy takes off, and a port that is none', () => {
  const check = 'header_regexp Host "^[A-Za-z0-9._-]*(?::[0-9]*)?$"';
  const expression = (text: string) => `header_regexp Host "${text}"`;
  for (const other of [
    '',
    expression('^[^:]*(?::[0-9]*)?$'),
    expression('^[^[]*$'),
    expression('^[^:[]*(?::[0-9]*)?$'),
  ])
    assert.match(edited(named, check, other), /instead of 421/);
});

proofs.run();
