import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AT, EXAMPLES, probesOf } from './support/probes.ts';
import { inWorkspace } from './support/workspace.ts';

const page = suite('report');

const root = fileURLToPath(new URL('../', import.meta.url));

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

for (const [example, count] of Object.entries(EXAMPLES))
  page(`${example}: the page answers ${count / 10} requests as the command does`, () =>
    inWorkspace(async (workspace) => {
      const spec = `${root}examples/${example}`;
      const made = await workspace.run(`report ${spec} --out page.html`);
      assert.is(made.status, 0, made.stderr);
      const { ask } = loaded(workspace.read('page.html'));
      const probes = await probesOf(spec, count / 10, workspace);
      for (const { question, verdict } of probes) {
        const { reason: _, proxy: __, ...got } = ask(question);
        assert.equal(got, verdict, JSON.stringify(question));
      }
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
      /Changed since old\.yaml<\/h2>\n<ul>\n<li><span class="no">may do more:<\/span> .*\/api\/v4\/user/,
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

/** The items of a list of the page, as text: mark, words, and what is said more. */
function listed(html: string, id: string): string[] {
  const [, list = ''] = new RegExp(`id="${id}"[^>]*>.*?</h2>(.*?)</section>`, 's').exec(html) ?? [];
  return [...list.matchAll(/<(?:li|p)\b[^>]*>(.*?)<\/(?:li|p)>/gs)].map(([, item = '']) =>
    item.replace(/<[^>]*>/g, '').replaceAll('&quot;', '"'),
  );
}

page('with --prove each proxy of each engine is told, and what the proof takes for granted', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', read('postern.yaml').replace('targets:\n', 'targets:\n  nginx: {}\n  caddy: {}\n'));
    assert.is((await run('report --out page.html')).status, 0);
    assert.match(listed(read('page.html'), 'generated-files').join('\n'), /^Not proven here: "postern report --prove"/);
    const { status, stderr } = await run('report --prove --out page.html');
    assert.is(status, 0, stderr);
    const told = listed(read('page.html'), 'generated-files');
    const expected = [
      /^✓ bottlerocket: pulls: proved for all registries /,
      /^✓ caddy: proxy api: proved for all requests \(\d+ kinds of target, \d+ ways through\)$/,
      /^✓ coredns: names: proved for all names /,
      /^✓ nginx: proxy api: proved for all requests /,
      /^Assumed about pulls: .* Assumed about requests: the engine starts with these files.* Assumed about names: /,
    ];
    assert.is(told.length, expected.length, told.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(told[index] ?? '', pattern);
    assert.match(read('page.html'), 'Generated files: 4 of 4');
  }),
);

page('an envelope is told with its place, its terms and by what it was shown', () =>
  inWorkspace(async ({ run, read, write }) => {
    const terms =
      'within: { allow: ["GET /t/{x*}"], upstreams: [gitlab], ipRanges: ["@partner"] }, owner: team@example.com';
    write('team.yaml', 'version: 1\nfragment: true\nroutes: { team: { upstream: gitlab, allow: [GET /t/a] } }\n');
    const spec = read('postern.yaml').replace(
      'name: demo\n',
      `name: demo\ninclude:\n  - { file: team.yaml, ${terms} }\n`,
    );
    write(
      'postern.yaml',
      spec.replace(
        'ipRanges: ["@partner"] }\ndomain',
        'ipRanges: ["@partner"], routes: [read, runner, team] }\ndomain',
      ),
    );
    const { status, stderr } = await run('report --out page.html');
    assert.is(status, 0, stderr);
    const [told = '', ...more] = listed(read('page.html'), 'envelopes');
    assert.equal(more, []);
    assert.match(
      told,
      /^✓ team\.yaml grants no more than allow GET \/t\/\{x\*\}; upstreams gitlab; ipRanges @partner\s*postern\.yaml:4; shown for all requests/,
    );
    assert.not.match(told, 'team@example.com');
    assert.match(read('page.html'), 'Envelopes: 1 of 1');
    write('postern.yaml', spec.replace('GET /t/{x*}', 'GET /u/{x*}'));
    assert.is((await run('report --out other.html')).status, 2, 'what lies outside of its envelope is no valid spec');
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
