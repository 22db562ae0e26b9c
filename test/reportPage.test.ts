import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { processIo } from '../src/commands/io.ts';
import { compileArgument } from '../src/commands/spec.ts';
import { CLASS_EXAMPLES } from '../src/policy/automaton.ts';
import type { PatternSegment } from '../src/policy/pattern.ts';
import { type Random, randomOf } from '../src/verify/random.ts';
import { inWorkspace } from './support/workspace.ts';

const page = suite('report');

const root = fileURLToPath(new URL('../', import.meta.url));
const AT = Math.floor(Date.parse('2026-11-26T00:00:00Z') / 1000);

interface Loaded {
  /** What the page's own evaluator says. */
  readonly ask: (question: object) => { readonly error?: string; readonly reason?: string; readonly proxy?: string };
  readonly html: string;
}

/** The page as a browser reads it, without a document: its data and the script that sets `postern`. */
function loaded(html: string): Loaded {
  const [, data = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html) ?? [];
  const [, script = ''] = /<script>(.*?)<\/script>/s.exec(html) ?? [];
  const context = createContext({});
  const [evaluator = ''] = script.split("\n'use strict';");
  runInContext(`${evaluator}\nvar ask = postern.evaluator(${data});`, context);
  const asked = (question: object) =>
    JSON.parse(String(runInContext(`JSON.stringify(ask(${JSON.stringify(question)}))`, context)));
  return { ask: asked, html };
}

function exampleOf(segment: PatternSegment, random: Random): string {
  switch (segment.kind) {
    case 'literal':
      return segment.text;
    case 'choice':
      return random.pick(segment.values);
    case 'parameter':
    case 'rest':
      return random.chance(0.7) ? CLASS_EXAMPLES[segment.type] : random.pick(Object.values(CLASS_EXAMPLES));
  }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get', 'FOO'];
const TAILS = ['', '', '', '/', '?page=2', '?private_token=x', '%2F..', '/x', '//', '%3F', '?%', '#a'];
const HEADERS = [
  {},
  {},
  { 'Content-Type': 'application/json', 'Content-Length': '12' },
  { 'Content-Type': 'text/plain', 'Content-Length': '99999999' },
  { 'PRIVATE-TOKEN': 'short' },
  { Host: 'other.example.com' },
  { 'X-Forwarded-For': '203.0.113.9, 10.0.0.1' },
  { 'X-Long': 'x'.repeat(20_000) },
];
const FROM = [
  undefined,
  undefined,
  '192.0.2.1',
  '203.0.113.7',
  '2001:db8::1',
  '::ffff:192.0.2.1',
  '10.0.0.1',
  'nobody',
  '1.2.3',
];

for (const [example, count] of [
  ['all-options', 6_000],
  ['gitlab-proxy', 2_000],
  ['dependency-proxy', 1_000],
  ['runner', 1_000],
] as const)
  page(`${example}: the page answers ${count} requests as the command does`, () =>
    inWorkspace(async ({ run, write, read }) => {
      const spec = `${root}examples/${example}`;
      const made = await run(`report ${spec} --out page.html`);
      assert.is(made.status, 0, made.stderr);
      const { ask } = loaded(read('page.html'));
      const { policy } = compileArgument(spec, processIo());
      if (!policy) throw new Error('no policy');
      const random = randomOf(`report ${example}`);
      const keys = [undefined, ...policy.apiKeys.map(({ id }) => id), 'nobody'];
      const proxies = policy.proxies.map(({ id }) => id);
      const questions = Array.from({ length: count }, () => {
        const route = random.pick(policy.routes);
        const path = route.pattern.segments.map((segment) => exampleOf(segment, random)).join('/');
        const method = random.chance(0.6) ? random.pick(route.methods) : random.pick(METHODS);
        const at = AT + random.pick([0, 0, 86_400 * 200, 86_400 * 400]);
        const question = { method, target: `/${path}${random.pick(TAILS)}`, proxy: random.pick(proxies), at };
        return { ...question, apiKey: random.pick(keys), from: random.pick(FROM), headers: random.pick(HEADERS) };
      });
      write('requests', questions.map((one) => JSON.stringify(one)).join('\n'));
      const said = (await run(`explain --requests requests --spec ${spec}`)).stdout.trim().split('\n');
      assert.is(said.length, count);
      const kinds = new Map<string, number>();
      for (const [index, question] of questions.entries()) {
        const wanted = JSON.parse(said[index] ?? '');
        const { reason: _, proxy: __, ...got } = ask({ ...question, headers: Object.entries(question.headers) });
        const { line: ___, ...expected } = wanted;
        assert.equal(got, expected, JSON.stringify(question));
        const kind = String(wanted.status ?? wanted.decision ?? 'error');
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
      for (const kind of ['null', 'allow'].slice(1))
        assert.ok((kinds.get(kind) ?? 0) > count / 100, `${kind}: ${[...kinds]}`);
    }),
  );

page('one file without anything outside of it, and nothing in it that names a secret', () =>
  inWorkspace(async ({ run, read, write }) => {
    const before = read('postern.yaml');
    write('old.yaml', before.replace('      - GET /api/v4/user\n', ''));
    write('postern.yaml', before.replace('name: demo', 'name: demo # <script>alert(1)</script>'));
    const { status, stderr } = await run('report --base old.yaml --out out/page.html');
    assert.is(status, 0, stderr);
    const html = read('out/page.html');
    assert.match(
      html,
      /Changed since old\.yaml<\/h2>\n<ul><li><span class="no">may do more:<\/span> .*\/api\/v4\/user/,
    );
    assert.not.match(html, /DEMO_KEY|token\.txt/);
    assert.not.match(html, /(?:src|href)="(?!#)/);
    assert.not.match(html, /https?:\/\/(?!gitlab|registry)/);
    assert.match(html, /default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'/);
    assert.is(html.match(/<script/g)?.length, 2);
    assert.is((await run('report --base old.yaml --out out/page.html')).status, 0);
    assert.is(read('out/page.html'), html, 'the same spec, the same page');
  }),
);

page('what stands in a spec is text in the page', () =>
  inWorkspace(async ({ run, read, write }) => {
    const hostile = '</script><img src=x onerror=alert(1)>';
    const spec = read('postern.yaml').replace(
      '- GET /api/v4/user\n',
      `- { request: GET /api/v4/user, reason: ${JSON.stringify(hostile)} }\n`,
    );
    write('postern.yaml', spec.replace('expires: 2090', `owner: ${JSON.stringify(hostile)}, expires: 2090`));
    assert.is((await run('report --out page.html')).status, 0);
    const html = read('page.html');
    assert.not.match(html, /<img/);
    assert.match(html, /&lt;\/script&gt;&lt;img src=x/);
    assert.is(loaded(html).ask({ method: 'GET', target: '/api/v4/user', apiKey: 'partner', at: AT }).error, undefined);
  }),
);

page('no page of a spec that is not valid, or beside a base that is none', () =>
  inWorkspace(async ({ run, write }) => {
    assert.is((await run('report --base nowhere.yaml --out page.html')).status, 2);
    write('postern.yaml', 'version: 1\n');
    assert.is((await run('report --out page.html')).status, 2);
    assert.throws(() => readFileSync('page.html'));
  }),
);

page.run();
