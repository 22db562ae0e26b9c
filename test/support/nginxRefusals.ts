import { type Certificate, certify } from '../../src/targets/nginx/certificate.ts';
import { nginxForgeries, SERVER } from './nginxForgeries.ts';
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
upstreams: { up: { url: https://up.example.com } }
routes:
  read: { upstream: up, allow: [GET /a, "GET /a/$a", "GET /A/Issues/{x:slug}"] }
  write: { upstream: up, allow: ["POST /a/{id:int}/x"] }
apiKeys:
  one: { key: env:A, token: env:T, routes: [read] }
  two: { key: env:B, token: env:U, ipRanges: [10.0.0.0/9] }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8], cors: { origins: ["https://a.example.com"] }, answer: [{ request: "* /v", auth: none, status: 200 }, { request: GET /w, status: 200 }] } }
targets: { nginx: {} }
`;

/** Paths of nine and ten segments, and servers beside the proxy. */
const BEHIND = `version: 1
name: demo
upstreams: { up: { url: https://up.example.com } }
routes:
  read: { upstream: up, auth: passthrough, allow: ["GET /a/b/c/d/e/f/g/h/i/{x:int}", "GET /a/b/c/d/e/f/g/h/J", "GET /a/b/c/d/e/f/g/h/{x:int}/{y:int}", "PUT /a/b/c/d/e/f/g/h/k/"] }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8], cors: { origins: any } } }
domainRewrites: [{ from: a.example.com, to: b.example.com, upstream: up }]
targets: { nginx: { sites: { tls: { certFile: /tls/a.pem, keyFile: /tls/a.key } } } }
`;

/** Takes longer to check. */
const RESTS = SPEC.replace(
  'GET /a, ',
  'GET /a, "GET /r/{x:int*}", "PUT /r/{x:int*}/", "PUT /r/s/t/", "GET /{x}/b/c", ',
).replace(/, cors.*/, ' }}');

type Proxy = Certificate['proxies'][number];
type Row = Proxy['rows'][number];

const { withProxy, withRows } = changesOf<Certificate, Proxy>();
const withRow = (...row: Row) => withRows((rows) => [...rows, row]);
/** Takes a quoted table for something else; `undefined` is what the checker knows by itself. */
const quotedAs = (name: string, is: string | undefined) =>
  withProxy(({ quoted }) => ({ quoted: { ...quoted, [name]: { is, table: quoted[name]?.table } } }));
const withoutQuote = (name: string) => withProxy(({ quoted: { [name]: _, ...quoted } }) => ({ quoted }));

const ROUTE = 'map "${verb} ${api_endpoint}" $api_route {';
const FIRST = 'map "${plain_1}" $api_path_1 {';
const SECOND = 'map "${plain_1}${plain_2}" $api_path_2 {';
const REST = 'map "${segment_2}${segment_3}${segment_4}${segment_5}${segment_6}${segment_7}${segment_8}${after_8}"';
const INTS = '"~^(?:/[0-9]++)++(?<rest_end>';
const LONG = 'map "${api_path_8} ${after_8}${slash_8}"';

const NAMES_BESIDE = [
  ['listen', '127.0.0.1:08080'],
  ['server_name', 'a'],
];

const FILES: readonly Step<Certificate>[] = [
  edited(ROUTE, `}\n${ROUTE}`, 'a "}" too many'),
  edited(ROUTE, `map a $b { x }\n${ROUTE}`, 'a "}" too many'),
  edited(/\n$/, '\nword\n', 'breaks off'),
  edited(ROUTE, `'\n${ROUTE}`, 'breaks off'),
  edited(ROUTE, `server {\n${ROUTE}`, 'breaks off'),
  edited('"-" $log_reason_location;', '"-" $log_reason_location; "-" "x" "y";', 'an odd row'),
  edited(ROUTE, `${ROUTE} hostnames;`, 'an odd row'),
  edited(ROUTE, `${ROUTE} volatile;`, 'has to be quoted'),
  edited(ROUTE, `${ROUTE} include secrets/keys*.conf;`, 'has to be quoted'),
  edited(ROUTE, `geo $made { default 1; }\n${ROUTE.replace('$', '$made$')}`, 'has to be quoted'),
  edited(ROUTE, `map "" $api_allow { default ""; }\n${ROUTE}`, 'is made twice'),
  edited(ROUTE, `map "" $API_allow { default "GET"; }\n${ROUTE}`, 'capital letters'),
  edited(ROUTE, `map "" $unused { default ""; "~(?<API_allow>a)" ""; }\n${ROUTE}`, 'capital letters'),
  // nginx takes these signs for a part of a word.
  edited('"GET /a" "read"', '"GET /a" read\v', 'differs'),
  edited('"GET /a" "read"', '"GET /a" read\f', 'differs'),
  edited('listen 8080 default_server;', 'listen 8080 default_server\v;', 'what is no table'),
  edited(SERVER, `log_format more "";\n${SERVER}`),
  edited(SERVER, `server_tokens on;\n${SERVER}`, 'what is no table'),
  remade(SERVER, `server { listen 81; location / { proxy_pass http://127.0.0.1; } }\n${SERVER}`, 'has no rows'),
  remade(SERVER, `server { listen 81; location / { return 200; } }\n${SERVER}`, 'a server has no rows'),
  claimed('an older certificate', (own) => ({ ...own, certificate: 'postern nginx 1' }), 'this is not "postern'),
  claimed('a sign of its own', (own) => JSON.stringify(own).replace('{', '{"more":"\\u27e8",'), 'in another way'),
  claimed(
    'other names',
    withProxy(() => ({ names: [['listen', '81']] })),
    'a server has no rows',
  ),
  // Requests to the port of the proxy that it does not get.
  both(
    SERVER,
    `server { listen 127.0.0.1:08080; server_name a; return 200; }\n${SERVER}`,
    ({ around, ...own }) => ({
      ...own,
      around: [...around.slice(0, -1), ['server', [...NAMES_BESIDE, ['return', '200']]], ...around.slice(-1)],
      beside: [NAMES_BESIDE],
    }),
    'a server has no rows',
  ),
  claimed('no verb', withoutQuote('verb'), '$verb is not quoted'),
  claimed(
    'a walk that is too long',
    withProxy(({ walk }) => ({ walk: [...walk, []] })),
    'request lines are not cut',
  ),
  claimed(
    'a table that is not there',
    withProxy(({ quoted }) => ({ quoted: { ...quoted, more: { table: ['map', '', '$more', []] } } })),
    'not $more',
  ),
  claimed('marks that are none', quotedAs('request_origin', 'marked'), 'not $request_origin'),
  claimed('an address that is not quoted', withoutQuote('in_proxy_api'), 'has to be quoted'),
  claimed('an answer that is not quoted', withoutQuote('api_cors_exposed'), '$api_cors_exposed is not quoted'),
  claimed(
    'a server that is not there',
    (own) => ({ ...own, proxies: [...own.proxies, { ...own.proxies[0], names: [] }] }),
    'not one server',
  ),
  both(
    SERVER,
    `server { listen 8080 default_server; }\n${SERVER}`,
    ({ around, ...own }) => ({
      ...own,
      around: around.flatMap((each) =>
        each[0] === 'server' ? [['server', [['listen', '8080', 'default_server']]], each] : [each],
      ),
    }),
    'not one server',
  ),
  claimed('no groups at all', (own) => ({ ...own, proxies: own.proxies.map(({ names }) => ({ names })) }), ' '),
];

const LONGER: readonly Step<Certificate>[] = [
  holds('rests of paths'),
  edited('"PUT /r/s/t/" "read"', '"PUT /r/s/t" "read"', 'differs'),
  edited(REST, REST.replace('${after_8}', ''), 'looks at a part of what comes later'),
  edited(REST, REST.replace('${segment_2}', 'x${segment_2}'), 'looks at a part of what comes later'),
  edited(REST, REST.replace('${segment_2}', '${segment_2}x'), 'the type of'),
  edited(REST, REST.replace('${segment_2}', '/${verb}'), ' '),
  edited(LONG, LONG.replace('${api_path_8}', '${segment_8}'), 'the expression [*][}] '),
  edited(LONG, LONG.replace('${slash_8}', ' ${slash_8}'), 'the expression [*][}] '),
  edited(INTS, `${INTS.replace('(?<rest_end>', '\\\\z" "/{int*}";')}\n${INTS}`),
  edited('"/r/s/t/" "PUT"', '"/r/s/t/" "GET"', 'Allow is GET'),
  claimed(
    'a long row',
    withRows((rows) => [...rows, ['GET', '/a/b/c/d/e/f/g/h/i/{int}', rows[0]?.[2] ?? '', 'read']]),
    'rows are longer',
  ),
];

const PATHS: readonly Step<Certificate>[] = [
  edited(
    'map $segment_2 $api_as',
    'map "${segment_2}${segment_3}${segment_4}${segment_5}${segment_6}${segment_7}${segment_8}${after_8}" $api_as',
    'looks at a part of what comes later',
  ),
  edited('"GET /a" "read"', '"GET /b" "read"', 'differs'),
  edited(FIRST, `${FIRST} "/b" "/a";`, 'differs'),
  edited(FIRST, `${FIRST} "/\\\\a" "/a";`, 'differs'),
  edited(SECOND, `${SECOND} "/q/r" "/a";`, 'differs'),
  edited('"/{^A}/{^I}ssues" "/{^A}/{^I}ssues"', '"/{^A}/issues" "/{^A}/{^I}ssues"', 'differs'),
  edited(FIRST, 'map "${http_x}${plain_1}" $api_path_1 {', 'a path depends on $http_x'),
  edited(FIRST, 'map "${remote_user}${plain_1}" $api_path_1 {', '$remote_user is not known here'),
  edited(FIRST, 'map "${plain_1}" $api_path_1 { "/$1" "/a"; "/$2" "$3";', '$3 is not known here'),
  edited('default $api_parameter_1;', 'default $1;', '$1 is not known here'),
  edited(FIRST, 'map "${plain_1}x" $api_path_1 {', 'has no end'),
  edited(SECOND, 'map "${plain_3}" $api_path_2 { "x" "/a";', 'has no end'),
  edited(ROUTE, 'map "G${verb} ${api_endpoint}" $api_route { "GGET /a" "read";', 'has no end'),
  edited(FIRST, `${FIRST} "~[a-z]" "/a";`, 'the expression [a-z] for'),
  edited(FIRST, `${FIRST} "~^/b[a-z]" "/a";`, 'the expression ^/b[a-z] for'),
  edited(FIRST, `${FIRST} "~^/b" "/a";`, 'the expression ^/b for'),
  edited(FIRST, `${FIRST} "~^/[a-z]" "/a";`, 'the expression ^/[a-z] for'),
  edited('map $segment_2 $api_as', 'map "${segment_2}${segment_3}" $api_as', 'looks at a part of what comes later'),
  edited('"GET /a" "read"', '"GET /a" "read"; "PATCH /a" "read"', 'differs'),
  edited(FIRST, `${FIRST} "~^/a\\{2\\}" "/r";`, 'the expression ^/a\\{2\\}'),
  edited(SECOND, `map "x\${plain_1}\${plain_2}" $api_path_2 { "x/zzz/b" "/a";`, 'was not tried'),
  edited(SECOND, 'map "${segment_1}${plain_2}" $api_path_2 { "/zz/b" "/a";', 'a segment is not kept'),
  // The variable of a header is another one for what is quoted, although no row depends on it.
  ...['http_private_token', 'http_x', 'client'].map((name) =>
    edited(
      'map $api_allow $api_verdict_path {',
      `map "" $${name} { default ""; }\nmap "\${api_allow}\${${name}}" $api_verdict_path {`,
      name === 'http_x' ? undefined : name === 'client' ? 'is made twice' : 'is not quoted',
    ),
  ),
  edited(
    'map "" $api_parameter_1 {',
    'map "" $slash_8 { default ""; }\nmap "" $api_parameter_1 {',
    'a part of the request line is a table',
  ),
  // What PCRE finds in another way, or nothing.
  ...['(?<x>y)?\\\\k<x>1 read', '1 rea.', '1 rea(?=d)d', '1 (?:r)ead', '1 [[r]ead', '1 rea{1}d'].map((own) =>
    edited('"1 read" $api_verdict_token;', `"~^${own}" $api_verdict_token;`, 'the expression'),
  ),
  edited('"1 read" $api_verdict_token;', '"~^1 r(?<x>[e]++)ad\\\\z" $api_verdict_token;'),
  edited('map "" $api_parameter_1 {', 'map "" $api_parameter_1 { "~^(?<segment_1>)" "-";', '$segment_1 is made twice'),
  edited('map "" $api_parameter_1 {', 'map "" $api_parameter_1 { "~^(?<api_allow>)" "-";', '$api_allow is made twice'),
  edited('map "" $api_parameter_1 {', 'map "" $api_parameter_1 { "~^(?<http_x>)" "-";', '$http_x is made twice'),
  edited(
    'map "" $api_parameter_1 {',
    'map "" $api_parameter_1 { "~^(?<secure_link>)" "-";',
    '$secure_link is made twice',
  ),
  edited('map "" $api_parameter_1 {', 'map "" $api_parameter_1 { "~^(?<client>)" "-";', '$client is not quoted'),
  claimed(
    'a path is treated in two ways',
    withRows(([row, ...rows]) => [row, ...rows, ['GET', '/a', 'x', 'read']] as Row[]),
    'rows do not agree',
  ),
  claimed(
    'a treatment that is not there',
    withProxy(() => ({ treatments: {} })),
    'rows do not agree',
  ),
  claimed(
    'a row less',
    withRows((rows) => rows.slice(1)),
    'differs',
  ),
  claimed(
    'a row more',
    withRows((rows) => [...rows, ['GET', '/b', rows[0]?.[2] ?? '', 'read']]),
    'differs',
  ),
  claimed(
    'a method with a hyphen',
    withRows(([[, ...row] = ['', '', '', ''], ...rows]) => [['GET-A', ...row], ...rows]),
    'differs',
  ),
  claimed('a row that is no path', withRow('GET', 'a', 'forward-up', 'read'), 'the row GET a'),
  claimed('a row of no type', withRow('GET', '/a/{number}', 'forward-up', 'read'), 'the row GET /a/{number}'),
  claimed('a row with a part of a type', withRow('GET', '/a/x{int}', 'forward-up', 'read'), 'the row GET /a/x{int}'),
  claimed('a method that is none', withRow('get', '/a', 'forward-up', 'read'), 'the row get /a'),
  claimed('a narrower type', (own) => ({ ...own, types: { ...own.types, int: '[0-8]+' } }), ' '),
];

const VERDICTS: readonly Step<Certificate>[] = [
  claimed(
    'addresses that are not there',
    withProxy(() => ({ from: ['in_key_three'] })),
    '$in_key_three has no values',
  ),
  claimed(
    'all addresses',
    withProxy(() => ({ from: 'any' })),
    'differs',
  ),
  claimed(
    'addresses of a key',
    withProxy(() => ({ from: ['in_key_two'] })),
    'differs',
  ),
  claimed(
    'no caller',
    withProxy(() => ({ caller: null })),
    'rows in other files',
  ),
  claimed(
    'open, with a group',
    withProxy(({ treatments }) => ({
      treatments: Object.fromEntries(
        Object.entries(treatments).map(([name, each]) => [name, { ...each, isOpen: true }]),
      ),
    })),
    'asks for no key, and names a group',
  ),
  claimed(
    'another Allow',
    withProxy(() => ({ allow: 'api_cors_exposed' })),
    ' ',
  ),
  claimed(
    'elsewhere',
    withProxy(({ treatments }) => ({
      treatments: Object.fromEntries(
        Object.entries(treatments).map(([name, { leads }]) => [
          name,
          { leads: { ...leads, api_verdict_location: 'forward-evil' } },
        ]),
      ),
    })),
    '$api_verdict_location is forward-up',
  ),
  claimed('secrets as values', quotedAs('private__token_token', undefined), 'rows in other files are not known'),
  claimed('keys of nobody', (own) => ({ ...own, keys: own.keys.slice(1) }), ' '),
  claimed(
    'a key from elsewhere',
    (own) => ({ ...own, keys: own.keys.map((key) => ({ ...key, from: 'any' })) }),
    'differs',
  ),
  claimed(
    'a key with no groups',
    (own) => ({ ...own, keys: own.keys.map((key) => ({ ...key, groups: [] })) }),
    'differs',
  ),
  claimed(
    'no preflights',
    withProxy(() => ({ preflight: undefined })),
    'differs',
  ),
  claimed(
    'preflights of all pages',
    withProxy(({ preflight }) => ({ preflight: { ...preflight, asks: preflight?.asks.slice(0, 1) } })),
    'differs',
  ),
  // Two expressions that are one without possessive marks, were these not in brackets.
  edited(
    'map $private__token_token $api_verdict_token {',
    'map $private__token_token $api_verdict_token { "~[]a*+]" $api_verdict_route; "~[]a*]" "path";',
    'the expression []a*]',
  ),
  claimed(
    'nothing is cut',
    withProxy(() => ({ cuts: [] })),
    ' ',
  ),
  edited('map $verb $api_options', 'map $method $api_options', 'before it is cut'),
  edited('"" "path";', '"~^\\\\z" "path";', 'differs'),
  edited('"/a/{int}/x" "POST";', '"/a/{int}/x" "GET";', 'Allow is GET'),
  edited('"/v" "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"', '"/v" "GET, HEAD"', 'Allow is'),
  edited('"1 read" $api_verdict_token;', '"1 read" $api_verdict_route;', 'differs'),
  edited('"OPTIONS" "yes"', '"GET" "yes"', 'differs'),
  edited('default $api_verdict_preflight;', 'default $api_verdict_plain;', 'differs'),
  edited(
    'map $private__token_token $api_verdict_token {',
    'map $private__token_token $api_verdict_token { "abc def" "path";',
    '$private__token_token may be abc def',
  ),
  edited(
    'map $private__token_token $api_verdict_token {',
    'map $private__token_token $api_verdict_token { "~[*][}] " "path";',
    'differs',
  ),
  edited('map "" $api_parameter_1 {', 'map "" $api_parameter_1 { volatile "x";'),
  edited(
    'map $private__token_token $api_verdict_token {',
    'map $private__token_token $api_verdict_token { "one" "path";',
    '$private__token_token may be one',
  ),
  edited('"1 read" $api_verdict_token;', '"1 read" "key-missing";', 'differs'),
  edited('"~^0 " "key-expired";', '"~^0 " "key-missing";', 'differs'),
  edited('"" "key-unknown";', '"" "path";', 'differs'),
  edited('"~^yes [ \\\\t]*+[^ \\\\t,]"', '"~^ye.*+[^ \\\\t,]"', 'the expression ^ye'),
  edited(ROUTE, `map "" $unused { default "x_pass"; }\n${ROUTE}`),
];

const [TEN, NINE] = ['h /i(?<segment_10>/[^/]++)\\\\z', 'h /J\\\\z'];
const withPort = (listen: string) => (own: Certificate) => ({
  ...own,
  around: own.around.map((each) => replaced(each, listen)),
  beside: own.beside.map((each) => replaced(each, listen)),
});
/** A quote with another address in place of port 443. */
const replaced = (quote: unknown, listen: string): unknown =>
  Array.isArray(quote) ? quote.map((each) => replaced(each, listen)) : quote === '443' ? listen : quote;

const LONGEST: readonly Step<Certificate>[] = [
  holds('paths behind the eighth segment'),
  edited(TEN, TEN.replace('/i', '/I'), 'differs'),
  edited(TEN, TEN.replace('/i', '(?<segment_9>/[^/]++)'), 'differs'),
  edited(TEN, TEN.replace('/[^/]++)', '/[^/]*+)'), 'the expression'),
  edited(TEN, TEN.replace('\\\\z', ''), 'the expression'),
  edited(TEN, TEN.replace('/i', '/[ij]'), 'the expression'),
  edited(TEN, TEN.replace('h /i', 'g /i'), 'differs'),
  edited(NINE, NINE.replace('/J', '/K'), 'differs'),
  edited(NINE, NINE.replace('/J', '/J/'), 'differs'),
  edited('map $segment_10', 'map $segment_9', ' '),
  // No segment is "/" alone.
  edited('map $segment_10 $api_as_int_10 {', 'map $segment_10 $api_as_int_10 { "/" "/{int}";'),
  edited(LONG, 'map "${verb} ${after_8}" $api_longer {\n"~^ /q\\\\z" "/q";\n#', 'the expression ^ /q'),
  edited(
    'map "${api_path_8} ${after_8}${slash_8}" $api_longer {',
    'map "x ${segment_1}" $api_longer {\n"~^x (?<more>/[^/]++)\\\\z" "/q";',
    'has no end',
  ),
  claimed(
    'a row of nine more',
    withRows((rows) => [...rows, ['GET', '/a/b/c/d/e/f/g/h/z', rows[0]?.[2] ?? '', '']]),
    'differs',
  ),
  claimed(
    'a row of many more',
    withRows((rows) => [...rows, ['GET', '/a/b/c/d/e/f/g/h/{int*}', rows[0]?.[2] ?? '', '']]),
    'differs',
  ),
  claimed(
    'a row of many behind these',
    withRows((rows) => [...rows, ['GET', '/a/b/c/d/e/f/g/h/i/1/{int*}', rows[0]?.[2] ?? '', '']]),
    'differs',
  ),
  claimed(
    'a row of eleven',
    withRows((rows) => [...rows, ['GET', '/a/b/c/d/e/f/g/h/i/1/2', rows[0]?.[2] ?? '', '']]),
    'rows are longer',
  ),
  claimed(
    'a row less',
    withRows((rows) => rows.filter(([, path]) => !path.endsWith('/J'))),
    'differs',
  ),
  edited('"~^[ \\\\t]*+[^ \\\\t,]" $api_verdict_known', '"~[ \\\\t]*+[^ \\\\t,]" $api_verdict_known', 'differs'),
  claimed('no servers beside it', (own) => ({ ...own, beside: [] }), 'has no rows'),
  claimed(
    'a proxy that nothing is said of',
    ({ proxies, ...own }) => ({ ...own, proxies: [], beside: [...own.beside, ...proxies.map(({ names }) => names)] }),
    'there is no proxy',
  ),
  both(/listen 443/g, 'listen 127.0.0.1:8080', withPort('127.0.0.1:8080'), 'has no rows'),
  both(/listen 443/g, 'listen 127.0.0.1', withPort('127.0.0.1'), 'it listens on 127.0.0.1'),
];

/** All cases; made when they are asked for, since that takes a while. */
export const nginxCases = (): readonly Refusal[] => [
  ...refusals(specFiles(SPEC, 'nginx'), certify, [
    holds('as it is written'),
    ...FILES,
    ...PATHS,
    ...VERDICTS,
    ...nginxForgeries,
    ...oddTexts<Certificate>(),
  ]),
  ...refusals(specFiles(RESTS, 'nginx'), certify, LONGER),
  ...refusals(specFiles(BEHIND, 'nginx'), certify, LONGEST),
];
