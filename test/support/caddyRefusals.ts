import { type Certificate, certify } from '../../src/targets/caddy/certificate.ts';
import { CLASS, caddyForgeries, INT, PASS, REFUSED, ROUTE, SITE, TWO } from './caddyForgeries.ts';
import { specFiles } from './proofs.ts';
import {
  both,
  changesOf,
  claimed,
  edited,
  holds,
  oddTexts,
  type Refusal,
  refusals,
  remade,
  type Step,
} from './refusals.ts';

const SPEC = `version: 1
name: demo
upstreams: { up: { url: https://up.example.com }, other: { url: https://other.example.com } }
routes:
  read: { upstream: up, allow: [GET /a, "GET /a/{id:int}", "GET /r/{x:slug*}", "PUT /r/s/t/"] }
  write: { upstream: other, allow: ["POST /a/{id:int}/x"] }
apiKeys:
  one: { key: env:A, token: env:T, routes: [read] }
  two: { key: env:B, token: env:U, ipRanges: [10.0.0.0/9] }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { caddy: {} }
`;

type Proxy = Certificate['proxies'][number];
type Row = Proxy['rows'][number];

const { withProxy, withRows } = changesOf<Certificate, Proxy>();
const withRow = (...row: Row) => withRows((rows) => [...rows, row]);
const withTreatment = (name: string, change: object) =>
  withProxy(({ treatments }) => ({ treatments: { ...treatments, [name]: { ...treatments[name], ...change } } }));
const withKeys = (change: object) => (own: Certificate) => ({
  ...own,
  keys: own.keys.map((key) => ({ ...key, ...change })),
});

const FILES: readonly Step<Certificate>[] = [
  edited('persist_config off', 'persist_config {$OFF}', 'is filled in from the environment'),
  edited('persist_config off', 'persist_config "off', 'has a word that is not known'),
  edited('persist_config off', 'persist_config o\\ff', 'has a word that is not known'),
  edited('vars row {request.row}', 'vars row\r{request.row}', 'has a word that is not known'),
  edited('vars row {request.row}', 'vars row\u2003{request.row}', 'has a word that is not known'),
  edited('vars row {request.row}', 'vars row {request.row}\u0085', 'has a word that is not known'),
  edited('persist_config off', '"import" x', 'an odd word in quotes'),
  edited('persist_config off', '"(a)" x', 'an odd word in quotes'),
  edited('persist_config off', 'persist_config "{"', 'an odd word in quotes'),
  edited('persist_config off', '`{` persist_config', 'an odd word in quotes'),
  edited('persist_config off', 'persist_config } off', 'a brace inside a line'),
  edited('persist_config off', 'persist_config }', 'a "}" too many'),
  edited(SITE, `}\n${SITE}`, 'a "}" too many'),
  edited(/error "no handler" 500\n\t\}/, 'error "no handler" 500\n\trewrite /b }', 'a "}" too many'),
  ({ certificate, files, certify: again }) => {
    // What is left out of a quote is the block of a table, and of nothing else.
    const asked = (own: string) => `handle_errors {\n\t\theader a {request.row} {\nb ${own}\n}`;
    const edit = (own: string) =>
      files.map((each) => ({ ...each, text: each.text.replace('handle_errors {', asked(own)) }));
    const { around } = again(edit('c'));
    return { title: 'another block', certificate: { ...certificate, around }, files: edit('d'), told: 'not followed' };
  },
  edited(SITE, `a {\n${SITE}`, 'breaks off'),
  edited('import api.routes', 'import api.r*', 'an odd row'),
  edited('import api.routes', 'import api.routes x', 'an odd row'),
  edited('import secrets/keys*', 'import more', 'import more'),
  edited(SITE, `(api.routes) {\n}\n${SITE}`, 'a snippet is there twice'),
  edited(SITE, `persist_config off\n${SITE}`, 'a line stands outside'),
  edited(SITE, `(sent) {\n}\n${SITE}`, 'a snippet is there twice'),
  edited('admin unix/', 'admin tcp/', 'what is not followed'),
  edited('"path" "404"', '"path" "404"\n# a remark'),
  claimed('an older certificate', (own) => ({ ...own, certificate: 'postern caddy 0' }), 'this is not "postern'),
  claimed('no proxy', (own) => ({ ...own, proxies: [] }), 'a site has no rows'),
  claimed(
    'a proxy that nothing is said of',
    ({ proxies, ...own }) => ({ ...own, proxies: [], beside: proxies.map(({ names }) => names) }),
    'there is no proxy',
  ),
  claimed(
    'a site that is not there',
    (own) => ({ ...own, proxies: [...own.proxies, { ...own.proxies[0], names: [['http://:81']] }] }),
    'not one site',
  ),
];

const PATHS: readonly Step<Certificate>[] = [
  edited(INT, '"~^/a/[0-9]+[0-9]/x$"', 'the expression'),
  edited(INT, '"~^/a/(?:[0-9]+/x$"', 'breaks off'),
  edited(INT, '"~^/a/([0-9]+/x$"', 'breaks off'),
  edited(INT, '"~/a/[0-9]+/x$"', 'has no start'),
  edited(INT, '"~^/a|/a/[0-9]+/x$"', 'has two starts'),
  edited(INT, '"~^/a/[0-9]+)/x$"', 'has two starts'),
  edited(INT, '"~^/a/[{]x/x$"', 'the path'),
  edited(INT, '"~^/a/[0-9]+/x"', 'the row'),
  edited(INT, '"/a/[0-9]+/x$"', 'the row'),
  edited(INT, '"~^/a/[0-9A-Fa-f]+/x$"', 'differs'),
  edited(INT, '"~^/a/(?:[0-9]+|b)/x$"', 'differs'),
  edited(INT, '"~^/a/[0-9]+/(?:x)?$"', 'differs'),
  edited('"~^/a$"', '"~^/[A-Za-z0-9._-]+$"', 'differs'),
  edited('"~^/a/[0-9]+$"', '"~^/a/[0-9]+(?:/[0-9]+)*$"', 'differs'),
  edited('"~^/r/s/t/$" "PUT=read"', '"~^/r/s/t/$" "PUT=write"', 'the class "write"'),
  edited('"POST=write"', '"GET=write POST=write"', 'differs'),
  claimed('a row more', withRow('GET', '/b', 'read', 'read'), 'the class ""'),
  claimed(
    'a row less',
    withRows((rows) => rows.slice(1)),
    'the class "read"',
  ),
  claimed('a row of a wider type', withRow('GET', '/a/{hex}', 'read', 'read'), 'the class ""'),
  claimed('a row of many', withRow('GET', '/a/{int*}', 'read', 'read'), 'the class ""'),
  claimed('a row that is no path', withRow('GET', 'a', 'read', 'read'), 'the path a'),
  claimed('two treatments', withRow('GET', '/a', 'write', 'write'), 'rows do not agree'),
  claimed('a treatment that is not there', withRow('GET', '/a', 'more', 'read'), 'no treatment more'),
  claimed('no group', withRow('GET', '/a', 'read', ''), 'names no group'),
  claimed(
    'a method with a hyphen',
    withRows(([[, ...row] = ['', '', '', ''], ...rows]) => [['GET-A', ...row], ...rows]),
    'the class',
  ),
  claimed('every method', withRow('*', '/a', 'read', 'read'), 'the class ""'),
];

const TABLES: readonly Step<Certificate>[] = [
  remade(
    '"{http.request.method} {http.vars.row}"',
    '"{http.request.header.X} {http.vars.row}"',
    '{request.route} looks at something else',
  ),
  remade(
    '{request.safe_path} {request.row}',
    '{http.request.orig_uri} {request.row}',
    '{request.row} looks at something else',
  ),
  edited('"~^GET (?:[^ ]+ )*GET=', '"~^GET (?:[^ ]+ )*PUT=', 'the row'),
  edited('"~^GET (?:[^ ]+ )*GET=([^ ]+)" "$1"', '"~^GET (?:[^ ]+ )*GET=([^ ]+)" "write"', 'the row'),
  edited(`${ROUTE}`, `${ROUTE}\n"~^(?:GET) " "read"`, 'the row'),
  edited(`${ROUTE}`, `${ROUTE}\n"~^G" ""`, 'the row'),
  edited(`${ROUTE}`, `${ROUTE}\n"~^(?:PATCH) " ""`),
  edited(`${ROUTE}`, `${ROUTE}\n"~^[A-Z_-]+ [*]=([^ ]+)(?: .*)?$" "read"`, 'the row'),
  edited(`${ROUTE}`, `${ROUTE}\n"~^[A-Z_-]+ [*]=([^ ]+)(?: .*)?$" "$1"`),
  edited(CLASS, `${CLASS}\n"~^o" "read/any/never"`, 'knows other keys'),
  edited(CLASS, `${CLASS}\n"three" "read/any/never"`, 'knows other keys'),
  edited(CLASS, `${CLASS}\n"~^two" "read/any/never"`, 'knows other keys'),
  edited(CLASS, `${CLASS}\n"~(?i)^two$" "read/any/never"`, 'an expression of {caller.class} is not known'),
  edited(CLASS, `${CLASS}\n"~^[\u00e9]two$" "read/any/never"`, 'an expression of {caller.class} is not known'),
  edited(TWO, '"~^two$" "{http.vars.key}/any/never"', 'leads to something odd'),
  edited(TWO, '"~^two$" "$1x/any/never"', 'leads to something odd'),
  edited(TWO, '"two" "$1/any/never"', 'leads to something odd'),
  edited(TWO, '"~^two$" 010', 'leads to something odd'),
  // What a group has found is "404p" in Caddy, although "a", "t" and "h" follow.
  edited('"path" "404"', '"~^(?:(p)|a|t|h)*$" "404$1"', 'is not known'),
  edited('"path" "404"', '"~^(?:(p)|a|t|h)+$" "404$1"', 'is not known'),
  edited(TWO, '"~^two[[:alpha:]?$" "*/10.0.0.0-9/never"', 'is not known'),
  edited(TWO, '"~^(?:two)?$" "*/10.0.0.0-9/never"', 'differs'),
  ...['1e-7', '1e2', 'T', 'false', '+404', '.5'].map((own) =>
    edited(TWO, `${TWO}\n"one" ${own}`, 'leads to something odd'),
  ),
  edited(/default ""(?=\n\t\t\}\n\n\t\timport secrets)/, 'default T', 'leads to something odd'),
  edited(TWO, '"~^two$" "read/any/never"', 'differs'),
  edited(TWO, '"~^two$" "*/any/never"', 'differs'),
  edited(TWO, '"two" "*/10.0.0.0-9/never"'),
  edited(TWO, '"~^two$"', 'an odd row'),
  edited(TWO, '"~^two$" {\n}', 'an odd row'),
  edited(TWO, `${TWO} x`, 'an odd row'),
  edited(TWO, '"~^two$" -', 'an odd table'),
  edited(TWO, `${TWO}\ndefault "*/any/never"`, 'an odd table'),
  edited('" ok ok [^ ]" "yes"'.slice(1), ' ok ok " "yes"', 'differs'),
  edited(' ok ok [^ ]" "yes"', ' ok ok a" "yes"', 'tells tokens apart'),
  edited(' ok ok [^ ]" "yes"', ' ok ok [^ ] b" "yes"', 'tells tokens apart'),
  edited(`${PASS}`, `${PASS}\n"read read/any ok ok a" "yes"`, 'tells tokens apart'),
  remade(
    '{request.body} {http.vars.token}" {decision.pass}',
    '{http.vars.token} {request.body}" {decision.pass}',
    'looks at a key or a token',
  ),
  remade(
    '{request.body} {http.vars.token}" {decision.pass}',
    '{request.body} {http.vars.key}" {decision.pass}',
    'looks at a key or a token',
  ),
];

const SITES: readonly Step<Certificate>[] = [
  remade('vars row {request.row}', 'vars row "GET=read"', 'cannot be told: request.route'),
  remade('vars row {request.row}', 'vars row a$1', 'the text'),
  remade('vars row {request.row}', 'vars row {http.request.method}', 'is not known here'),
  remade('vars row {request.row}', 'vars {\nrow {request.row} x\n}', 'the variable row'),
  remade('vars row {request.row}', 'vars row- {request.row}', 'the variable row-'),
  remade('vars row {request.row}', 'vars row 010', 'the number 010'),
  remade('import secrets/keys*', '', '{key.id}'),
  remade('vars found {key.found}', 'vars found {key.given}', '{key.id}'),
  remade('"~^([^ ]+) " "$1"', '"~^([^ ]+)" "$1"', '{key.id}'),
  remade(
    'map "{http.request.orig_uri}" {request.safe_path}',
    'map "{http.request.uri}" {request.safe_path}',
    'cannot be told: request.row',
  ),
  remade('|$))*$" "ok"', '|$))*$" "o k"', 'is no word'),
  remade('"{http.vars.row}" {decision.allow}', '"{http.vars.row} x" {decision.allow}', 'a value with a blank'),
  remade('\t\t\tnot client_ip 10.0.0.0/8', '\t\t\tclient_ip 10.0.0.0/8\nclient_ip 10.0.0.0/9', 'a matcher has two of'),
  remade('not client_ip 10.0.0.0/8', 'not client_ip 10.0.0.0/7', ' '),
  remade('not client_ip 10.0.0.0/8', 'client_ip 10.0.0.0/8', ' '),
  remade(REFUSED, `@more vars route {http.vars.route}\nvars @more route read\n${REFUSED}`, 'a matcher with'),
  remade(REFUSED, `@more {\nvars route read {\n}\n}\nvars @more route read\n${REFUSED}`, 'a matcher with'),
  remade(REFUSED, `@more path /b\nvars @more route read\n${REFUSED}`, 'the matcher path'),
  remade('vars_regexp class "^[', 'vars_regexp class "[', 'the matcher vars_regexp'),
  remade(REFUSED, `@more vars_regexp key "^a"\nvars @more route read\n${REFUSED}`, 'the matcher vars_regexp'),
  remade(REFUSED, `@more vars_regexp query "^a" "^b"\nvars @more route read\n${REFUSED}`, 'the matcher vars_regexp'),
  remade('import secrets/keys*', 'import secrets/keys* x', 'import with 2 words'),
  remade(REFUSED, `route x\n${REFUSED}`, 'route with 1 words'),
  remade(REFUSED, `vars x\n${REFUSED}`, 'vars with 1 words'),
  remade(REFUSED, `vars x y {\nz\n}\n${REFUSED}`, 'vars with 3 words'),
  remade(REFUSED, `map {http.vars.key} {more} x\n${REFUSED}`, 'map with 3 words'),
  remade(REFUSED, `respond hi {\nbody a\n}\n${REFUSED}`, 'respond with 2 words'),
  remade(
    '\t\tmap {request.safe_path} {request.row} {',
    'route {\nmap {request.safe_path} {request.row} {\ndefault x\n}\n}\n\t\tmap {request.safe_path} {request.row} {',
    'not one table is {request.row}',
  ),
  remade(REFUSED, `@outside vars row x\n${REFUSED}`, 'a matcher is there twice'),
  remade(REFUSED, `vars @more route read\n${REFUSED}`, 'the matcher @more'),
  remade(REFUSED, `import usual_names x\n${REFUSED}`, 'import,usual_names,x'),
  remade(REFUSED, `vars /a route read\n${REFUSED}`, 'vars /a'),
  remade(REFUSED, `header >Allow GET\n${REFUSED}`, 'a header that may be Allow'),
  remade(REFUSED, `rewrite /b\n${REFUSED}`, 'rewrite /b'),
  remade(REFUSED, `rewrite b\n${REFUSED}`, 'rewrite with 1 words'),
  remade(REFUSED, `respond hi\n${REFUSED}`, 'respond with 1 words'),
  remade(REFUSED, `respond hi 200\n${REFUSED}`, ' '),
  remade(REFUSED, `reverse_proxy https://up.example.com {\n\t\trewrite /\n\t}\n${REFUSED}`, 'reverse_proxy with'),
  remade(REFUSED, `reverse_proxy https://up.example.com\n${REFUSED}`, 'reverse_proxy with'),
  remade(
    REFUSED,
    `reverse_proxy https://up.example.com https://b.example.com {\n\t\timport sent\n\t}\n${REFUSED}`,
    ' ',
  ),
  remade(REFUSED, `header Allow GET\n${REFUSED}`, 'differs'),
  remade(
    'vars allow {decision.allow}',
    'vars allow {decision.allow}\nvars chunked x',
    'is changed after it was looked at',
  ),
  remade(REFUSED, `map {http.vars.key} a {\ndefault x\n}\n${REFUSED}`, 'a table for a'),
  remade(REFUSED, `map {http.vars.key} {key.id} {\ndefault x\n}\n${REFUSED}`, '{key.id} is made twice'),
  remade(REFUSED, `map {http.vars.key} {http.vars.row} {\ndefault x\n}\n${REFUSED}`, '{http.vars.row} is made twice'),
  remade(REFUSED, `map @forward-up {http.vars.key} {more} {\ndefault x\n}\n${REFUSED}`, 'map with'),
  remade('vars {decision.pass} yes', 'vars {decision.pass} yes no', ' '),
  remade('error {http.vars.reason} {decision.status}', '', 'differs'),
  remade('error "no handler" 500', ''),
  remade(/route @forward-up \{.*error "no handler" 500/s, '', 'comes to the end'),
  remade('error @outside address 403', '', 'differs'),
  remade('error @outside address 403', 'error @outside address 401', 'differs'),
  remade('key {key.id}', 'key one', ' '),
  remade(REFUSED, `vars client_ip {http.vars.row}\n${REFUSED}`, "the client's address is changed"),
  remade(REFUSED, `@more vars client_ip ""\nvars @more route read\n${REFUSED}`, '{http.vars.client_ip} is not known'),
  remade('reverse_proxy @usual-forward-up https://up.', 'reverse_proxy @usual-forward-up https://evil.', ' '),
  remade('not vars allow ""', 'vars allow ""', ' '),
  edited('"$1, $2"', '"$2, $1"', 'differs'),
  edited('"path" "404"', '"path" "403"', 'differs'),
  edited('"path" "404"', '"xpath" "403"\n"path" "404"'),
  remade(
    'route {\n\t\t\timport errors',
    'route {\n\t\t\timport secrets/keys*\n\t\t\timport errors',
    'handle_errors is not known',
  ),
  remade('handle_errors {', 'handle_errors 404 {', 'handle_errors is not known'),
  remade(
    '\thandle_errors {\n\t\troute {',
    '\thandle_errors {\n\t\troute {\nreverse_proxy x {\nimport sent\n}',
    'handle_errors is not known',
  ),
  remade('log postern_access\n', 'log postern_access\nredir /b\n', 'redir is not known'),
  remade('handle_errors {', 'route {\n}\nhandle_errors {', 'a site of another form'),
  remade(
    'import log_fields\n\t\timport protected',
    'map {http.vars.row} {request.route} {\n}\nimport log_fields\n\t\timport protected',
    'not one table is {request.route}',
  ),
];

const CERTIFICATES: readonly Step<Certificate>[] = [
  claimed('a method that is none', withRow('get', '/a', 'read', 'read'), 'the methods get'),
  claimed('no method', withRow('', '/a', 'read', 'read'), 'the methods '),
  claimed('a class twice', withTreatment('write', { classes: ['read'] }), 'a class has two treatments'),
  claimed('a class without a name', withTreatment('write', { classes: [''] }), 'a class has two treatments'),
  claimed('open, with a group', withTreatment('write', { isOpen: true }), 'or asks for no key'),
  claimed(
    'elsewhere',
    withTreatment('write', { leads: ['reverse_proxy', 'https://up.example.com:443', 'import', 'api-forward-up'] }),
    'differs',
  ),
  claimed(
    'an odd key',
    (own) => ({ ...own, keys: own.keys.map((key, index) => (index ? key : { ...key, id: 'a b' })) }),
    'an odd key',
  ),
  claimed('a key twice', withKeys({ id: 'one' }), 'an odd key'),
  claimed('a key less', (own) => ({ ...own, keys: own.keys.slice(1) }), 'knows other keys'),
  claimed('no groups', withKeys({ groups: [] }), 'differs'),
  claimed('all groups', withKeys({ groups: ['read', 'write'] }), 'differs'),
  claimed('keys from anywhere', withKeys({ from: 'any' }), 'differs'),
  claimed(
    'from anywhere',
    withProxy(() => ({ from: 'any' })),
    ' ',
  ),
  claimed(
    'no keys',
    withProxy(() => ({ usesKeys: false })),
    'differs',
  ),
  claimed(
    'another status',
    withProxy(() => ({ methodNotAllowed: '404' })),
    'differs',
  ),
];

/** Behind other proxies, with a health check, two servers, sites beside it and a shadow. */
const BEHIND = `version: 1
name: demo
shadow: next.yaml
upstreams: { up: { url: https://up.example.com, servers: [10.1.0.1:443, 10.1.0.2:443] } }
routes: { read: { upstream: up, allow: [GET /a, "GET /{x}/t", "GET /n/{x:int}", "POST /n/{x:slug}"] } }
apiKeys: { one: { key: env:A, token: env:T, ipRanges: [10.0.0.0/9] } }
proxies:
  api:
    listen: 8080
    ipRanges: [10.0.0.0/8, "fd00::/8"]
    clientIp: { trustedProxies: [192.0.2.0/24] }
    health: { path: /healthz, from: [192.0.2.7] }
    answer: [{ request: "* /v", auth: none, status: 200 }, { request: GET /w, status: 200 }]
domainRewrites: [{ from: a.example.com, to: b.example.com, upstream: up }]
targets: { caddy: {} }
`;
const NEXT = BEHIND.replace('shadow: next.yaml\n', '').replace('GET /a', 'GET /b');

const [HOPS, HOP, OUTSIDE] = ['vars hops 0', 'import api-hop 0 1 {client.hop1}', 'error @outside address 403'];
const NEARLY = '@not-for-health {\nvars route answer:get:/healthz\nnot client_ip 192.0.2.0/24\n}';
const SITE_BESIDE = 'https://b.example.com:443 {';

const withSite =
  (name: string) =>
  ({ around, beside, ...own }: Certificate) => ({
    ...own,
    around: around.map((line) => (line[0] === 'https://b.example.com:443' ? [name, ...line.slice(1)] : line)),
    beside: [...beside, [[name]]],
  });

const AROUND: readonly Step<Certificate>[] = [
  holds('behind other proxies'),
  edited(ROUTE, `${ROUTE}\n"~^(?:-A) " ""`, 'the class ""'),
  remade('client_ip 192.0.2.0/24', 'client_ip 0.0.0.0/0', 'is told in another way'),
  remade('::ffff:192.0.2.0/120', '::ffff:192.0.2.0/119', 'is told in another way'),
  remade('vars hops {args[0]}', 'vars hops 0', 'is told in another way'),
  remade('client_ip {args[2]}', 'client_ip 10.0.0.1', 'is told in another way'),
  remade('map {http.request.header.X-Forwarded-For}', 'map {http.request.header.X-Real-IP}', 'is told in another way'),
  remade(HOPS, 'vars hops 1', 'is told in another way'),
  remade(HOP, 'import api-hop 0 1 {http.request.header.X-Real-IP}', 'is told in another way'),
  remade(HOP, `vars hops 1\n${HOP}`, 'is told in another way'),
  remade('import api-hop 8 9 ""', '', 'is told in another way'),
  remade(HOPS, `@early client_ip 10.0.0.0/8\nvars @early early yes\n${HOPS}`, 'is used before it is told'),
  remade(HOPS, `map {http.request.host} {client.hop1} {\ndefault x\n}\n${HOPS}`, '{client.hop1} is made twice'),
  remade(OUTSIDE, `import api-hop 0 1 {client.hop1}\n${OUTSIDE}`, 'import,api-hop'),
  claimed(
    'another header',
    withProxy(() => ({ client: { header: 'X-Real-IP', trusted: ['192.0.2.0/24'] } })),
    'is told in another way',
  ),
  claimed(
    'nobody in front',
    withProxy(() => ({ client: undefined })),
    'import,api-hop',
  ),
  remade(/@not-for-health \{[^}]*\}/, NEARLY, 'differs'),
  remade(/@shadow-not-for-health \{[^}]*\}/, NEARLY.replace('@', '@shadow-')),
  remade('error @not-for-health address 403', '', 'differs'),
  remade('not vars route answer:get:/healthz', '', 'differs'),
  claimed('health for all', withTreatment('answer:get:/healthz', { from: 'any' }), 'differs'),
  remade(' https://10.1.0.2:443 {', ' https://10.1.0.3:443 {', 'differs'),
  remade(' https://10.1.0.2:443 {', ' {', 'differs'),
  claimed(
    'one server',
    withTreatment('read', { leads: ['reverse_proxy', 'https://10.1.0.1:443', 'import', 'api-forward-up'] }),
    'differs',
  ),
  claimed('no sites', (own) => ({ ...own, beside: [] }), 'a site has no rows'),
  remade(SITE_BESIDE, 'https://c.example.com:443 {', 'a site has no rows'),
  both(SITE_BESIDE, 'https://b.example.com {', withSite('https://b.example.com'), 'the site https://b.example.com'),
  // A site that takes requests from the port of the proxy.
  both(SITE_BESIDE, 'http://b.example.com:8080 {', withSite('http://b.example.com:8080'), 'a site has no rows'),
  both(SITE_BESIDE, 'http://b.example.com:08080 {', withSite('http://b.example.com:08080'), 'a site has no rows'),
  remade('vars shadow_pass', 'vars route', "{shadow.pass} is a shadow's"),
  remade('vars @shadow-400 shadow 400', 'vars @shadow-400 reason 400', ' '),
  remade('vars @shadow-400 shadow 400', 'error @shadow-400 address 403', ' '),
  remade('vars shadow_word {shadow.status}', 'vars {\nshadow_word {shadow.status}\nroute read\n}', ' '),
  remade(REFUSED, '@refused not vars shadow_route ""\n@unused not vars', '{http.vars.shadow_route} is not known'),
  remade('vars query {request.query}', 'vars query {shadow.pass}', "{shadow.pass} is a shadow's"),
  remade('"&{http.request.orig_uri.query}" {request.query}', '"{shadow.pass}" {request.query}', "is a shadow's"),
  remade('"&{http.request.orig_uri.query}" {request.query}', '"{http.vars.shadow}" {request.query}', "is a shadow's"),
];

/** All cases; made when they are asked for, since that takes a while. */
export const caddyCases = (): readonly Refusal[] => [
  ...refusals(specFiles(SPEC, 'caddy'), certify, [
    holds('as it is written'),
    ...FILES,
    ...PATHS,
    ...TABLES,
    ...SITES,
    ...CERTIFICATES,
    ...caddyForgeries,
    ...oddTexts<Certificate>(),
  ]),
  ...refusals(specFiles(BEHIND, 'caddy', NEXT), certify, AROUND),
];
