import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { edited, exampleFiles, proof, specFiles } from './support/proofs.ts';

const proofs = suite('edits of generated nginx files');
const runner = exampleFiles('runner', 'nginx');

/** Each is told with a request that shows it. */
const EDITS: readonly (readonly [what: string, from: string, to: string, told: RegExp])[] = [
  ['an address more', '198.51.100.16/28 "";', '198.51.100.0/27 "";', /instead of 403$/],
  ['a method more', '"POST /api/v4/jobs/request" "jobs";', '"GET /api/v4/jobs/request" "jobs";', /jobs\/request: /],
  ['a type that takes too much', '(?:/[0-9]++)++', '(?:/[0-9a]++)++', /./],
  [
    'a default that lets pass',
    'default "path";\n    "artifacts"',
    'default "forward-gitlab~passthrough";\n    "artifacts"',
    /proved/,
  ],
  ['an end that is open', '(?:&(?!', '(?:[&;](?!', /instead of 400$/],
  ['an expression for nothing, which nginx never tries', '"" "path";', '"~^\\\\z" "path";', /405 instead of 404$/],
  ['another Allow', '"/api/v4/jobs/request" "POST";', '"/api/v4/jobs/request" "GET";', /Allow: GET instead of POST$/],
  ['a larger body', 'client_max_body_size 1048576;', 'client_max_body_size 1048577;', /instead of 413$/],
  ['another upstream', 'server gitlab.example.com:443', 'server gitlab.example.org:443', /somewhere else$/],
  ['an upstream in capitals', 'upstream "gitlab" {', 'upstream "GitLab" {', /^proved$/],
  ['a server in capitals', 'server gitlab.example.com:443', 'server GITLAB.example.com:443', /^proved$/],
  ['an upstream of another name', 'upstream "gitlab" {', 'upstream "gitlib" {', /somewhere else$/],
  ['an upstream without servers', 'server gitlab.example.com:443 max_fails=0;', '', /tell: upstream gitlab has no ser/],
  ['a target that is not raw', '${request_uri}"', '${uri}"', /another target$/],
  [
    'a header that should not pass',
    'proxy_set_header accept $http_accept;',
    'proxy_set_header accept $http_accept;proxy_set_header cookie $http_cookie;',
    /the client's cookie is sent as cookie$/,
  ],
  [
    'a longer head',
    '163[0-7][0-9]{1}|1638[0-4]) (?:(?:[A-Za-z0-9._-]++|\\\\[[0-9A-Fa-f:.]++\\\\])(?::[0-9]{1,5})?)?+ (',
    '163[0-7][0-9]{2}|1638[0-4]) (?:(?:[A-Za-z0-9._-]++|\\\\[[0-9A-Fa-f:.]++\\\\])(?::[0-9]{1,5})?)?+ (',
    /forwarded instead of 431$/,
  ],
  [
    'a table without a variable',
    'map $runners_endpoint $runners_allow',
    'map $runners_endpoint runners_allow',
    /cannot tell: [\w.-]+:\d+: a map makes no variable/,
  ],
  ['a hop that is trusted', '"1" $runners_from_hop_1;', '"1" $remote_addr;', /instead of/],
  [
    'a directive that is not known',
    'internal;',
    'internal; auth_basic off;',
    /cannot tell: location = .* has "auth_basic"/,
  ],
  ['a certificate that is not checked', 'proxy_ssl_verify on;', 'proxy_ssl_verify off;', /without a check of the cert/],
  ['a check that is left out', 'proxy_ssl_verify on;', '', /without a check of the certificate$/],
  [
    'another name in TLS',
    'proxy_ssl_name "gitlab.example.com";',
    'proxy_ssl_name evil.example;',
    /another name in TLS$/,
  ],
  ['no name in TLS', 'proxy_ssl_server_name on;', 'proxy_ssl_server_name off;', /without a name in TLS$/],
  ['a name in TLS that is left out', 'proxy_ssl_server_name on;', '', /without a name in TLS$/],
  [
    'an answer that redirects',
    'proxy_ignore_headers X-Accel-Redirect',
    'proxy_ignore_headers',
    /the upstream can order another answer$/,
  ],
  ['a directive of http', 'server_tokens off;', 'real_ip_header X-A;', /cannot tell: http has "real_ip_header"/],
  ['a block of http', 'server_tokens off;', 'split_clients $a $b { * x; }', /cannot tell: http has "split_clients"/],
  [
    'a value of http',
    'underscores_in_headers off;',
    'underscores_in_headers on;',
    /tell: http has another "underscores/,
  ],
  ['a block beside http', 'pcre_jit on;', 'stream { }', /cannot tell: nginx.conf has "stream"/],
  ['a directive of an upstream', 'keepalive 64;', 'ip_hash;', /cannot tell: an upstream has "ip_hash"/],
  [
    'a block of an upstream',
    'keepalive 64;',
    'keepalive { server 10.0.0.1; }',
    /cannot tell: an upstream has "keepalive"/,
  ],
  ['a server that is down', 'max_fails=0;', 'down;', /cannot tell: an upstream has another "server"/],
  [
    'a header of all answers',
    '    limit_req_status',
    '    add_header Allow PUT;\n    limit_req_status',
    /server has "add_/,
  ],
  [
    'PROXY protocol',
    'default_server;',
    'default_server proxy_protocol;',
    /cannot tell: the server has another "listen"/,
  ],
  ['a group in capitals', '(?<plain_1>', '(?<PLAIN_1>', /^proved$/],
  ['a split that takes more for plain', '[^A-Z /?]++', '[^B-Z /?]++', /Api.*405 instead of 404$/],
];

for (const [what, from, to, told] of EDITS) proofs(what, () => assert.match(edited(runner, from, to), told));

const pagesSpec = (cors: string) => `version: 1
name: pages
upstreams: { u: { url: https://u.example.com } }
routes:
  read: { upstream: u, allow: ["GET /a", "GET,POST /b/{x}"] }
  open: { upstream: u, auth: passthrough, allow: ["GET /open"] }
apiKeys: { one: { key: env:A, token: env:T } }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8], cors: ${cors}, responseHeaders: { X-A: b } } }
targets: { nginx: {} }
`;

const written = (cors: string) => specFiles(pagesSpec(cors), 'nginx');

const SOME_PAGES = '{ origins: ["https://app.example.com", "http://localhost:3000"], headers: [X-Page], maxAge: 1h }';
for (const cors of [SOME_PAGES, '{ origins: any }'])
  proofs(`what pages of other origins are told is proved: ${cors}`, () =>
    assert.is(proof(written(cors)).kind, 'proved'),
  );

/** Edits of what pages are told, each told with a request that shows it. */
const PAGE_EDITS: typeof EDITS = [
  [
    'an origin like it',
    'app[.]example[.]com[ \\\\t]*+(?:,|\\\\z)',
    'app[.]example[.]com',
    /allow-origin: https:\/\/app.*instead of nothing/,
  ],
  ['no preflights', '"OPTIONS" "yes";', '"OPTIONS" "no";', /^OPTIONS .*instead of 204/],
  [
    'preflights of anybody',
    '$api_verdict_page {\n    default $api_verdict_known;\n    "" $api_verdict_open;',
    '$api_verdict_page {\n    default $api_verdict_known;',
    /^OPTIONS .*204 instead of 401/,
  ],
  [
    'preflights of every path',
    '$api_verdict_known {\n    default $api_verdict_preflight;\n    "" $api_verdict_open;',
    '$api_verdict_known {\n    default $api_verdict_preflight;',
    /^OPTIONS .*204 instead of 401/,
  ],
  [
    'preflights of any size',
    'default "head-size";\n    "~^0*(',
    'default "preflight";\n    "~^0*(',
    /204 instead of 431/,
  ],
  [
    'any header',
    'Access-Control-Allow-Headers "PRIVATE-TOKEN, Content-Type, X-Page"',
    'Access-Control-Allow-Headers "*"',
    /allow-headers: \* instead of/,
  ],
  [
    'credentials',
    'add_header Access-Control-Max-Age "3600" always;',
    'add_header Access-Control-Allow-Credentials true always;',
    /allow-credentials: true instead of nothing|max-age: {2}instead of 3600/,
  ],
  [
    'two origins',
    'add_header Access-Control-Max-Age "3600" always;',
    'add_header Access-Control-Allow-Origin "*" always;',
    /cannot tell: location = .* sends Access-Control-Allow-Origin twice/,
  ],
  [
    'what the upstream says',
    'proxy_hide_header access-control-allow-credentials;',
    '',
    /access-control-allow-credentials of the upstream passes/,
  ],
  [
    'whoever is shut out',
    'location = "/./address" { internal;',
    'location = "/./address" { internal; add_header Access-Control-Allow-Origin "*" always;',
    /allow-origin: \* instead of nothing/,
  ],
];

for (const [what, from, to, told] of PAGE_EDITS)
  proofs(`what pages of other origins are told: ${what}`, () =>
    assert.match(edited(written(SOME_PAGES), from, to), told),
  );

const DEEP = '/a/b/c/d/e/f/g/h';
const deep = specFiles(
  `version: 1
name: deep
upstreams: { u: { url: https://u.example.com } }
routes: { read: { upstream: u, auth: passthrough, allow: ["GET ${DEEP}/{id:int}", "GET ${DEEP}/x.y"] } }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { nginx: {} }
`,
  'nginx',
);

proofs('longer paths are proved', () => assert.is(proof(deep).kind, 'proved'));

const ONE_MORE = `"~^${DEEP} (?<segment_9>/[^/]++)\\\\z"`;

/** Edits of the expressions of longer paths. */
const DEEP_EDITS: typeof EDITS = [
  ['any segment', '${api_as_int_9}"', '/{int}"', /h\/\S+: .*instead of 404/],
  ['any character', 'x[.]y', 'x.y', /h\/x[^.]y: .*instead of 404/],
  ['an open end', ONE_MORE, ONE_MORE.replace('\\\\z', ''), /cannot tell: [\w.-]+:\d+: the map \$api_longer captures/],
  // The segment is not captured where the first alternative matches, and nginx refuses the path.
  [
    'a second way',
    ONE_MORE,
    ONE_MORE.replace(' ', './[^/]++\\\\z|y '),
    /cannot tell: [\w.-]+:\d+: the map \$api_longer captures/,
  ],
];

for (const name of ['volatile', 'default', 'include', 'hostnames'])
  proofs(`routes are called "${name}", which means something to nginx by itself`, () => {
    const { policy, files, engine } = specFiles(
      `version: 1
name: names
upstreams: { u: { url: https://u.example.com } }
routes: { ${name}: { upstream: u, auth: passthrough, allow: [GET /a] } }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { nginx: {} }
`,
      'nginx',
    );
    assert.is(proof({ policy, files, engine }).kind, 'proved');
  });

proofs('a table that depends on itself', () => {
  const told = edited(deep, 'default "method";', 'default $api_verdict_path;');
  assert.is(told, 'cannot tell: $api_verdict_path depends on itself');
});

for (const [what, from, to, told] of DEEP_EDITS)
  proofs(`longer paths: ${what}`, () => assert.match(edited(deep, from, to), told));

proofs.run();
