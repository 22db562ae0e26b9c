import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { hasError } from '../src/diagnostics/diagnostic.ts';
import { BASE } from './guarantees/base.ts';
import { compileFiles, type Files } from './support/files.ts';

const test = suite('attempts at an envelope');

const ENTRY = `version: 1
name: prod
include:
  - base.yaml
  - file: team.yaml
    within: { allow: ["GET,POST /t/{x*}", "* /u/{n:int}"], upstreams: [up], ipRanges: ["@office"], tokens: [env:TEAM, "env:TEAM_*"] }
upstreams: { up: { url: http://up.example.com }, vault: { url: http://vault.example.com } }
ipRanges: { office: [10.1.0.0/16], all: ["@office", 10.2.0.0/16] }
proxies:
  api: { listen: 8080, ipRanges: ["@all"], routes: [read, admin, team] }
targets: { nginx: {} }
`;
const START = 'version: 1\nfragment: true\n';
const GROUP = 'team: { upstream: up, allow: [GET /t/a] }';
const ROUTES = `routes: { ${GROUP} }\n`;
const key = (terms: string, id = 't') => `${ROUTES}apiKeys: { ${id}: { ${terms} } }\n`;
const group = (terms: string) => `routes: { team: { ${terms} } }\n`;

/** What a team writes below the first two lines, and the codes of the errors that it gets: none where it does no harm. */
const ATTEMPTS: Readonly<Record<string, readonly [text: string, ...codes: string[]]>> = {
  // Requests and how they are forwarded.
  'a request beyond': [group('upstream: up, allow: [GET /t/a, DELETE /t/a]'), 'within/request'],
  'everything below a shorter path': [group('upstream: up, allow: ["POST /{x*}"]'), 'within/request'],
  'an encoded slash': [group('upstream: up, allow: ["GET /t/{x:encodedPath*}"]'), 'within/request'],
  'an encoded slash, written out': [group('upstream: up, allow: ["GET /t/a%2Fb"]'), 'within/request'],
  'a way up, encoded': [group('upstream: up, allow: ["GET /t/..%2Fadmin"]'), 'policy/bad-pattern'],
  'a way up': [group('upstream: up, allow: [GET /t/../admin/a]'), 'policy/bad-pattern'],
  'a way up in other dots': [group('upstream: up, allow: ["GET /t/\uff0e\uff0e/admin"]'), 'policy/bad-pattern'],
  'a query': [group('upstream: up, allow: ["GET /t/a?x=/admin"]'), 'policy/bad-pattern'],
  'two requests in one line': [group('upstream: up, allow: ["GET /t/a\\nDELETE /admin/x"]'), 'policy/bad-request'],
  'what ends a text elsewhere': [group('upstream: up, allow: ["GET /t/a\\0DELETE /admin/x"]'), 'yaml/bad-character'],
  'another kind of blank': [group('upstream: up, allow: ["GET\u00a0/admin/a"]'), 'policy/bad-request'],
  'methods that are none': [group('upstream: up, allow: [delete /t/a, CONNECT /u/1]'), 'policy/bad-request'],
  'a trailing slash': [group('upstream: up, allow: [GET /t/a/]'), 'within/request'],
  'another upstream': [group('upstream: vault, allow: [GET /t/a]'), 'within/forwarding'],
  'a header of its own': [
    group('upstream: up, allow: [{ request: GET /t/a, headers: [X-Other] }]'),
    'within/forwarding',
  ],
  WebSockets: [group('upstream: up, allow: [{ request: GET /t/a, websocket: true }]'), 'within/forwarding'],
  forms: [group('upstream: up, contentTypes: [text/plain], allow: [POST /t/a]'), 'within/forwarding'],
  'no key at all': [group('upstream: up, auth: passthrough, allow: [GET /t/a]'), 'within/forwarding', 'within/address'],
  // Keys, tokens and addresses.
  'a key for the groups of others': [
    key('key: env:K, token: env:TEAM, routes: [admin], ipRanges: ["@office"]'),
    'within/request',
  ],
  'a key for every group': [key('key: env:K, token: env:TEAM, ipRanges: ["@office"]'), 'within/request'],
  'the key of another': [
    key('key: env:ADMIN, token: env:TEAM, routes: [team], ipRanges: ["@office"]'),
    'policy/shared-key',
  ],
  'the token of another': [
    key('key: env:K, token: env:T_ADMIN, routes: [team], ipRanges: ["@office"]'),
    'within/token',
  ],
  'a token with a longer name': [
    key('key: env:K, token: env:TEAMX, routes: [team], ipRanges: ["@office"]'),
    'within/token',
  ],
  'a token in other letters': [
    key('key: env:K, token: env:team, routes: [team], ipRanges: ["@office"]'),
    'within/token',
  ],
  'no addresses': [key('key: env:K, token: env:TEAM, routes: [team]'), 'within/address'],
  'any address': [key('key: env:K, token: env:TEAM, routes: [team], ipRanges: any'), 'within/address'],
  'a set with an exception': [
    `ipRanges: { mine: ["@all", { not: 10.1.0.0/24 }] }\n${key('key: env:K, token: env:TEAM, routes: [team], ipRanges: ["@mine"]')}`,
    'within/address',
  ],
  'an address that is over': [
    `ipRanges: { mine: [{ cidr: 10.2.0.9, expires: 2020-01-01 }] }\n${key('key: env:K, token: env:TEAM, routes: [team], ipRanges: ["@mine"]')}`,
    'within/address',
  ],
  'a redefined set': [`${ROUTES}ipRanges: { office: [0.0.0.0/1] }\n`, 'compose/conflict'],
  'a redefined key': [key('key: env:MINE, token: env:T_ADMIN, routes: [admin]', 'admin'), 'compose/conflict'],
  'the same key again': [key('key: env:ADMIN, token: env:T_ADMIN, routes: [admin], ipRanges: [10.2.0.7]', 'admin')],
  'the same group again, with a key': [
    `routes: { ${GROUP}, read: { upstream: up, allow: ["GET /r/{x}"] } }\napiKeys: { t: { key: env:K, token: env:TEAM, routes: [read], ipRanges: ["@office"] } }\n`,
    'within/request',
  ],
  // Sections, and what others of the spec say.
  'a proxy': [`${ROUTES}proxies: { x: { listen: 1, ipRanges: any } }\n`, 'spec/unknown-key'],
  'a target': [`${ROUTES}targets: { caddy: {} }\n`, 'spec/unknown-key'],
  'a shadow': [`${ROUTES}shadow: prod.yaml\n`, 'spec/unknown-key'],
  'an acceptance': [`${ROUTES}accepted: [{ finding: a, reason: b, expires: 2099-01-01 }]\n`, 'spec/unknown-key'],
  'defaults for all': [`${ROUTES}defaults: { maxBody: 1GB }\nlimits: {}\n`, 'spec/unknown-key'],
  'a name': [`name: prod\n${ROUTES}`, 'spec/unknown-key'],
  'an upstream': [`${ROUTES}upstreams: { evil: { url: http://evil.example.com } }\n`, 'within/not-here'],
  'a known upstream elsewhere': [`${ROUTES}upstreams: { up: { url: http://evil.example.com } }\n`, 'compose/conflict'],
  'a rewrite': [`${ROUTES}domainRewrites: [{ from: a.example.com, to: b.example.com }]\n`, 'within/not-here'],
  'a mount of Vault': [
    `${ROUTES}vault: { gitlab: { configs: { a: { url: https://x.example.com, type: saas } }, roles: {} } }\n`,
    'within/not-here',
  ],
  'a promise that does not hold': [`${ROUTES}guarantees: [{ never: "* /{x*}" }]\n`, 'guarantee/never'],
  'the spec as the same as itself': [`${ROUTES}guarantees: [{ same: { as: prod.yaml } }]\n`],
  'a look at other files': [`${ROUTES}guarantees: [{ same: { as: ../../etc/passwd } }]\n`, 'guarantee/no-other'],
  // Includes.
  'the spec itself': [`${ROUTES}include: [prod.yaml]\n`, 'compose/cycle'],
  'a wide envelope of its own': [
    `${ROUTES}include: [{ file: wide.yaml, within: { allow: ["* /{x*}"] } }]\n`,
    'within/request',
    'within/forwarding',
  ],
  'a preset under a name that is listed': [
    'include: [{ preset: gitlab/read-only@1, as: team, with: { gitlab: up } }]\n',
    'policy/unknown-reference',
  ],
  'the repository': [`${ROUTES}ipRanges: { mine: { file: .git/HEAD } }\n`, 'compose/outside-file'],
  // YAML.
  'a merge key': [
    `routes: { team: &a { upstream: up, allow: [GET /t/a] }, other: { <<: *a, upstream: vault } }\n`,
    'spec/unknown-key',
    'spec/missing-key',
  ],
  'an alias': [
    'routes: { team: { upstream: up, allow: &a [GET /t/a, PUT /t/a] }, other: { upstream: up, allow: *a } }\n',
    'within/request',
  ],
  'a key twice': [group('upstream: up, upstream: vault, allow: [GET /t/a]'), 'yaml/duplicate-key'],
  'a section twice': [`${ROUTES}${ROUTES}`, 'yaml/duplicate-key'],
  'a second document': [
    `${ROUTES}---\n${START}routes: { admin: { upstream: vault, allow: [GET /x] } }\n`,
    'yaml/second-document',
  ],
  'a tag': [`${ROUTES}tests: [!!js/function "function () {}"]\n`, 'yaml/unsupported-tag'],
  'a prototype': [
    `${ROUTES}apiKeys: { __proto__: { t: { key: env:K, token: env:T_ADMIN, routes: [admin] } } }\n`,
    'yaml/forbidden-key',
  ],
  'names that every object has': [
    `routes: { ${GROUP}, constructor: { upstream: vault, allow: [PUT /admin/a] } }\napiKeys: { hasOwnProperty: { key: env:K, token: env:T_ADMIN, routes: [constructor], ipRanges: ["@all"] } }\n`,
    'within/request',
    'within/token',
  ],
  'references to such names': [
    `routes: { team: { upstream: toString, allow: [GET /t/a] } }\napiKeys: { t: { key: env:K, token: env:TEAM, routes: [valueOf], ipRanges: ["@constructor"] } }\n`,
    'policy/unknown-reference',
  ],
  'a letter that looks like another': [
    `routes: { ${GROUP}, "\u0430dmin": { upstream: up, allow: [GET /t/b] } }\n`,
    'spec/bad-name',
  ],
};

const filesWith = (team: string): Files =>
  new Map([
    ['prod.yaml', ENTRY],
    ['base.yaml', BASE],
    ['team.yaml', START + team],
    ['wide.yaml', `${START}routes: { wide: { upstream: vault, allow: [GET /wide, GET /t/a] } }\n`],
  ]);

for (const [name, [text, ...codes]] of Object.entries(ATTEMPTS))
  test(name, async () => {
    const { diagnostics, promises } = await compileFiles(filesWith(text), 'prod.yaml');
    const all = [...diagnostics, ...promises.diagnostics];
    const errors = all.filter((one) => hasError([one]));
    assert.equal(
      [...new Set(errors.map(({ code }) => code))].sort(),
      [...codes].sort(),
      errors.map(({ message }) => message).join('\n'),
    );
  });

test.run();
