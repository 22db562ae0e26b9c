import { symlinkSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { edited, type Made, PROVED_SPEC, proof, specFiles, told } from './support/proofs.ts';
import { toldAndTried } from './support/toldAndTried.ts';
import { inWorkspace } from './support/workspace.ts';

const { test, engines } = await engineSuite('edits of operators', ['nginx', 'nginx-newest', 'caddy']);

type Edit = readonly [what: string, from: string, to: string, told: RegExp];

const withEdit = (own: Made, from: string, to: string): Made => {
  const file = own.files.find(({ text }) => text.includes(from));
  assert.ok(file, from);
  const text = file.text.replace(from, () => to);
  return { ...own, files: own.files.map((each) => (each === file ? { ...each, text } : each)) };
};

function tryEdits(own: Made, programs: readonly ('nginx' | 'nginx-newest' | 'caddy')[], edits: readonly Edit[]): void {
  for (const program of programs)
    for (const [what, from, to, expected] of edits)
      test(`${program}: ${what}`, async () => {
        const made = withEdit(own, from, to);
        assert.match(
          await toldAndTried({ program: engines[program].path, made, seed: 'operators', each: 1 }),
          expected,
        );
      });
}

/** What takes another clock cannot be tried. */
function tellEdits(own: Made, edits: readonly Edit[]): void {
  for (const [what, from, to, expected] of edits)
    test(`${own.engine}: ${what}`, () => assert.match(edited(own, from, to), expected));
}

const hosts = `version: 1
name: hosts
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: ["GET /api/v4/user"] } }
apiKeys: { one: { key: "env:ONE", token: "env:T1" } }
proxies:
  a: { listen: 8080, hosts: [a.example.com], ipRanges: [192.0.2.0/24] }
  c: { listen: 8080, hosts: [c.example.com], ipRanges: any }
targets: { nginx: {}, caddy: {} }
`;
const behind = hosts
  .replace(/ {2}a: .*\n/, '')
  .replace(
    /c: .*\n/,
    `c: { listen: 8080, ipRanges: [198.51.100.0/24], clientIp: { trustedProxies: [10.0.0.0/8], header: X-Forwarded-For } }\n`,
  );

const SERVER = 'server {\n    listen 8080 default_server;';
const PATH = /location = "\/\.\/path" \{.*\n/;
const LINK = 'secure_link "${private__token_hash}${private__token_expiry}";';

const nginx = specFiles(PROVED_SPEC, 'nginx');
const [paths = ''] = PATH.exec(nginx.files.find(({ text }) => PATH.test(text))?.text ?? '') ?? [];
tryEdits(
  nginx,
  ['nginx', 'nginx-newest'],
  [
    [
      'an answer without a text',
      paths,
      'location = "/./path" { internal; client_max_body_size 0; return 411 ""; }\n',
      /^400 instead of 404$/,
    ],
    [
      'a server of a range of ports',
      SERVER,
      `server { listen 8000-8100; return 204; } ${SERVER}`,
      /^cannot.* no proxy/,
    ],
    [
      'a port with a zero',
      SERVER,
      `server { listen 127.0.0.1:08080; return 204; } ${SERVER}`,
      /^cannot tell: .* no proxy/,
    ],
    ['a second listener', SERVER, `${SERVER} listen 9090;`, /^cannot tell: the server listens on 9090, too$/],
    ['a socket', SERVER, `${SERVER} listen unix:/x.sock; set_real_ip_from unix:;`, /^cannot.* listens on unix/],
    ['a table of the whole target', 'map $api_allow $api_v', 'map $request_uri $api_v', /^cannot tell: request uri/],
  ],
);
tellEdits(nginx, [
  [
    'keys that all end one day',
    LINK,
    LINK.replace(/\$\{private__token_expiry.*/, ',1900000000";'),
    /: 403 instead of 404$/,
  ],
  ['keys that end in an hour that is not told', LINK, LINK.replace('hash}$', 'hash},19000$'), /: 403 instead|^cannot/],
]);
tryEdits(
  specFiles(behind, 'nginx'),
  ['nginx'],
  [
    [
      'addresses of the balancer',
      'geo $client $in_proxy_c',
      'geo $in_proxy_c',
      /^cannot tell: the address of the conn/,
    ],
    ['more balancers', '10.0.0.0/8 "1"', '10.0.0.0/7 "1"', /^401 instead of 403$/],
    [
      'a balancer that is forgotten',
      '$c_trusted_2 {\n    default "";',
      '$c_trusted_2 { default ""; } geo $x {',
      /^403 ins/,
    ],
    ['the client under its own name', 'X-Real-IP $c_client', 'X-Real-IP $client', /^proved/],
  ],
);
tryEdits(
  specFiles(hosts, 'nginx'),
  ['nginx'],
  [
    ['a name for requests without Host', '"~^(?!)" a.ex', 'a.ex', /^cannot tell: requests without Host are taken for/],
    ['names of all others', '"~^(?!)" c.ex', '"~." c.ex', /^cannot tell: a server has the name "~\."$/],
  ],
);

const OUTSIDE = 'error @outside address 403';
const SITE = '# Proxy api\n';
const EVIL = `@evil vars_regexp client_ip ^192[.]0[.]2[.]77$\nerror @evil address 403\n${OUTSIDE}`;
const NOT = 'not client_ip 192.0.2.0/24';
tryEdits(
  specFiles(PROVED_SPEC, 'caddy'),
  ['caddy'],
  [
    ['an address by an expression', OUTSIDE, EVIL, /^403 instead of 401$/],
    [
      'an address by its text',
      OUTSIDE,
      EVIL.replace('_regexp client_ip ^192[.]0[.]2[.]77$', ' client_ip 192.0.2.77'),
      /^403/,
    ],
    ['an address that comes in', NOT, `${NOT}\nnot vars client_ip 198.51.100.7`, /^401 instead of 403$/],
    ['addresses that come in', NOT, `${NOT}\nnot vars_regexp client_ip ^10[.]`, /^401 instead of 403$/],
    [
      'a table of addresses',
      '@outside {',
      `map {http.vars.client_ip} {client.in} {\n198.51.100.7 "yes"\n}\n@outside {\nnot vars {client.in} yes`,
      /^401 instead of 403$/,
    ],
    [
      'an address within a text',
      '@outside {',
      `map "x{http.vars.client_ip}" {client.in} {\nx1 "yes"\n}\n@outside {\nnot vars {client.in} yes`,
      /^cannot tell: hop 0 is looked into$/,
    ],
    [
      'a port with a zero',
      SITE,
      `http://:08080 {\nbind tcp4/127.0.0.1\nrespond hi\n}\n${SITE}`,
      /^cannot tell: no site/,
    ],
    [
      'a path of a site',
      SITE,
      `http://:8080/x {\nbind tcp4/127.0.0.1\nrespond hi\n}\n${SITE}`,
      /^cannot tell: no site/,
    ],
    [
      'a comma',
      SITE,
      `http://:8080, http://:81 {\nbind tcp4/127.0.0.1\nrespond hi\n}\n${SITE}`,
      /^cannot tell: no site/,
    ],
    ['a site of another port', SITE, `http://:8081 {\nrespond hi\n}\n${SITE}`, /^proved/],
    [
      'a number that is none',
      'vars query {',
      'vars token NAN\nvars query {',
      /^cannot tell: .* a value that is no text$/,
    ],
  ],
);
const TIMES: readonly (readonly [what: string, before: string, matcher: string])[] = [
  ['a time by an expression', '', 'vars_regexp {time.now.unix} ^1[89]'],
  ['a time in a variable', 'vars now {time.now.unix}\n', 'vars_regexp now ^1[89]'],
  ['a time in a table', 'map {time.now.unix} {client.now} {\n~^1[89] "late"\n}\n', 'vars {client.now} late'],
  [
    'a time that a table hands on',
    'map {time.now.unix} {client.now} {\n~^(.*)$ "$1"\n}\n',
    'vars_regexp {client.now} ^1[89]',
  ],
];
tellEdits(
  specFiles(PROVED_SPEC, 'caddy'),
  TIMES.map(([what, before, matcher]) => [
    what,
    OUTSIDE,
    `${before}@late ${matcher}\nerror @late address 403\n${OUTSIDE}`,
    /: 403 instead of 401$/,
  ]),
);
const TRUSTED = 'client_ip 10.0.0.0/8 ::ffff:10.0.0.0/104';
tryEdits(
  specFiles(behind, 'caddy'),
  ['caddy'],
  [
    ['more balancers', TRUSTED, TRUSTED.replace('/8', '/7'), /^401 instead of 403$/],
    ['balancers without their long form', TRUSTED, 'client_ip 10.0.0.0/8', /^403 instead of 401$/],
    ['clients without their long form', ' ::ffff:198.51.100.0/120', '', /^403 instead of 401$/],
    ['a balancer in place of another', '0 1 {client.hop1}', '0 1 {client.hop2}', /^403 instead of 401$/],
    ['one balancer less', '\t\timport c-hop 7 8 {client.hop8}\n', '', /^403 instead of 401$/],
  ],
);
const published = PROVED_SPEC.replace(
  '[192.0.2.0/24] }',
  '[192.0.2.0/24], publicUrl: "https://p.example.com", cors: { origins: [https://app.example.com] } }',
);
const ORIGIN = 'map $http_origin $api_cors_origin {\n    default ';
tryEdits(
  specFiles(published, 'nginx'),
  ['nginx', 'nginx-newest'],
  [
    [
      "the client's Host in place of ours",
      'Host "p.example.com"',
      'Host $http_host',
      /^the client's host is sent as x-f/,
    ],
    [
      'pages of any origin',
      `${ORIGIN}""`,
      `${ORIGIN}$http_origin`,
      /^access-control-allow-origin: <header origin> inst/,
    ],
  ],
);
tryEdits(
  specFiles(published, 'caddy'),
  ['caddy'],
  [
    [
      "the client's Host in place of ours",
      'header_up X-Forwarded-Host "p.example.com"',
      '',
      /^another x-forwarded-host/,
    ],
  ],
);
tryEdits(
  specFiles(PROVED_SPEC, 'caddy'),
  ['caddy'],
  [
    [
      'a header that Go takes away',
      'Host {http.request.hostport}',
      'Host {http.request.header.Host}',
      /^another x-forwarded-host is/,
    ],
  ],
);
const answering = PROVED_SPEC.replace(
  '[192.0.2.0/24] }',
  '[192.0.2.0/24], answer: [{ request: GET /nothing, status: 204, auth: none }] }',
);
tryEdits(
  specFiles(answering, 'nginx'),
  ['nginx'],
  [
    ['a text of an answer that has none', 'return 204 "";', 'return 204 "x";', /^proved/],
    ['a redirect', 'return 204 "";', 'return 302 "/x";', /^302 instead of 204$/],
  ],
);
const LAST = '\t\terror 421\n';
tryEdits(
  specFiles(hosts, 'caddy'),
  ['caddy'],
  [
    ['other hosts are answered', LAST, '\t\trespond hi\n', /^200 instead of 421$/],
    [
      'another host is answered',
      '\t@host-a {',
      '\t@x host x.example.com\n\troute @x {\nrespond hi\n}\n\t@host-a {',
      /^200 instead of/,
    ],
  ],
);
const HOP = 'import c-hop 0 1 {client.hop1}\n';
const early = withEdit(specFiles(behind, 'caddy'), HOP, `@ours client_ip 10.0.0.0/8\nvars @ours ours yes\n${HOP}`);
tellEdits(specFiles(behind, 'caddy'), [
  [
    'how the client was found',
    OUTSIDE,
    `@x vars hops 1\nerror @x address 403\n${OUTSIDE}`,
    /^cannot tell: .* was found$/,
  ],
]);
tellEdits(early, [
  [
    'a client before it is found',
    OUTSIDE,
    `@x vars ours yes\nerror @x address 403\n${OUTSIDE}`,
    /^cannot.* before it is/,
  ],
]);

test('servers on the ports of another scheme, and of proxies with TLS, are proved and tried', async () => {
  const spec = hosts
    .replace('https://gitlab.example.com }', 'https://gitlab.example.com, servers: ["10.0.0.1:80", "10.0.0.2:443"] }')
    .replace(/ {2}a: .*\n/, '')
    .replace('c: { listen: 8080,', 'c: { listen: 8443, tls: { certFile: /etc/c.pem, keyFile: /etc/my keys/k.pem },');
  const made = specFiles(spec, 'caddy');
  assert.is(told(proof(made), made), 'proved');
  const tried = await toldAndTried({ program: engines.caddy.path, made, seed: 'ports', each: 1 });
  assert.match(tried, /^proved, and [1-9]/);
});

test('what is named beside --live is proved, or nothing is', async () => {
  await inWorkspace(async ({ write, run, path }) => {
    write('postern.yaml', PROVED_SPEC);
    await run('generate');
    symlinkSync('/nowhere', `${path}/generated/nginx/broken`);
    symlinkSync('loop', `${path}/generated/nginx/loop`);
    const file = 'nginx=generated/nginx/nginx.conf';
    const live = async (line: string) => {
      const { status, stdout, stderr } = await run(`prove ${line}`);
      return `${status} ${stderr || stdout}`;
    };
    assert.match(await live(`--live ${file}`), /^0 nginx: proxy api: proved/);
    assert.match(await live(`--live ${file} --live nginx=/dev/null`), /^2 .*names "nginx" once more/s);
    assert.match(await live('--live nginx'), /^2 .*names no file/s);
    assert.match(await live('--live nginx='), /^2 .*names no file/s);
    assert.match(await live(`--engine caddy --live ${file}`), /^2 .*--engine has no meaning beside --live/s);
  });
});

test.run();
