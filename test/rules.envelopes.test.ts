import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { envelopes } from '../src/rules/envelopes.ts';
import { compileFiles } from './support/files.ts';

const test = suite('envelopes that bound nothing');

const TEAM = 'version: 1\nfragment: true\n';
const within = (file: string, terms: string) => `{ file: ${file}, within: { ${terms} } }`;
const spec = (...includes: readonly string[]) => `version: 1
name: prod
include: [${includes.join(', ')}]
upstreams: { up: { url: https://up.example.com }, other: { url: https://other.example.com } }
ipRanges: { offices: [203.0.113.0/24] }
routes: { read: { upstream: up, allow: [GET /r] } }
apiKeys: { bot: { key: env:BOT, token: env:TOKEN, routes: [read] } }
proxies: { api: { listen: 8080, ipRanges: ["@offices"], routes: [read] } }
targets: { nginx: {} }
`;

async function told(files: Readonly<Record<string, string>>): Promise<string[]> {
  const all = new Map(Object.entries({ 'team.yaml': TEAM, ...files }));
  const { composition, diagnostics } = await compileFiles(all, 'postern.yaml');
  if (!composition) throw new Error(JSON.stringify(diagnostics));
  return envelopes(composition, () => undefined).map(({ place, message }) => {
    const line = place?.text.slice(0, place.start).split('\n').length;
    return `${place?.file.split('/').at(-1)}:${line} ${message}`;
  });
}

const ALL = 'this envelope admits every request';
const NESTED = 'this envelope admits all that the one around it does';

test('every request, to every upstream, from everywhere, with any token', async () => {
  const useless = [
    'allow: ["* /{x*}"]',
    'allow: ["* /{x*}", GET /a], upstreams: [other, up]',
    'allow: ["* /{x:encodedPath*}"], maxBody: 9MB',
  ];
  for (const terms of useless)
    assert.equal(await told({ 'postern.yaml': spec(within('team.yaml', terms)) }), [`postern.yaml:3 ${ALL}`], terms);
  const useful = [
    'allow: ["GET,POST,PUT,PATCH,DELETE /{x*}"]',
    'allow: ["* /api/{x*}"]',
    'allow: ["* /{x:slug*}"]',
    'allow: ["* /{x*}"], upstreams: [up]',
    'allow: ["* /{x*}"], ipRanges: ["@offices"]',
    'allow: ["* /{x*}"], tokens: ["env:TEAM_*"]',
  ];
  for (const terms of useful) assert.equal(await told({ 'postern.yaml': spec(within('team.yaml', terms)) }), [], terms);
});

test('an envelope inside of another that admits no more', async () => {
  const narrow = 'allow: ["GET /a/{x*}"], upstreams: [up], tokens: [env:T]';
  const outer = (terms: string) => `${TEAM}include: [${within('team.yaml', terms)}]\n`;
  const files = (terms: string, ...more: readonly string[]) => ({
    'postern.yaml': spec(within('outer.yaml', narrow), ...more),
    'outer.yaml': outer(terms),
  });
  const same = [`outer.yaml:3 ${NESTED}`];
  assert.equal(await told(files(narrow)), same);
  assert.equal(await told(files(narrow.replace('GET /a/{x*}', 'GET,POST /a/{x*}'))), same);
  assert.equal(await told(files(narrow.replace('/a/{x*}', '/a/{x}'))), []);
  assert.equal(await told(files(narrow.replace('env:T', 'env:T2'))), []);
  // The other way to it has no envelope around, so that this one bounds something there.
  const around = { ...files(narrow, 'free.yaml'), 'free.yaml': `${TEAM}include: [outer.yaml]\n` };
  assert.equal(await told(around), []);
});

test.run();
