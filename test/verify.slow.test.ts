import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { broadSpec } from './support/broad.ts';
import { referenceProgram } from './verify/reference.ts';
import { findings, type Subject, verified } from './verify/run.ts';

const test = suite('verify');

/** The reference engine knows no WebSockets, and a handshake for each request would take most of the time. */
const plain = {
  ...broadSpec,
  upstreams: { ...broadSpec.upstreams, gitlab: { url: 'http://gitlab.example.com' } },
  routes: { ...broadSpec.routes, more: { upstream: 'other', allow: ['GET /more/{x}'] } },
};
const check = (subject: Subject) => verified({ spec: plain, ...subject });

test('an engine that does as the evaluator says passes', async () => {
  const run = await check({
    requests: 3_000,
    tests: [{ request: 'GET /api/v4/groups', apiKey: 'reader', proxy: 'api' }],
  });
  assert.is(findings(run), '');
  assert.equal([run.sent, run.disagreements], [3_001, 0]);
});

for (const [fault, shown] of [
  ['unanchored', /forwarded, although the answer is 404/],
  ['methods', /although the answer is 40[45]|instead of 40[45] \(method\)/],
  ['decoded', /instead of 404 \(path\)|although the answer is 404/],
  ['headers', /the upstream got the field sudo/i],
] as const) {
  test(`the fault "${fault}" is found`, async () => {
    const run = await check({ program: await referenceProgram(fault), requests: 3_000 });
    assert.ok(run.disagreements > 0);
    assert.match(findings(run), shown);
    assert.match(findings(run), /^ +(?:curl|printf) /m);
    assert.not.match(findings(run), /pstrn-/, 'a throw-away key is shown');
    assert.ok(
      run.diagnostics.every(({ at }) => at.length > 0),
      'no line of the spec',
    );
  });
}

test('an engine that takes any certificate of an upstream for its own is found', async () => {
  const spec = { ...plain, upstreams: broadSpec.upstreams };
  assert.is(findings(await verified({ spec, requests: 100 })), '');
  const run = await verified({ spec, requests: 100, program: await referenceProgram('certificate') });
  assert.match(
    findings(run),
    /^reference: upstream gitlab: a server with a certificate that nobody vouches for was sent the request/,
  );
  assert.is(run.disagreements, 1);
});

test('a log that does not say whose key it was is found', async () => {
  const run = await check({ requests: 100, program: await referenceProgram('log') });
  assert.match(findings(run), /^reference: the access log lacks a line with \{.*"key":"[a-z]+"\}/);
});

test('a log that gives wrong reasons is found', async () => {
  const run = await check({ requests: 100, program: await referenceProgram('reasons') });
  assert.match(findings(run), /^reference: the access log lacks a line with \{.*"reason":"(?!path)[a-z-]+"/);
});

test('the fault "origins" is found: every page is told what those of the spec are', async () => {
  const { upstreams, routes, proxies } = plain;
  const spec = {
    upstreams: { other: upstreams.other },
    routes: { runner: routes.runner },
    proxies: { pages: { ...proxies.pages, routes: ['runner'] } },
  };
  assert.is(findings(await verified({ spec, requests: 200 })), '');
  const run = await verified({ spec, requests: 200, program: await referenceProgram('origins') });
  assert.match(findings(run), /a page is told access-control-allow-origin \S+ instead of nothing/);
  assert.ok(run.disagreements > 0);
});

test('an engine that sends some requests to the upstream twice is found', async () => {
  const run = await check({ requests: 3_000, program: await referenceProgram('twice') });
  assert.match(findings(run), /the upstream got "[A-Z]+ \S*007\S* HTTP\/1.1", but its answer never came back/);
});

test('an engine that closes with requests unread, so that answers are lost, passes', async () => {
  const run = await check({ requests: 1_500, program: await referenceProgram('resets') });
  assert.is(findings(run), '');
  assert.equal([run.sent, run.disagreements], [1_500, 0]);
});

test('an engine that gives no answer to some requests behind others is found', async () => {
  const run = await check({ requests: 3_000, program: await referenceProgram('drops') });
  assert.match(findings(run), /the connection was closed without an answer/);
});

test('an engine that asks the upstream for more behind other requests is found', async () => {
  const run = await check({ requests: 3_000, program: await referenceProgram('hidden') });
  assert.match(findings(run), /the upstream got "[A-Z]+ \S*007\S* HTTP\/1.1", but its answer never came back/);
});

test('a log that names another proxy is found', async () => {
  const run = await check({ requests: 500, program: await referenceProgram('names') });
  assert.match(findings(run), /^reference: the access log lacks a line with \{"proxy":"/);
});

test('an engine that ends half way is an error that says so', async () => {
  const run = await check({ program: await referenceProgram('ends'), requests: 3_000 });
  assert.ok(run.sent < 3_000);
  assert.match(
    findings(run),
    /^reference ended in the middle of the probes/,
    'closed connections are no findings then',
  );
  assert.is(run.disagreements, 0);
});

test('an engine that does not start is an error that shows its output', async () => {
  const failure = await check({ program: '/bin/false' }).catch((error: Error) => error);
  assert.match(String(failure), /false ended \(1\) before it was ready/);
});

test('the same seed sends the same requests', async () => {
  const program = await referenceProgram('unanchored');
  const first = await check({ program, requests: 400 });
  assert.is((await check({ program, requests: 400 })).disagreements, first.disagreements);
  assert.is.not(findings(await check({ program, requests: 400, seed: '2' })), findings(first));
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} half way leaves no process and no file behind`, async () => {
    const folder = await temporaryFolder();
    const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
    const source = `
      import { verified } from ${url('./verify/run.ts')};
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => process.exit(130));
      await verified({ requests: 1e9, progress: (sent) => { if (sent === 200) console.log('under way'); } });
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
      cwd: new URL('../', import.meta.url),
      env: { ...process.env, TMPDIR: folder.path },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    assert.ok(enginesIn(folder.path).length > 0);
    child.kill(signal);
    assert.equal(await once(child, 'close'), [130, null]);
    // What was killed is listed until the kernel is done with it.
    for (let looks = 0; looks < 500 && enginesIn(folder.path).length > 0; looks++) await setTimeout(10);
    assert.equal(enginesIn(folder.path), []);
    assert.equal(
      readdirSync(folder.path).filter((name) => !/^(?:postern-ports-|tsx-|node-compile-cache)/.test(name)),
      [],
    );
    await folder.remove();
  });
}

/** Processes that work below a folder. */
function enginesIn(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && workingFolder(pid).startsWith(`${folder}/postern-`));
}

function workingFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

test.run();
