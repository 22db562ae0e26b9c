import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { type Engine, PROVED_SPEC, specFiles } from './support/proofs.ts';
import { toldAndTried } from './support/toldAndTried.ts';

const { test, engines } = await engineSuite('edits that are told and confirmed', ['nginx', 'caddy']);

type Edits = readonly (readonly [what: string, from: string, to: string, told: RegExp])[];

/** Edits of the expressions that split request lines: the first place in paths.conf where each is found. */
const SPLITS: Edits = [
  ['capitals that count as small ones', '[^A-Z /?]++', '[^B-Z /?]++', /instead of 404/],
  ['a letter that is not plain', '[^A-Z /?]', '[^A-Zp /?]', /404 instead of/],
  ['a segment without a name', '(?<plain_3>', '(?<plane_3>', /404 instead of/],
  ['a query with less in it', '(?<query>[^ ]*+)', '(?<query>[^ a]*+)', /404 instead of/],
  ['another method', 'GET|HEAD', 'GET|HED', /forwarded instead of 405/],
  ['a version that is not there', '[.][01]', '[.][02]', /404 instead of/],
  ['a repetition that gives back', '[^A-Z /?]++', '[^A-Z /?]+', /^proved/],
  ['a version that no request has', '[.][01]', '[.][01~]', /^proved/],
  ['a default that is none', 'default "-";', 'defxult "-";', /^proved/],
  ['a request line that is none', 'default "-";', 'default "-"; put "PUT";', /^proved/],
  ['whatever stands behind the version', '[01]\\\\z', '[01]', /^cannot tell: .* splits the request line/],
];

const DECODED: Edits = [
  ['the decoded path', 'map $request $verb', 'map "$request_method $uri HTTP/1.1" $verb', /forwarded instead of 400/],
];

/** Of Caddy's, the place that the path leads to. */
const ORIGINAL = 'map "{http.request.orig_uri}" {request.safe_path}';
const CADDY_DECODED: Edits = [
  ['the decoded path', ORIGINAL, ORIGINAL.replace('orig_uri', 'uri.path'), /^405 instead of 404|^404 instead of/],
];

const ASKED: Edits = [['a location that clients ask for', '"^(?!/[.]/)"', '"^(?!/[.]/|/~x/)"', /404 instead of 401/]];

const HEADERS: Edits = [
  ['a header under the name of another', 'default "Accept-Language"', 'default "Range"', /accept-language is sent as/],
  ['a header under a name that is set, too', 'default "Accept-Language"', 'default "User-Agent"', /is not passed on/],
  [
    'two values of a header',
    'header_up +X-Forwarded-Host {http.request.hostport}',
    'header_up +If-Match a\n\theader_up +If-Match b',
    /if-match is not passed on/,
  ],
];

/** Go refuses what has such an escape, whatever the files say. */
const ESCAPES: Edits = [['an escape that is none', '%(?:2[0-24-9A-Ea-e]', '%(?:2[0-24-9A-Ea-eg-z]', /^proved/]];

/** nginx refuses it too, but for what stands behind a "#". */
const OF_TYPE = '(?:;|%3[Bb])';
const NGINX_ESCAPES: Edits = [
  ['an escape that is none', '%(?:2[0-246-9A-Da-d]', '%(?:2[0-246-9A-Da-dg-z]', /^proved/],
  ['an escape that is none, and zeros', OF_TYPE, '(?:;|%g|%00|%3[Bb])', /^proved/],
  ['an escape of a line end', '%(?:2[0-246-9A-Da-d]', '%(?:[02][0-246-9A-Da-d]', /^405 instead of 404/],
  ['an escape that nobody decodes', OF_TYPE, '(?:;|#%g|%3[Bb])', /^405 instead of 404/],
];

const ROUTES: Edits = [
  ['all of a match in place of a group', 'POST=([^ ]+)" "$1"', 'POST=([^ ]+)" "$0"', /^403 instead of/],
];

/** What tells the upstream who asked. */
const OF_NGINX: Edits = [
  ['cookies of the upstream', 'proxy_hide_header set-cookie;', '', /set-cookie of the upstream passes/],
  ['no X-Forwarded-For', 'proxy_set_header X-Forwarded-For $remote_addr;', '', /x-forwarded-for is not sent/],
  ['no X-Forwarded-Host', 'proxy_set_header X-Forwarded-Host $http_host;', '', /x-forwarded-host is not sent/],
  ['what the client says of itself', 'For $remote_addr', 'For $proxy_add_x_forwarded_for', /another x-forwarded-for/],
];
const OF_CADDY: Edits = [
  ['cookies of the upstream', 'header_down -Set-Cookie', '', /set-cookie of the upstream passes/],
  ['no X-Real-IP', 'header_up X-Real-IP {http.vars.client_ip}', '', /x-real-ip is not sent/],
  ['no X-Forwarded-Proto', 'header_up X-Forwarded-Proto http', '', /x-forwarded-proto is not sent/],
  ['no X-Forwarded-Host', 'header_up +X-Forwarded-Host {http.request.hostport}', '', /x-forwarded-host is not sent/],
];

const SERVER_NAME: Edits = [
  [
    'an address as the name in TLS',
    'tls_server_name "gitlab.example.com"',
    'tls_server_name 192.0.2.1',
    /another name in/,
  ],
  ['the same name with the dot of the root', 'e "gitlab.example.com"', 'e "gitlab.example.com."', /^proved/],
  ['another name in TLS', 'tls_server_name "gitlab.', 'tls_server_name "gitlxb.', /to another name in TLS/],
];

const SSL_NAME: Edits = [
  ['another name in TLS', 'proxy_ssl_name "gitlab.', 'proxy_ssl_name "gitlxb.', /to another name in TLS/],
];

const TARGET_END = '(?:[?].*)?$" "$1"\n\t\t\tdefault ""';

/** Caddy knows placeholders in one case alone, and the word `default` too; names of headers in any. */
const CASES: Edits = [
  ['a table in capitals', 'map {request.safe_path} {request.row}', 'map {REQUEST.safe_path} {request.row}', /404 inst/],
  ['the target in capitals', 'map "{http.request.orig_uri}" {r', 'map "{http.request.ORIG_uri}" {r', /404 instead of/],
  ['the method in capitals', '"{http.request.method} {', '"{http.request.METHOD} {', /instead of/],
  [
    'a table of queries in capitals',
    'vars query {request.query}',
    'vars query {request.QUERY}',
    /instead of forwarding/,
  ],
  ['a decision in capitals', 'not vars {decision.pass} yes', 'not vars {DECISION.pass} yes', /instead of forwarding/],
  ['a token in capitals', 'header_up PRIVATE-TOKEN {http.vars', 'header_up PRIVATE-TOKEN {HTTP.vars', /the token of/],
  [
    'a copied header in capitals',
    'User-Agent {http.request',
    'User-Agent {HTTP.request',
    /user-agent is not passed on/,
  ],
  [
    'the source of a copy in capitals',
    'map "{http.request.header.Accept}',
    'map "{HTTP.request.header.Accept}',
    /accept/,
  ],
  ['the name of a copy in capitals', 'header_up {sent.accept}', 'header_up {SENT.accept}', /502 instead of forwarding/],
  ['a name that nobody makes', '{sent.accept} {\n', '{sent.axcept} {\n', /502 instead of forwarding/],
  [
    'an empty header in the name of another',
    '{sent.if_match} {\n\t\t"" "Postern-Absent"',
    '{sent.if_match} {\n\t\t"" "If-None-Match"',
    /^if-none-match is not passed on/,
  ],
  ['a copy without a name', '\t\tdefault "Accept"\n', '', /502 instead of forwarding/],
  [
    'methods in capitals',
    'Allow {http.vars.allow}',
    'Allow {HTTP.vars.allow}',
    /Allow: \{HTTP.vars.allow\} instead of/,
  ],
  ['a status in capitals', '"}` {http.error', '"}` {HTTP.error', /^proved/],
  ['a header of the client in capitals', 'request.header.Content-Length}', 'request.header.CONTENT-length}', /^proved/],
  ['a default in capitals', 'default "403"', 'DEFAULT "403"', /500 instead of 403/],
  ['a default of targets in capitals', TARGET_END, TARGET_END.replace('default', 'DEFAULT'), /^proved/],
  ['a default in capitals that is nothing', 'default "no"', 'DEFAULT "no"', /^proved/],
];

/** The first place of this text is the table that takes the key. */
const KEY_END = '[ \\t]*(?:,.*)?$" "$1"';
const FOLLOWED: Edits = [
  ['a key with anything behind it', KEY_END, '.*$" "$1"', /403 instead of 401/],
  ['a key without an end', KEY_END, '" "$1"', /403 instead of 401/],
  ['a key with a comma or nothing behind it', KEY_END, '[ \\t]*(?:,.*)?" "$1"', /403 instead of 401/],
  ['a key with nothing behind it', KEY_END, '[ \\t]*$" "$1"', /401 instead of 404/],
  ['a key with anything behind it, written otherwise', KEY_END, '(?:.*)$" "$1"', /403 instead of 401/],
  ['a key with a semicolon behind it', KEY_END, '[ \\t]*(?:[,;].*)?$" "$1"', /403 instead of 401/],
  ['a key of many characters', `{20,128})${KEY_END}`, `{20,})${KEY_END}`, /403 instead of 401/],
  ['no key of 20 characters', `{20,128})${KEY_END}`, `{21,128})${KEY_END}`, /401 instead of 404/],
  ['a key of fewer characters', `~+/=-]{20,128})${KEY_END}`, '~+/=-]{20,127}).*$" "$1"', /^cannot tell/],
];

const NGINX_CASES: Edits = [['a default in capitals', 'default "-";', 'DEFAULT "-";', /^proved/]];

const UPSTREAMS: Edits = [
  ['one failure', 'max_fails=0;', 'max_fails=1;', /^proved/],
  ['ten failures', 'max_fails=0;', 'max_fails=10;', /^proved/],
];

/** Pools of both schemes, behind a load balancer. */
const POOLS = `version: 1
name: pools
upstreams:
  gitlab: { url: https://gitlab.example.com }
  plain: { url: http://plain.example.com:81, servers: [10.9.0.1:81, 10.9.0.2:81] }
  pool: { url: https://pool.example.com, servers: [10.9.1.1:443, 10.9.1.2:443, 10.9.1.3:443] }
routes:
  a: { upstream: gitlab, allow: [GET /a] }
  b: { upstream: plain, allow: [GET /b] }
  c: { upstream: pool, allow: [GET /c] }
apiKeys: { one: { key: "env:ONE", token: "env:TOKEN_ONE" } }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24], clientIp: { trustedProxies: [10.0.0.0/8] } } }
targets: { nginx: {}, caddy: {} }
`;

const ELSEWHERE = /^forwarded to somewhere else/;
const NGINX_POOLS: Edits = [
  ['a server of a pool that is gone', '    server 10.9.0.1:81 max_fails=0;\n', '', ELSEWHERE],
  ['a server of a pool over TLS that is gone', '    server 10.9.1.2:443 max_fails=0;\n', '', ELSEWHERE],
  ['one server more', 'server 10.9.0.1:81', 'server 10.9.0.7:81;\n    server 10.9.0.1:81', ELSEWHERE],
  ['another server', '10.9.1.1:443', '10.9.1.7:443', ELSEWHERE],
];
const NGINX_SENT: Edits = [
  ['no TLS', 'proxy_pass "https:', 'proxy_pass "http:', ELSEWHERE],
  ['TLS where there is none', 'proxy_pass "http:', 'proxy_pass "https:', ELSEWHERE],
  [
    'the name that was asked for',
    'proxy_ssl_name "gitlab.example.com"',
    'proxy_ssl_name $host',
    /to another name in TLS/,
  ],
  ['no name in TLS', 'proxy_ssl_name "gitlab.example.com";', '', /to another name in TLS/],
  ['whoever connects', 'X-Forwarded-For $api_client', 'X-Forwarded-For $remote_addr', /another x-forwarded-for/],
  [
    'whoever connects, added',
    'X-Forwarded-For $api_client',
    'X-Forwarded-For $proxy_add_x_forwarded_for',
    /another x-forwarded-for/,
  ],
  ['whoever connects, in X-Real-IP', 'X-Real-IP $api_client', 'X-Real-IP $remote_addr', /another x-real-ip/],
];
const FOUND = '{http.vars.client_ip}';
const CADDY_POOLS: Edits = [
  [
    'a server of a pool over TLS that is gone',
    'usual-forward-pool https://10.9.1.1:443',
    'usual-forward-pool',
    ELSEWHERE,
  ],
  ['TLS where there is none', 'plain http://10.9.0.1:81 http:', 'plain https://10.9.0.1:81 https:', ELSEWHERE],
  ['the name that was asked for', '"gitlab.example.com"\n\t}', '{http.request.host}\n\t}', /to another name in TLS/],
  ['whoever connects', `X-Forwarded-For ${FOUND}`, 'X-Forwarded-For {http.request.remote.host}', /another x-forw/],
  ['whoever connects, in X-Real-IP', `X-Real-IP ${FOUND}`, 'X-Real-IP {remote_host}', /another x-real-ip/],
];

/** Where the client is looked for. Requests of trusted proxies in their own name are refused anyway. */
const NGINX_CLIENT: Edits = [
  ['one more that is trusted', '10.0.0.0/8 "1";', '10.0.0.0/7 "1";', /^401 instead of 403/],
  ['fewer that are trusted', '10.0.0.0/8 "1";', '10.0.0.0/9 "1";', /^403 instead of 401/],
  ['nobody in place of a trusted proxy', '"" $remote_addr;', '"" "";', /^proved/],
  ['another trusted proxy', '"" $api_hop_6;', '"" $remote_addr;', /^proved/],
];
const CADDY_CLIENT: Edits = [
  ['one more that is trusted', 'client_ip 10.0.0.0/8', 'client_ip 10.0.0.0/7', /^401 instead of 403/],
  ['fewer that are trusted', 'client_ip 10.0.0.0/8', 'client_ip 10.0.0.0/9', /^403 instead of 401/],
];

/** nginx refuses a path that leads above its root, and takes another one that goes the same way. */
const AT_ROOT = PROVED_SPEC.replace('/api/v4/user"', '/{first}", "POST /{first}/a/{last}"');
const DOTS: Edits = [
  ['two dots in a segment', '"~^(?:/(?:', '"~^(?:/(?:[.][.]|', /^405 instead of 404/],
  ['a segment of two dots', '"~^(?:/(', '"~^/[.][.]\\\\z" "/{segment}";\n"~^(?:/(', /^405 instead of 404/],
];
const ONE_SEGMENT = PROVED_SPEC.replace('/api/v4/user"', '/{first}"');
const DOTS_OF_ONE: Edits = [
  ['a path of two dots', '"~^(?:/(', '"~^/(?:[.]|%2e){2}\\\\z" "/{segment}";\n"~^(?:/(', /^proved/],
];

/** Two proxies of one port, of which the first is the one that is looked at. */
const sharing = (first: string, second: string) => `version: 1
name: sharing
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { a: { upstream: gitlab, allow: [GET /a] } }
apiKeys: { one: { key: "env:ONE", token: "env:TOKEN_ONE" } }
proxies:
  first: { listen: 8080, ipRanges: [192.0.2.0/24]${first} }
  second: { listen: 8080, ipRanges: [192.0.2.0/25]${second} }
targets: { nginx: {}, caddy: {} }
`;
const HOSTS = [', hosts: [one.example.com, two.example.com]', ', hosts: [three.example.com]'] as const;

/** Requests to other hosts come to the other one, whatever the first says to them. */
const NAMED: Edits = [
  ['any host', 'default "misdirected";', 'default $first_verdict_host;', /^proved/],
  [
    'a host of the other',
    'default "misdirected";',
    'default "misdirected"; three.example.com $first_verdict_host;',
    /^proved/,
  ],
  ['no host of its own', '"two.example.com" $first_verdict_host;', '', /421 instead of/],
];
const NAMELESS: Edits = [
  [
    'a host of the other is malformed',
    '_verdict_host {',
    '_verdict_host { "~ one[.]example[.]com\\\\z" "malformed";',
    /^proved/,
  ],
  [
    'a host of nobody is malformed',
    '_verdict_host {',
    '_verdict_host { "~ 1one[.]example[.]com\\\\z" "malformed";',
    /^400 inst/,
  ],
];
const FIRST_OF_NAMED: Edits = [
  ['any host', 'default "misdirected";', 'default $first_verdict_host;', /instead of 421/],
  [
    'a host of the other',
    'default "misdirected";',
    'default "misdirected"; three.example.com $first_verdict_host;',
    /^proved/,
  ],
];

const FILES: readonly (readonly [engine: Engine, name: string, edits: Edits, spec?: string])[] = [
  ['caddy', 'Caddyfile', CASES],
  ['caddy', 'Caddyfile', FOLLOWED],
  ['nginx', 'paths.conf', NGINX_CASES],
  ['nginx', 'upstreams.conf', UPSTREAMS],
  ['nginx', 'paths.conf', SPLITS],
  ['nginx', 'paths.conf', DECODED],
  ['caddy', 'Caddyfile', CADDY_DECODED],
  ['nginx', 'api.conf', ASKED],
  ['caddy', 'Caddyfile', HEADERS],
  ['caddy', 'Caddyfile', ESCAPES],
  ['nginx', 'type-encodedPath.conf', NGINX_ESCAPES],
  ['caddy', 'Caddyfile', ROUTES],
  ['nginx', 'api.conf', OF_NGINX],
  ['caddy', 'Caddyfile', OF_CADDY],
  ['caddy', 'Caddyfile', SERVER_NAME],
  ['nginx', 'api.conf', SSL_NAME],
  ['nginx', 'upstreams.conf', NGINX_POOLS, POOLS],
  ['nginx', 'api.conf', NGINX_SENT, POOLS],
  ['caddy', 'Caddyfile', CADDY_POOLS, POOLS],
  ['nginx', 'type-segment.conf', DOTS, AT_ROOT],
  ['nginx', 'type-segment.conf', DOTS_OF_ONE, ONE_SEGMENT],
  ['nginx', 'api.conf', NGINX_CLIENT, POOLS],
  ['caddy', 'Caddyfile', CADDY_CLIENT, POOLS],
  ['nginx', 'first.routes.conf', NAMED, sharing(HOSTS[0], '')],
  ['nginx', 'first.conf', NAMELESS, sharing('', HOSTS[0])],
  ['nginx', 'first.routes.conf', FIRST_OF_NAMED, sharing(...HOSTS)],
];

for (const [engine, name, edits, spec = PROVED_SPEC] of FILES) {
  const own = specFiles(spec, engine);
  for (const [what, from, to, told] of edits)
    test(`${what}: told, and so does ${engine}`, async () => {
      const files = own.files.map((file) =>
        file.path.endsWith(name) ? { ...file, text: file.text.replace(from, () => to) } : file,
      );
      assert.not.equal(files, own.files);
      assert.match(
        await toldAndTried({ program: engines[engine].path, made: { ...own, files }, seed: 'splits', each: 2 }),
        told,
      );
    });
}

test.run();
