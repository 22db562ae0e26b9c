import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';
import { writeFiles } from './support/files.ts';

const spec = (include: readonly string[], more = '') => `version: 1
name: prod
include: [${include.join(', ')}]
ipRanges: { offices: [203.0.113.0/24], few: [203.0.113.7] }
upstreams: { up: { url: https://up.example.com }, other: { url: https://other.example.com } }
routes: { read: { upstream: up, allow: [GET /r] } }
apiKeys: { bot: { key: env:BOT, token: env:TOKEN, routes: [read] } }
proxies: { api: { listen: 8080, ipRanges: ["@few"], routes: [read, team] } }
targets: { nginx: {} }
${more}`;
const team = (name = 'team') =>
  `version: 1\nfragment: true\nroutes: { ${name}: { upstream: up, allow: [GET /a] } }\napiKeys: { ${name}: { key: env:K, token: env:T, routes: [${name}] } }\n`;

type Files = Readonly<Record<string, string>>;

/** The changes that `diff --base` tells between two specs in folders of their own. */
async function between(before: string, after: string, files: Files = {}, formerFiles = files) {
  const folder = await temporaryFolder();
  try {
    const all = [
      { 'postern.yaml': before, 'team.yaml': team(), ...formerFiles },
      { 'postern.yaml': after, 'team.yaml': team(), ...files },
    ].flatMap((texts, index) => Object.entries(texts).map(([name, text]) => [`${index}/${name}`, text] as const));
    writeFiles(folder.path, new Map(all));
    const ran = await runHere(['diff', join(folder.path, '1'), '--base', join(folder.path, '0'), '--format', 'json']);
    const { access = [], diagnostics } = JSON.parse(ran.stdout);
    const told = access.map((one: Record<string, unknown>) => [one['kind'], one['effect'], one['message']]);
    return { status: ran.status, told, diagnostics, access };
  } finally {
    await folder.remove();
  }
}

const within = (terms: string, file = 'team.yaml') =>
  `{ file: ${file}, within: { ${terms} }, owner: team@example.com }`;
const WHOLE = 'allow: ["GET,POST /a", "GET /a/{x*}"], upstreams: [up], ipRanges: ["@few"], tokens: [env:T, "env:T_*"]';
const changes = suite('diff of envelopes');

const LOOSER: readonly (readonly [after: string, says: string])[] = [
  [WHOLE.replace('GET,POST', 'DELETE,GET,POST'), 'loosened: that of team.yaml now lets it allow DELETE /a'],
  [WHOLE.replace('GET /a/{x*}', '* /a/{x*}'), 'loosened: that of team.yaml now lets it allow every method of /a/42'],
  [WHOLE.replace('{x*}', '{x:encodedPath*}'), 'loosened: that of team.yaml now lets it allow GET /a/x%2Fy'],
  [WHOLE.replace('[up]', '[up, other]'), 'loosened: that of team.yaml now lets it go to upstream "other"'],
  [WHOLE.replace('upstreams: [up], ', ''), 'loosened: that of team.yaml now lets it go to any upstream'],
  [WHOLE.replace('@few', '@offices'), 'loosened: that of team.yaml now lets it be asked from 203.0.113.1'],
  [WHOLE.replace(', ipRanges: ["@few"]', ''), 'loosened: that of team.yaml now lets it be asked from everywhere'],
  [`${WHOLE}, headers: [X-Sudo-Like]`, 'loosened: that of team.yaml now lets it pass the headers x-sudo-like'],
  [WHOLE.replace('env:T,', 'env:T, env:S,'), 'loosened: that of team.yaml now lets it send env:S'],
  [WHOLE.replace('env:T_*', 'env:T*'), 'loosened: that of team.yaml now lets it send env:T*'],
  [`${WHOLE}, contentTypes: any`, 'loosened: that of team.yaml now lets it take bodies of any type'],
  [`${WHOLE}, maxBody: 2MB`, 'loosened: that of team.yaml now lets it take bodies of 2MB'],
  [`${WHOLE}, websocket: true`, 'loosened: that of team.yaml now lets it open WebSockets'],
];
for (const [after, says] of LOOSER) {
  changes(`${says.slice(30)} is more than before`, async () => {
    const [old, now] = [spec([within(WHOLE)]), spec([within(after)])];
    const { status, told } = await between(old, now);
    assert.equal([status, told], [1, [['envelope', 'widening', `envelope ${says}`]]]);
    assert.equal((await between(now, old)).told, [], 'the other way round nothing is lost');
  });
}

changes('an envelope that is gone, or a way around it', async () => {
  const gone = [['envelope', 'widening', 'envelope removed: nothing bounds team.yaml any more']];
  const unbound = spec(['{ file: team.yaml, owner: team@example.com }']);
  assert.equal((await between(spec([within(WHOLE)]), unbound)).told, gone);
  const around = { 'outer.yaml': 'version: 1\nfragment: true\ninclude: [team.yaml]\n' };
  assert.equal((await between(spec([within(WHOLE)]), spec([within(WHOLE), 'outer.yaml']), around)).told, gone);
  const nested = {
    'outer.yaml': `version: 1\nfragment: true\ninclude: [${within(WHOLE)}]\n`,
    'looser.yaml': `version: 1\nfragment: true\ninclude: [${within(`${WHOLE}, websocket: true`)}]\n`,
  };
  const { told, access } = await between(spec(['outer.yaml']), spec(['looser.yaml']), nested);
  assert.equal(told, [['envelope', 'widening', 'envelope loosened: that of team.yaml now lets it open WebSockets']]);
  assert.match(access[0].file, /0\/outer\.yaml$/, 'the place is that of the envelope before');
});

changes('a file that moves takes its envelope along', async () => {
  const files = { 'moved.yaml': team() };
  const [old, moved] = [spec([within(WHOLE)]), spec([within(WHOLE, 'moved.yaml')])];
  assert.equal((await between(old, moved, files)).told, []);
  const lost = [['envelope', 'widening', 'envelope removed: nothing bounds team.yaml, now moved.yaml, any more']];
  const handed = ['owner', 'neutral', 'team.yaml is owned by nobody (before: team@example.com)'];
  assert.equal((await between(old, spec(['moved.yaml']), files)).told, [...lost, handed]);
  const looser = spec([within(WHOLE.replace('GET,POST', 'DELETE,GET'), 'moved.yaml')]);
  const says = 'envelope loosened: that of team.yaml, now moved.yaml, now lets it allow DELETE /a';
  assert.equal((await between(old, looser, files)).told, [['envelope', 'widening', says]]);
});

changes('two envelopes around one file admit what both do', async () => {
  const outer = `version: 1\nfragment: true\ninclude: [${within(WHOLE)}]\n`;
  const both = (terms: string) => spec([within(terms, 'outer.yaml')]);
  const files = { 'outer.yaml': outer };
  const same = await between(both('allow: ["* /{x*}"]'), both('allow: ["* /{x*}"], maxBody: 9MB'), files);
  assert.equal(same.told, [
    ['envelope', 'widening', 'envelope loosened: that of outer.yaml now lets it take bodies of 9MB'],
  ]);
});

changes('addresses that a proxy takes in are told once', async () => {
  const wider = (text: string) => text.replace('few: [203.0.113.7]', 'few: [203.0.113.7, 203.0.113.9]');
  const old = spec([within(WHOLE)]);
  assert.equal(
    (await between(old, wider(old))).told.map(([kind]: string[]) => kind),
    ['addresses'],
  );
  const apart = old
    .replace('few: [203.0.113.7]', 'few: [203.0.113.7], most: ["@few"]')
    .replace('ipRanges: ["@few"], t', 'ipRanges: ["@most"], t');
  assert.match(
    JSON.stringify((await between(apart, apart.replace('most: ["@few"]', 'most: [203.0.113.0/28]'))).told),
    'envelope loosened: that of team.yaml now lets it be asked from 203.0.113.1',
  );
});

changes('whoever owns the envelope approves it, not whoever owns the file', async () => {
  const owned = (terms: string) => spec([within(`${terms}, owner: security@example.com`)]);
  const { access } = await between(owned(WHOLE), owned(`${WHOLE}, websocket: true`).replace('security', 'team'));
  const told = access.map(({ kind, effect, approval }: Record<string, unknown>) => [kind, effect, approval]);
  const both = ['security@example.com', 'team@example.com'];
  assert.equal(told, [
    ['envelope', 'widening', both],
    ['owner', 'unclear', both],
  ]);
  assert.is(access[1].message, 'the envelope of team.yaml is owned by team@example.com (before: security@example.com)');
  const nested = { 'outer.yaml': `version: 1\nfragment: true\ninclude: [${within(WHOLE)}]\n` };
  const inherited = await between(
    spec(['{ file: outer.yaml, owner: platform@example.com }']),
    spec(['team.yaml']),
    nested,
  );
  assert.equal(inherited.access[0].approval, ['platform@example.com']);
});

changes('an include that lives longer', async () => {
  const until = (expires: string) => spec([`{ file: team.yaml, owner: team@example.com${expires} }`]);
  const [short, long, endless] = [until(', expires: 2029-01-01'), until(', expires: 2030-01-01'), until('')];
  assert.equal((await between(short, long)).told, [
    ['expiry', 'widening', 'team.yaml is included until 2030-01-01 (before: until 2029-01-01)'],
  ]);
  assert.equal((await between(long, endless)).told, [
    ['expiry', 'widening', 'team.yaml is included without end (before: until 2030-01-01)'],
  ]);
  assert.equal((await between(endless, short)).told, []);
  // Under another name, and where the end is that of the file around it.
  const renamed = spec(['{ file: moved.yaml, owner: team@example.com }']);
  assert.equal((await between(short, renamed, { 'moved.yaml': team() })).told, [
    ['expiry', 'widening', 'moved.yaml is included without end (before: until 2029-01-01)'],
  ]);
  const outer = `version: 1\nfragment: true\ninclude: [{ file: team.yaml, owner: team@example.com }]\n`;
  const around = (expires: string) => spec([`{ file: outer.yaml, owner: team@example.com${expires} }`]);
  const files = { 'outer.yaml': outer };
  assert.equal((await between(around(', expires: 2029-01-01'), endless, files)).told, [
    ['expiry', 'widening', 'team.yaml is included without end (before: until 2029-01-01)'],
  ]);
  assert.equal((await between(around(', expires: 2029-01-01'), around(''), files)).told, [
    ['expiry', 'widening', 'outer.yaml is included without end (before: until 2029-01-01)'],
  ]);
});

/** Kinds and approvals. */
const asked = (access: readonly Record<string, unknown>[]) => access.map(({ kind, approval }) => [kind, approval]);

changes('a change of owner takes no say away from the former one', async () => {
  const included = (owner: string, expires = '') => `{ file: team.yaml, owner: ${owner}@example.com${expires} }`;
  const both = ['new@example.com', 'old@example.com'];
  const longer = await between(spec([included('old', ', expires: 2029-01-01')]), spec([included('new')]));
  assert.equal(asked(longer.access), [
    ['expiry', both],
    ['owner', both],
  ]);
  assert.match(longer.access[1].message, 'team.yaml is owned by new@example.com (before: old@example.com)');

  const key = (owner: string, token: string) =>
    spec(['team.yaml']).replace('token: env:TOKEN', `token: env:${token}, owner: ${owner}@example.com`);
  const sent = await between(key('old', 'TOKEN'), key('new', 'OTHER'));
  assert.equal(asked(sent.access), [
    ['token', both],
    ['owner', both],
  ]);
  assert.equal(asked((await between(key('old', 'TOKEN'), key('old', 'TOKEN'))).access), []);

  // A file that is no longer included as its own, because its lines are written in the spec now.
  const moved = spec([]).replace('routes: { read', 'routes: { team: { upstream: up, allow: [GET /a, GET /b] }, read');
  const inlined = await between(
    spec([included('old')]),
    moved.replace('apiKeys: { bot', 'apiKeys: { team: { key: env:K, token: env:T, routes: [team] }, bot'),
  );
  assert.equal(asked(inlined.access), [['allowed', ['old@example.com']]]);
});

changes('a promise of a file, and entries of address sets, have owners too', async () => {
  const included = spec(['{ file: team.yaml, owner: team@example.com }']);
  const promising = { 'team.yaml': `${team()}guarantees: [{ never: "DELETE /{x*}" }]\n` };
  const gone = await between(included, included, { 'team.yaml': team() }, promising);
  assert.equal(asked(gone.access), [['guarantee', ['team@example.com']]]);
  const more = included.replace('[203.0.113.7]', '[203.0.113.7, { cidr: 198.51.100.7, owner: lab@example.com }]');
  assert.equal(asked((await between(included, more)).access), [['addresses', ['lab@example.com']]]);
  assert.equal(asked((await between(more, included)).access), [['addresses', ['lab@example.com']]]);
});

changes('a team makes nobody the owner of what others bring in', async () => {
  const read = (grants: string) =>
    `version: 1\nfragment: true\nroutes: { more: { upstream: up, allow: [${grants}] } }\n`;
  const usurped = `${team()}include: [{ file: base.yaml, owner: usurper@example.com }]\n`;
  const served = (include: string) =>
    spec([include, within(WHOLE)])
      .replace('routes: [read]', 'routes: [read, more]')
      .replace('[read, team]', '[read, team, more]');
  const grown = (include: string) =>
    between(
      served(include),
      served(include),
      { 'team.yaml': usurped, 'base.yaml': read('GET /a/b, GET /c') },
      { 'team.yaml': usurped, 'base.yaml': read('GET /a/b') },
    );
  assert.equal(asked((await grown('base.yaml')).access), [['allowed', []]]);
  const owned = await grown('{ file: base.yaml, owner: platform@example.com }');
  assert.equal(asked(owned.access), [['allowed', ['platform@example.com']]]);

  const noted = {
    'team.yaml': `${team()}ipRanges: { mine: [{ cidr: 198.51.100.0/24, owner: usurper@example.com }] }\n`,
  };
  const bound = spec([within(WHOLE)]);
  const wider = bound
    .replace('[203.0.113.7]', '[203.0.113.7, 198.51.100.7]')
    .replace('routes: [read]', '$&, ipRanges: [203.0.113.7]');
  const more = await between(bound, wider, noted);
  assert.equal(asked(more.access), [['addresses', []]]);
});

changes.run();
