import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatAddress } from '../src/policy/cidr.ts';
import { edited, exampleFiles, PROVED_SPEC, proof, specFiles, told } from './support/proofs.ts';

const proofs = suite('more proofs of Caddyfiles');

const own = specFiles(PROVED_SPEC, 'caddy');

/** Ends of keys, callers bound to addresses, and the rest of a path. */
const MORE = PROVED_SPEC.replace('routes: [read] }', 'routes: [read], expires: 2090-06-30 }')
  .replace('routes: [read, hooks] }', 'routes: [read, hooks], ipRanges: [192.0.2.16/28] }')
  .replace('apiKeys:', '  jobs: { upstream: gitlab, auth: passthrough, allow: ["PUT /jobs/{rest:slug*}"] }\napiKeys:');

proofs('keys that end, callers bound to addresses, rests of paths', () => {
  const more = specFiles(MORE, 'caddy');
  assert.is(told(proof(more), more), 'proved');
  assert.match(edited(more, '{time.now.unix}', '1'), /instead of 403$/);
  assert.match(edited(more, 'client_ip 192.0.2.16/28', 'client_ip 192.0.2.0/27'), /instead of 403$/);
});

proofs('a client that is found otherwise is shown through as few proxies as possible', () => {
  const behind = PROVED_SPEC.replace('192.0.2.0/24] }', '192.0.2.0/24], clientIp: { trustedProxies: [10.0.0.0/8] } }');
  const made = specFiles(behind, 'caddy');
  for (const [trusted, peer] of [
    ['10.0.0.0/7', '11.0.0.0'],
    ['10.0.0.0/9', '10.128.0.0'],
  ] as const) {
    const files = made.files.map((file) => ({
      ...file,
      text: file.text.replace('client_ip 10.0.0.0/8', `client_ip ${trusted}`),
    }));
    const result = proof({ ...made, files });
    assert.ok(result.kind === 'differs');
    const { headers, peer: from } = result.difference.request;
    assert.is(formatAddress(from), peer);
    assert.equal(
      headers.filter(([name]) => name === 'X-Forwarded-For'),
      [['X-Forwarded-For', '192.0.2.0']],
    );
  }
});

/** Pages of other origins. */
for (const cors of ['{ origins: ["https://app.example.com"], headers: [X-Page], maxAge: 1h }', '{ origins: any }'])
  proofs(`what pages of other origins are told is proved: ${cors}`, () => {
    const pages = specFiles(PROVED_SPEC.replace('192.0.2.0/24] }', `192.0.2.0/24], cors: ${cors} }`), 'caddy');
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
  [
    'a refusal the other way round',
    '@refused not vars {decision.pass} yes',
    '@refused vars {decision.pass} yes',
    /500 instead of 401$/,
  ],
  ['a default that lets pass', 'default "no"', 'default "yes"', /500 instead of 401$/],
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
    'a larger body of unknown length',
    'max_size 65536',
    'max_size 65537',
    /^cannot tell: bodies of .* 65537 bytes instead of 65536$/,
  ],
  ['a smaller body', 'max_size 65536', 'max_size 65535', /413 instead of forwarding$/],
  ['a longer head', 'max_header_size 12288', 'max_header_size 12289', /forwarded instead of 431$/],
  ['another default of the reasons', 'default "key-routes"', 'default "path"', /405 instead of 403$/],
  ['shorter keys', '{20,128}', '{20,64}', / \/: 401 instead of 404$/],
  ['another status for an address', 'error @outside address 403', 'error @outside address 404', /404 instead of 403$/],
  ['no secrets', 'import secrets/keys*', '', / \/: 403 instead of 404$/],
  ['another order of methods', '"$1, $2"', '"$2, $1"', /Allow: HEAD, GET instead of GET, HEAD$/],
  [
    'another Host',
    'header_up Host "gitlab.example.com"',
    'header_up Host {http.request.hostport}',
    /another Host is sent$/,
  ],
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
  ['an answer before everything', 'import protected', 'import protected\n\t\trespond hi 200', /: 200 instead of 401$/],
  ['a status of all errors', 'respond `{"status"', 'respond 200\n\trespond `{"status"', /200 instead of 401$/],
];

for (const [what, from, to, expected] of EDITS) proofs(what, () => assert.match(edited(own, from, to), expected));

proofs.run();
