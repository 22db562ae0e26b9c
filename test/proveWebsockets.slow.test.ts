import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { type Engine, specFiles } from './support/proofs.ts';
import { toldAndTried } from './support/toldAndTried.ts';

const { test, engines } = await engineSuite('edits of what opens a WebSocket', ['nginx', 'caddy']);

const SPEC = `version: 1
name: sockets
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes:
  read: { upstream: gitlab, allow: ["GET /api/v4/user"] }
  cable: { upstream: gitlab, allow: ["GET /-/cable"], websocket: true }
apiKeys:
  one: { key: "env:ONE", token: "env:TOKEN_ONE", routes: [read, cable] }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24] } }
targets: { nginx: {}, caddy: {} }
`;

type Edit = readonly [what: string, file: string, from: string, to: string, told: RegExp];

const NOT_ASKED = /^the upstream is not asked for the WebSocket$/;
/** The shortest request that shows it asks for one, or for something else. */
const OTHERWISE = /^the upstream is not asked for the WebSocket$|^(?:connection|upgrade) is sent, too$/;
const UPGRADE = 'proxy_set_header Upgrade $upgrade;';
const WEBSOCKET = `~websocket" {
        internal;
        client_max_body_size 1048576;
        proxy_pass "https://gitlab\${request_uri}";
        proxy_http_version 1.1;`;
const CONNECTION = 'proxy_set_header Connection $upgrade_connection;';
const USUAL = 'proxy_set_header Connection "";';

/** Of the first place where each is found; the other route stands before that of the WebSocket. */
const NGINX: readonly Edit[] = [
  ['nothing', 'api.conf', USUAL, USUAL, /^proved/],
  ['no Upgrade', 'api.conf', UPGRADE, '', NOT_ASKED],
  ['no Connection', 'api.conf', CONNECTION, '', NOT_ASKED],
  ['an empty Connection', 'api.conf', CONNECTION, USUAL, NOT_ASKED],
  ['a Connection that is closed', 'api.conf', '$upgrade_connection', 'close', NOT_ASKED],
  ['another word for a WebSocket', 'maps.conf', 'websocket websocket', 'websocket webxocket', OTHERWISE],
  ['another word of the client', 'maps.conf', 'websocket websocket', 'webxocket websocket', OTHERWISE],
  ['another word of a connection', 'maps.conf', 'websocket upgrade', 'websocket upgrxde', OTHERWISE],
  ['a WebSocket for everybody', 'maps.conf', 'default ""', 'default websocket', /^upgrade is sent, too$/],
  ['whatever the client asks for', 'api.conf', UPGRADE, 'proxy_set_header Upgrade $http_upgrade;', /^upgrade is sent/],
  [
    'the Connection of the client',
    'api.conf',
    CONNECTION,
    'proxy_set_header Connection $http_connection;',
    /is sent, t/,
  ],
  ['a WebSocket on every route', 'api.conf', USUAL, `${CONNECTION} ${UPGRADE}`, /^upgrade is sent, too$/],
  ['an Upgrade on every route', 'api.conf', USUAL, `${USUAL} ${UPGRADE}`, /^upgrade is sent, too$/],
  ['a Connection on every route', 'api.conf', USUAL, CONNECTION, /^connection is sent, too$/],
  [
    'a Connection that drops a header',
    'api.conf',
    USUAL,
    USUAL.replace('""', 'PRIVATE-TOKEN'),
    /^connection is sent, too$/,
  ],
  ['a Connection that is kept', 'api.conf', USUAL, USUAL.replace('""', 'keep-alive'), /^proved/],
  ['the usual Connection', 'api.conf', USUAL, '', /^proved/],
  [
    'a token in Upgrade',
    'api.conf',
    'Upgrade $upgrade;',
    'Upgrade $private__token_token;',
    /^a token is sent in upgrade$/,
  ],
  ['a secret in Connection', 'api.conf', USUAL, USUAL.replace('""', '$remote_addr'), /^cannot tell: .* Connection or/],
  [
    'no version of HTTP',
    'api.conf',
    WEBSOCKET,
    WEBSOCKET.replace('proxy_http_version 1.1;', ''),
    /^cannot tell: .* version of HTTP$/,
  ],
  [
    'an answer that is hidden',
    'api.conf',
    UPGRADE,
    `${UPGRADE} proxy_hide_header Upgrade;`,
    /^cannot tell: .* hides upgrade$/,
  ],
];

const SENT = 'header_up {sent.upgrade} websocket';
const HOP = 'header_up {sent.connection} Upgrade';
const ALWAYS = 'header_up User-Agent ';
const ROW = '[Tt] (?:.*,)?[ \\t]*[Uu]';

const CADDY: readonly Edit[] = [
  ['nothing', 'Caddyfile', SENT, SENT, /^proved/],
  ['no Upgrade', 'Caddyfile', SENT, '', NOT_ASKED],
  ['no Connection', 'Caddyfile', HOP, '', NOT_ASKED],
  ['an Upgrade that is taken away', 'Caddyfile', SENT, `${SENT}\nheader_up -Upgrade`, NOT_ASKED],
  ['a Connection that is taken away', 'Caddyfile', HOP, `${HOP}\nheader_up -Connection`, NOT_ASKED],
  ['all that begins like it', 'Caddyfile', HOP, `${HOP}\nheader_up -Conn*`, NOT_ASKED],
  ['another word for a WebSocket', 'Caddyfile', SENT, SENT.replace('web', 'wed'), OTHERWISE],
  ['another word of a connection', 'Caddyfile', HOP, HOP.replace('Upg', 'Upd'), OTHERWISE],
  ['a Connection that is closed', 'Caddyfile', HOP, HOP.replace('Upgrade', 'close'), NOT_ASKED],
  ['another word of the client', 'Caddyfile', '^[Ww][Ee]', '^[Vv][Ee]', OTHERWISE],
  ['only the last word of the client', 'Caddyfile', ROW, ROW.replace('(?:.*,)?', ''), NOT_ASKED],
  ['a word that does not end', 'Caddyfile', '[Ee][ \\t]*(?:,|$)', '[Ee]', /^proved/],
  ['a name that is another', 'Caddyfile', '"Upgrade"', '"Sec-Websocket-Key"', /is not asked|is not passed on/],
  [
    'a WebSocket for everybody',
    'Caddyfile',
    ALWAYS,
    `header_up Upgrade websocket\n${ALWAYS}`,
    /^upgrade is sent, too$/,
  ],
  [
    'a Connection for everybody',
    'Caddyfile',
    ALWAYS,
    `header_up Connection X-Y\n${ALWAYS}`,
    /^connection is sent, too$/,
  ],
  [
    'answers that open one',
    'Caddyfile',
    'status 100 102',
    'status 100 101 102',
    /^cannot tell: .* changes \* in a way/,
  ],
  [
    'an answer that is hidden',
    'Caddyfile',
    '-Trailer',
    '-Trailer\n-Upgrade',
    /^cannot tell: .* changes Upgrade of answ/,
  ],
  ['HTTP/2', 'Caddyfile', 'versions 1.1', '', /^cannot tell: .* speaks HTTP\/2/],
];

for (const [engine, edits] of [['nginx', NGINX] as const, ['caddy', CADDY] as const])
  for (const edit of edits) test(`${engine}: ${edit[0]}`, () => tryEdit(engine, edit));

async function tryEdit(engine: Engine, [what, path, from, to, wanted]: Edit): Promise<void> {
  const own = specFiles(SPEC, engine);
  const found = own.files.find((file) => file.path.endsWith(`/${path}`) && file.text.includes(from));
  assert.ok(found, from);
  const files = own.files.map((file) => (file === found ? { ...file, text: file.text.replace(from, () => to) } : file));
  const told = await toldAndTried({ program: engines[engine].path, made: { ...own, files }, seed: what, each: 3 });
  assert.match(told, wanted);
}

test.run();
