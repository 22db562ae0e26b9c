import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { PROVED_SPEC, specFiles } from './support/proofs.ts';
import { toldAndTried } from './support/toldAndTried.ts';

const { test, engines } = await engineSuite('lines that somebody adds', ['nginx', 'caddy']);

type Edit = readonly [what: string, from: string, to: string, told: RegExp];

const TOKEN = 'proxy_set_header PRIVATE-TOKEN $private__token_token;';
const SERVER = 'server {\n    listen 8080 default_server;';
const LOCATION = 'client_max_body_size 1048576;';
const MAPS = 'include maps.conf;';
const ALLOW = 'add_header Allow $api_allow always;';
const AT_METHOD = `location = "/./method" { internal; client_max_body_size 0; ${ALLOW} return 405`;

/** Of the files of nginx, each of the first place that is found. */
const NGINX: readonly Edit[] = [
  ['a token beside the token', TOKEN, `proxy_set_header PRIVATE-TOKEN x; ${TOKEN}`, /^cannot tell: .* twice$/],
  ['a header for the upstream', TOKEN, `${TOKEN} proxy_set_header Sudo root;`, /^sudo is sent, too$/],
  ['another address of the client', 'X-Forwarded-For $remote_addr', 'X-Forwarded-For 127.0.0.1', /^another x-forw/],
  ['another scheme', 'X-Forwarded-Proto $scheme', 'X-Forwarded-Proto https', /^another x-forwarded-proto is sent$/],
  ['a body without its length', TOKEN, `${TOKEN} proxy_set_header Content-Length "";`, /^cannot tell: .* Content-L/],
  ['a header that is ignored, too', TOKEN, `${TOKEN} proxy_ignore_headers Vary;`, /^proved/],
  ['another end of answers', TOKEN, `${TOKEN} add_header Transfer-Encoding x;`, /^cannot tell: .* sends Transfer-Enc/],
  ['Allow with some answers', AT_METHOD, AT_METHOD.replace(' always', ''), /^cannot tell: .* with some answers only$/],
  [
    'two of Allow',
    AT_METHOD,
    AT_METHOD.replace(ALLOW, `add_header Allow PUT always; ${ALLOW}`),
    /^cannot tell: .*twice/,
  ],
  ['an answer of the error page', AT_METHOD, AT_METHOD.replace('405', '405; #'), /^cannot tell/],
  ['an error that is none', 'error_page 413 =413', 'error_page 413 =200', /^cannot tell: error_page 413 leads/],
  ['an error that goes upstream', '=413 "/./413"', '= "/./forward-gitlab"', /^cannot tell: error_page 413 leads/],
  [
    'an error that has two pages',
    'error_page 405 =405',
    'error_page 405 =403 "/./path"; error_page 405 =405',
    /^proved/,
  ],
  ['a connection that is closed', 'return 404 "', 'return 444 "', /^cannot tell: .* answers with "444"/],
  [
    'another server of the port',
    SERVER,
    `server { listen 127.0.0.1:8080; return 204; } ${SERVER}`,
    /^cannot.*no proxy/,
  ],
  [
    'another server by its name',
    SERVER,
    `server { listen *:8080; server_name x; } ${SERVER}`,
    /^cannot tell: .*no proxy/,
  ],
  [
    'a server that captures its name',
    SERVER,
    `${SERVER} server_name "~^(?<api_verdict>.*)$";`,
    /^cannot tell: a server has the name/,
  ],
  ['TLS that no spec asks for', SERVER, SERVER.replace('server;', 'server ssl;'), /^cannot tell: .* listens with TLS$/],
  ['small heads', 'large_client_header_buffers 2 16384', 'large_client_header_buffers 2 2048', /^cannot.* too small/],
  ['usual heads', 'large_client_header_buffers 2 16384;', '', /^cannot tell: large_client.* 4 8k may be too small/],
  ['a table that is captured', '(?<log_seconds>', '(?<api_verdict_query>', /^cannot.* captures \$api_verdict_query/],
  [
    'a header that is captured',
    '(?<log_seconds>',
    "(?'http_content_type'",
    /^cannot tell: .*captures \$http_content_type/,
  ],
  ['addresses in a form that is never found', '192.0.2.0/24 "";', '::ffff:192.0.2.0/120 "";', /^cannot tell: .*geo/],
  [
    'a header that a table makes',
    'include maps.conf;',
    `map $remote_addr $http_accept { default x; } ${MAPS}`,
    /^accept is not/,
  ],
  ['a header that a network makes', MAPS, `geo $http_range { default a; } ${MAPS}`, /^range is not passed on/],
  ['a variable that is itself', 'set $client $remote_addr', 'set $client $client', /^cannot tell: \$client depends on/],
  ['a file that includes itself', MAPS, 'include nginx.conf;', /^cannot tell: nginx.conf includes itself$/],
  ['a network of two values', '192.0.2.0/24 "";', '192.0.2.0/23 "" x;', /^cannot tell: .* has "192.0.2.0.23"$/],
  ['a condition', LOCATION, `${LOCATION} if ($args) { return 204; }`, /^cannot tell: .* has "if"/],
];

const HEADER = 'header_up PRIVATE-TOKEN {http.vars.token}';
const ERROR = 'error {http.vars.reason} {decision.status}';
const REFUSED = '@refused not vars {decision.pass} yes';
const REFUSING = 'not vars {decision.pass} yes\n}';
const METHOD = 'header @method Allow {http.vars.allow}';
const SITE = '# Proxy api\n';
const PROTECTED = 'import protected\n';
const COPIED = 'header_up {sent.accept} {http.request.header.Accept}';
const ROUTE = 'log postern_access\n\troute {';
const IN_SITE = 'http://:8080 {\n\tbind tcp4/0.0.0.0\n\tlog postern_access\n\troute {';
const HANDLER = 'import errors api\n';
const IN_ROUTE = `route {\n\t\t\t${HANDLER}\t\t}`;
/** What comes with this header is answered. */
const answering = (matcher: string) => `${PROTECTED}@asked ${matcher}\nrespond @asked 204\n`;

/** Of the Caddyfile, each of all places. */
const CADDY: readonly Edit[] = [
  ['an error of some paths', ERROR, 'error "/x" {decision.status}', /^cannot tell: .* a path is looked at$/],
  ['an error of all paths', ERROR, 'error `*` {decision.status}', /^cannot tell: .* a path is looked at$/],
  ['one of two variables', REFUSED, `@refused {\nvars proxy x\nvars seen yes\n${REFUSING}`, /^proved/],
  [
    'two variables',
    REFUSED,
    `@refused {\nvars proxy x\nvars seen x\n${REFUSING}`,
    /^forwarded instead of|^500 instead/,
  ],
  ['Allow with some answers', METHOD, 'header @method {\nmatch header X y\nAllow {http.vars.allow}\n}', /^cannot tell/],
  ['a header of any name', METHOD, `header {http.vars.key} x\n${METHOD}`, /^cannot tell: .* a header is called/],
  ['a header for the upstream', HEADER, `${HEADER}\nheader_up Sudo root`, /^sudo is sent, too$/],
  [
    'another address of the client',
    'X-Forwarded-For {http.vars.client_ip}',
    'X-Forwarded-For 127.0.0.1',
    /^another x-f/,
  ],
  ['another length of the body', HEADER, `${HEADER}\nheader_up Content-Length 0`, /^cannot tell: .* content-length$/],
  ['a token that is taken away', HEADER, `${HEADER}\nheader_up -*ivate*`, /^the upstream does not get the token/],
  [
    'a header for pages',
    HEADER,
    `${HEADER}\nheader_down Access-Control-Allow-Origin *`,
    /^cannot tell: .* sends Access-C/,
  ],
  ['another protocol for the upstream', 'versions 1.1', 'versions 1.1 2', /^cannot tell: .* has "versions"/],
  ['a site of the port', SITE, `http://:8080 {\nbind tcp4/127.0.0.1\nrespond hi\n}\n${SITE}`, /^cannot tell: no site/],
  ['a site of any address', SITE, `http://:8080 {\nbind 0.0.0.0\nrespond hi\n}\n${SITE}`, /^cannot tell: no site/],
  ['a header without a value', HEADER, `${HEADER}\nheader_up Sudo ""`, /^sudo is sent, too$/],
  [
    'a header that is copied where it did not come',
    COPIED,
    COPIED.replace('{sent.accept}', 'Accept'),
    /without a value$/,
  ],
  [
    'a header that is copied twice',
    COPIED,
    `${COPIED}\n${COPIED.replace('{sent.accept}', 'accept')}`,
    /without a value/,
  ],
  ['a cookie', HEADER, `${HEADER}\nheader_up Cookie {http.request.header.Cookie}`, /^the client's cookie is sent/],
  [
    'a header with "_"',
    COPIED,
    COPIED.replaceAll(/Accept|{sent.accept}/g, 'X_Real_IP'),
    /^cannot tell: the header x_re/,
  ],
  ['a trailer', HEADER, `${HEADER}\nheader_up Trailer x`, /^cannot tell: .* another trailer$/],
  [
    'a matcher that is the other way round',
    PROTECTED,
    answering('not {\nheader X a\nheader Y b\n}'),
    /^204 instead of/,
  ],
  ['a host with a port', PROTECTED, answering('host a.example:80'), /^cannot tell: a host .* has a port$/],
  [
    'an interim answer',
    PROTECTED,
    answering('header X a').replace('204', '103'),
    /^cannot tell: .* "103" is no status$/,
  ],
  [
    'a cookie that chooses a server',
    'flush_interval',
    'lb_policy cookie a b\nflush_interval',
    /^cannot.* "lb_policy"$/,
  ],
  ['another choice of servers', 'flush_interval', 'lb_policy least_conn\nflush_interval', /^proved/],
  [
    'a table of a route before',
    ROUTE,
    `@asked header X a\nroute @asked {\nmap y {request.row} {\ndefault "GET=read"\n}\n}\n${ROUTE}`,
    /^cannot tell: a route sets something/,
  ],
  [
    'handlers of errors in an order of their own',
    IN_ROUTE,
    `@gone vars {http.error.status_code} 404\nrespond 410\nrespond @gone 404\n`,
    /^cannot tell: .* more than one handler of errors$/,
  ],
  [
    'a variable of a snippet that is imported twice',
    IN_SITE,
    `(mark) {\nvars mark {args[0]}\n}\n${IN_SITE}\nimport mark a\n@a vars mark a\nrespond @a 204\nimport mark b`,
    /^204 instead of/,
  ],
  ['an error of an error', HANDLER, `@e header X a\nerror @e 500\n${HANDLER}`, /^proved/],
  ['bodies of unknown length, by a pattern', 'Transfer-Encoding *', 'Transfer-Encoding chunk*', /^proved/],
  ['large bodies of unknown length', 'max_size 65536', 'max_size 0', /^cannot tell: bodies .* any number of bytes/],
];

for (const [engine, edits] of [['nginx', NGINX] as const, ['caddy', CADDY] as const]) {
  const own = specFiles(PROVED_SPEC, engine);
  for (const [what, from, to, told] of edits)
    test(`${engine}: ${what}`, async () => {
      const found = own.files.find(({ text }) => text.includes(from));
      assert.ok(found, from);
      const change = (text: string) =>
        engine === 'nginx' ? text.replace(from, () => to) : text.replaceAll(from, () => to);
      const files = own.files.map((file) => (file === found ? { ...file, text: change(file.text) } : file));
      assert.match(
        await toldAndTried({ program: engines[engine].path, made: { ...own, files }, seed: 'added', each: 1 }),
        told,
      );
    });
}

test.run();
