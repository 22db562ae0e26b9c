import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { edited, exampleFiles, proof, specFiles, told } from './support/proofs.ts';

const proofs = suite('proofs of Caddyfiles');

/** Some of everything that a decision depends on. */
const SPEC = `version: 1
name: proofs
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes:
  read: { upstream: gitlab, allow: ["GET /api/v4/user", "GET /api/v4/projects/{project:encodedPath}"] }
  hooks: { upstream: gitlab, allow: ["POST /api/v4/hooks/{id:int}"], maxBody: 64KB }
apiKeys:
  one: { key: "env:ONE", token: "env:TOKEN_ONE", routes: [read] }
  two: { key: "env:TWO", token: "env:TOKEN_TWO", routes: [read, hooks] }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24] } }
targets: { caddy: {} }
`;

const own = specFiles(SPEC, 'caddy');

proofs('the spec itself', () => assert.is(told(proof(own), own), 'proved'));

/** Ends of keys, callers bound to addresses, and the rest of a path. */
const MORE = SPEC.replace('routes: [read] }', 'routes: [read], expires: 2090-06-30 }')
  .replace('routes: [read, hooks] }', 'routes: [read, hooks], ipRanges: [192.0.2.16/28] }')
  .replace('apiKeys:', '  jobs: { upstream: gitlab, auth: passthrough, allow: ["PUT /jobs/{rest:slug*}"] }\napiKeys:');

proofs('keys that end, callers bound to addresses, rests of paths', () => {
  const more = specFiles(MORE, 'caddy');
  assert.is(told(proof(more), more), 'proved');
  assert.match(edited(more, '{time.now.unix}', '3808166399'), /instead of 403$/);
  assert.match(edited(more, 'client_ip 192.0.2.16/28', 'client_ip 192.0.2.0/27'), /instead of 403$/);
});

/** Pages of other origins. */
for (const cors of ['{ origins: ["https://app.example.com"], headers: [X-Page], maxAge: 1h }', '{ origins: any }'])
  proofs(`what pages of other origins are told is proved: ${cors}`, () => {
    const pages = specFiles(SPEC.replace('192.0.2.0/24] }', `192.0.2.0/24], cors: ${cors} }`), 'caddy');
    assert.is(told(proof(pages), pages), 'proved');
    assert.match(edited(pages, '>Access-Control-Allow-Origin', '>Access-Control-Allow-Methods'), /access-control-/);
  });

for (const name of ['vault', 'addresses'])
  proofs(`the ${name} example is proved`, () => {
    const example = exampleFiles(name, 'caddy');
    assert.is(told(proof(example), example), 'proved');
  });

/** Each is told with a request that shows it. */
const EDITS: readonly (readonly [what: string, from: string, to: string, told: RegExp])[] = [
  ['a class of another row', '"POST=hooks"', '"POST=read"', /hooks\/0: forwarded instead of 403$/],
  ['an end that is open', '"~^/api/v4/hooks/[0-9]+$"', '"~^/api/v4/hooks/[0-9]+"', /hooks\/0a: 405 instead of 404$/],
  [
    'a type that takes too much',
    '"~^/api/v4/hooks/[0-9]+$"',
    '"~^/api/v4/hooks/[0-9a]+$"',
    /hooks\/a: 405 instead of 404$/,
  ],
  [
    'case that is ignored',
    '"~^/api/v4/hooks/[0-9]+$"',
    '"~(?i)^/api/v4/hooks/[0-9]+$"',
    /HOOKS\/0: 405 instead of 404$/,
  ],
  ['an address more', 'not client_ip 192.0.2.0/24', 'not client_ip 192.0.2.0/23', /instead of 403$/],
  ['a matcher the other way round', 'not client_ip 192.0.2.0/24', 'client_ip 192.0.2.0/24', /instead of 403$/],
  [
    'a refusal the other way round',
    '@refused not vars {decision.pass} yes',
    '@refused vars {decision.pass} yes',
    /500 instead of 401$/,
  ],
  ['a default that lets pass', 'default "no"', 'default "yes"', /500 instead of 401$/],
  ['another upstream', 'https://gitlab.example.com:443 {', 'https://gitlab.example.org:443 {', /somewhere else$/],
  [
    'another name in TLS',
    'tls_server_name "gitlab.example.com"',
    'tls_server_name "gitlab.example.org"',
    /another name in TLS$/,
  ],
  [
    'a certificate that is not checked',
    'tls_server_name "gitlab.example.com"',
    'tls_insecure_skip_verify',
    /without a check of the certificate$/,
  ],
  ['a token that is left out', 'header_up PRIVATE-TOKEN {http.vars.token}', '', /does not get the token of one$/],
  [
    'the key in place of the token',
    'header_up PRIVATE-TOKEN {http.vars.token}',
    'header_up PRIVATE-TOKEN {http.request.header.PRIVATE-TOKEN}',
    /does not get the token of one$/,
  ],
  ['headers that are not taken away', 'header_up -*', '', /cannot tell: .*passes all headers/],
  ['a larger body of unknown length', 'max_size 65536', 'max_size 65537', /^proved$/],
  ['a smaller body', 'max_size 65536', 'max_size 65535', /413 instead of forwarding$/],
  ['a longer head', 'max_header_size 12288', 'max_header_size 12289', /forwarded instead of 431$/],
  ['another status', '"path" "404"', '"path" "403"', /403 instead of 404$/],
  ['another default of the reasons', 'default "key-routes"', 'default "path"', /405 instead of 403$/],
  ['shorter keys', '{20,128}', '{20,64}', /401 instead of 404$/],
  ['another status for an address', 'error @outside address 403', 'error @outside address 404', /404 instead of 403$/],
  ['no secrets', 'import secrets/keys*', '', /403 instead of 404$/],
  ['a query that is not looked at', 'default "query"', 'default "ok"', /forwarded instead of 400$/],
  ['another order of methods', '"$1, $2"', '"$2, $1"', /Allow: HEAD, GET instead of GET, HEAD$/],
  [
    'another Allow',
    'header @method Allow {http.vars.allow}',
    'header @method Allow "GET"',
    /Allow: GET instead of GET, HEAD$/,
  ],
  [
    'another Host',
    'header_up Host "gitlab.example.com"',
    'header_up Host {http.request.hostport}',
    /another Host is sent$/,
  ],
  ['a row that is there twice', '"~^two$" "hooks', '"~^one$" "hooks', /cannot tell: .*a row that is there twice/],
  [
    'a variable that is set again',
    'vars row {request.row}',
    'vars row {request.row}\n\t\tvars row {request.row}',
    /^proved$/,
  ],
  [
    'variables of one block that depend on each other',
    'vars row {request.row}',
    'vars {\n\t\t\trow {request.row}\n\t\t\tother {http.vars.row}\n\t\t}',
    /cannot tell|^proved$/,
  ],
  [
    'a second site',
    '# Proxy api',
    'http://:8080 {\n\trespond hi 200\n}\n# Proxy api',
    /cannot tell: no site, or more than one/,
  ],
  ['an answer before everything', 'import protected', 'import protected\n\t\trespond hi 200', /: 200 instead of 401$/],
  [
    'a directive that is not known',
    'import protected',
    'import protected\n\t\ttemplates',
    /cannot tell: .*has "templates"/,
  ],
  ['another protocol', 'protocols h1', 'protocols h1 h2', /cannot tell/],
  ['another address to listen at', 'bind tcp4/0.0.0.0', 'bind tcp4/127.0.0.1', /cannot tell: no site/],
  ['a status of all errors', 'respond `{"status"', 'respond 200\n\trespond `{"status"', /200 instead of 401$/],
];

for (const [what, from, to, expected] of EDITS) proofs(what, () => assert.match(edited(own, from, to), expected));

proofs.run();
