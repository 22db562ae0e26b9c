import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { inBrowser, type Look, type Tab } from './support/browser.ts';
import { probesOf } from './support/probes.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const { test, engines } = await engineSuite('report in a browser', ['chromium']);

/** The demo with a second key, group, upstream and proxy, so that there is something to choose, and a long list. */
const MORE = {
  'upstreams:\n': 'upstreams:\n  wiki: { url: "http://wiki.example.com" }\n',
  'routes:\n':
    'routes:\n  pages: { upstream: wiki, allow: ["GET /wiki/{page*}", PUT /wiki/a/very/long/path/with/many/segments] }\n',
  'apiKeys:\n': `apiKeys:\n  editor: { key: env:EDITOR_KEY, token: env:WIKI_TOKEN, routes: [pages], owner: docs@example.com }\n`,
  'proxies:\n': 'proxies:\n  inner: { listen: 8081, ipRanges: ["@many"], routes: [pages] }\n',
  'ipRanges:\n': `ipRanges:\n  many: [${Array.from({ length: 60 }, (_, index) => `10.${index * 2}.0.0/16`).join(', ')}]\n`,
  'tests:\n':
    'guarantees:\n  - never: "DELETE /{any*}"\n  - only: { request: "PUT /wiki/{any*}", keys: [editor, partner] }\n  - only: { request: "PUT /wiki/{any*}", keys: [editor] }\ntests:\n',
};

/** Makes the page of the larger demo, and shows it. */
function onPage(work: (tab: Tab, workspace: Workspace, page: string) => Promise<void>, args = ''): Promise<void> {
  return inWorkspace((workspace) =>
    inBrowser(engines.chromium.path, async (tab) => {
      const { path, run, read, write } = workspace;
      write('old.yaml', read('postern.yaml'));
      let spec = read('postern.yaml').replace(
        '  api: { listen: 8080,',
        '  api: { routes: [read, runner, pages], listen: 8080,',
      );
      for (const [before, after] of Object.entries(MORE)) spec = spec.replace(before, after);
      write('postern.yaml', spec);
      const made = await run(`report --out page.html ${args}`);
      assert.is(made.status, 0, made.stderr);
      const page = join(path, 'page.html');
      await tab.look({});
      await tab.open(page);
      await work(tab, workspace, page);
      assert.equal(tab.complaints, []);
    }),
  );
}

const rowsOf = (tab: Tab, section: string) =>
  tab.evaluate<string[]>(
    `[...document.querySelectorAll('#${section} tr:has(td), #${section} li')].filter((row) => row.checkVisibility()).map((row) => [...row.children].map((cell) => cell.textContent).join(' | '))`,
  );
const focused = (tab: Tab) => tab.evaluate<string>('document.activeElement.id || document.activeElement.textContent');
const choose = (tab: Tab, field: string, value: string) =>
  tab.evaluate(
    `{ const one = document.getElementById('${field}'); one.value = '${value}'; one.dispatchEvent(new Event('input', { bubbles: true })); }`,
  );

test('somebody asks at the keyboard, and is answered as the command answers', () =>
  onPage(async (tab, { run }) => {
    await tab.press('Tab');
    assert.is(await focused(tab), 'To the search');
    const order = [
      'method',
      'target',
      'key',
      'from',
      'at',
      'proxy',
      'Ask',
      'search',
      'by-key',
      'by-group',
      'by-upstream',
    ];
    const links = await tab.evaluate<number>("document.querySelectorAll('nav a').length");
    for (let index = 0; index < links; index++) await tab.press('Tab');
    for (const name of order) {
      await tab.press('Tab');
      assert.is(await focused(tab), name);
      assert.is(await tab.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'solid', name);
    }
    for (let index = 0; index < order.length - 2; index++) await tab.press('Tab', { shift: true });
    assert.is(await focused(tab), 'target');
    await tab.evaluate("document.getElementById('target').select()");
    await tab.type('/wiki/home?a=1');
    await tab.press('Enter');
    const answers = await rowsOf(tab, 'answers');
    const told = answers.map((row) => row.split(' | ').slice(0, 3).join(' | '));
    assert.equal(told, [
      'api | editor | allowed',
      'api | partner | allowed',
      'inner | editor | allowed',
      'inner | partner | allowed',
      'api | without a key | refused 401 (key-missing)',
      'inner | without a key | refused 401 (key-missing)',
    ]);
    for (const row of answers) {
      const [proxy = '', key = '', answer = ''] = row.split(' | ');
      const who = key === 'without a key' ? '' : `--key ${key}`;
      const { status } = await run(`explain GET /wiki/home?a=1 ${who} --proxy ${proxy}`);
      assert.is(status, answer === 'allowed' ? 0 : 1, row);
    }
    assert.is(await tab.evaluate("document.getElementById('verdict').textContent"), '4 of 6 may do this.');
  }));

test('a link to a question brings its answer along', () =>
  onPage(async (tab, _, page) => {
    await tab.open(page, '#?method=put&target=/wiki/a&key=-&proxy=api');
    assert.equal(await rowsOf(tab, 'answers'), [
      'api | without a key | refused 401 (key-missing) |  | postern.yaml:22:8',
    ]);
  }));

test('300 answers of the page are those of the command', () =>
  onPage(async (tab, workspace) => {
    const spec = `${root}examples/all-options`;
    assert.is((await workspace.run(`report ${spec} --out page.html`)).status, 0);
    const probes = await probesOf(spec, 300, workspace);
    await tab.open(join(workspace.path, 'page.html'));
    const questions = JSON.stringify(probes.map(({ question }) => question));
    const got = await tab.evaluate<Record<string, unknown>[]>(`${questions}.map(ask)`);
    const said = got.map(({ reason: _, proxy: __, ...one }) => one);
    assert.equal(
      said,
      probes.map(({ verdict }) => verdict),
    );
  }));

test('/ leads to the search from anywhere, and Escape shows everything again', () =>
  onPage(async (tab) => {
    await tab.press('/');
    assert.is(await focused(tab), 'search');
    await tab.type('WIKI very');
    assert.equal((await rowsOf(tab, 'requests')).length, 1);
    assert.equal(await rowsOf(tab, 'keys'), []);
    assert.is(await tab.evaluate("document.getElementById('keys').checkVisibility()"), false);
    assert.match(
      await tab.evaluate("document.getElementById('shown').textContent"),
      /^Shown are 2 of \d+ rows: "wiki very"\.$/,
    );
    await tab.press('/');
    assert.is(await tab.evaluate("document.getElementById('search').value"), 'WIKI very/');
    await tab.press('Escape');
    assert.is(await tab.evaluate("document.getElementById('search').value"), '');
    assert.is((await rowsOf(tab, 'requests')).length, 5);
    assert.is(await tab.evaluate("document.getElementById('shown').hidden"), true);
  }));

test('rows are filtered by key, group, upstream and proxy, and by several of them together', () =>
  onPage(async (tab) => {
    const shown = async () => {
      const first = async (section: string) => (await rowsOf(tab, section)).map((row) => row.split(' | ')[0]);
      const requests = (await rowsOf(tab, 'requests')).map((row) => row.split(' | ')[2]);
      return [
        await first('keys'),
        [...new Set(requests)],
        await first('proxies'),
        await first('names'),
        await first('addresses'),
      ];
    };
    const all = await shown();
    await choose(tab, 'by-key', 'editor');
    assert.equal(await shown(), [['editor'], ['pages'], ['inner', 'api'].sort(), [], []]);
    await choose(tab, 'by-proxy', 'inner');
    assert.equal(await shown(), [['editor'], ['pages'], ['inner'], [], []]);
    await choose(tab, 'by-key', '');
    assert.equal(await shown(), [['editor', 'partner'], ['pages'], ['inner'], [], ['@many']]);
    await choose(tab, 'by-upstream', 'gitlab');
    assert.equal(await shown(), [[], [], [], [], []]);
    await choose(tab, 'by-proxy', '');
    assert.equal(await shown(), [['partner'], ['read', 'runner'], ['api'], ['gitlab.example.com'], ['@partner']]);
    await choose(tab, 'by-group', 'runner');
    assert.equal(await shown(), [['partner'], ['runner'], ['api'], [], ['@partner']]);
    await tab.evaluate("document.getElementById('clear').click()");
    assert.equal(await shown(), all);
  }));

test('what is promised, and by what it was shown', () =>
  onPage(async (tab) => {
    const [never = '', only = '', broken = ''] = await tab.evaluate<string[]>(
      "[...document.querySelectorAll('#guarantees li')].map((one) => one.innerText)",
    );
    const how =
      /holds\nshown for all requests: each path is of one of \d+ kinds, and this is about [1-9]\d* of them, whose/;
    for (const [said, guarantee] of [
      [never, 'never DELETE /{any*}'],
      [only, 'only PUT /wiki/{any*}, keys editor, partner'],
    ]) {
      assert.ok(said?.startsWith(`✓ ${guarantee}: holds`), said);
      assert.match(said ?? '', how);
    }
    assert.match(broken, /^✗ only PUT [^:]*: does not hold\nPUT \/wiki\/.* with key "partner"/);
    assert.match(await tab.evaluate("document.getElementById('generated-files').innerText"), 'Not proven here');
    assert.match(await tab.evaluate("document.getElementById('changed-since-old-yaml').innerText"), 'may do more:');
    assert.match(
      await tab.evaluate("document.getElementById('summary').innerText"),
      /✗ \d+ changes may do more[\s\S]*✗ Guarantees: 2 of 3/,
    );
  }, '--base old.yaml'));

/** Script of what reaches beyond the right edge, where no box scrolls to it. */
const WIDER = `[...document.querySelectorAll('body *')]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => !one.closest('.wide') || matchMedia('print').matches || innerWidth < 640)
  .map((one) => one.tagName + ' ' + one.textContent.slice(0, 40))`;

/** Script of the texts whose contrast with what is behind them is below 4.5, as WCAG asks. */
const FAINT = String.raw`(() => {
  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour) => {
    const parts = numbers(colour).slice(0, 3).map((part) => part / 255);
    const [red, green, blue] = parts.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (one) => {
    if (!one) return 'rgb(255, 255, 255)';
    const own = getComputedStyle(one).backgroundColor;
    return numbers(own)[3] === 0 ? behind(one.parentElement) : own;
  };
  const texts = document.querySelectorAll('h1, h2, p, li, span, a, label, input, select, button, th, td, code');
  return [...texts].filter((one) => one.checkVisibility() && one.className !== 'skip').filter((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05) < 4.5;
  }).map((one) => one.tagName + ' ' + one.textContent.slice(0, 40));
})()`;

const LOOKS: readonly Look[] = [
  { width: 360, height: 740 },
  { width: 360, height: 740, scheme: 'dark' },
  { width: 800 },
  { width: 1200 },
];
test('no width makes the page scroll sideways, and all words can be read in both schemes', () =>
  onPage(async (tab, _, page) => {
    for (const look of LOOKS) {
      await tab.look(look);
      await tab.open(page, '#?target=/wiki/home');
      assert.is(await tab.evaluate('document.documentElement.scrollWidth'), look.width, JSON.stringify(look));
      assert.equal(await tab.evaluate(WIDER), [], JSON.stringify(look));
      assert.equal(await tab.evaluate(FAINT), [], JSON.stringify(look));
    }
  }));

test('on paper nothing is cut or folded, and what is for the screen alone is left out', () =>
  onPage(async (tab, _, page) => {
    await tab.look({ width: 1000, media: 'print', scheme: 'dark' });
    await tab.open(page);
    assert.equal(await tab.evaluate(WIDER), []);
    assert.equal(await tab.evaluate(FAINT), []);
    assert.is(
      await tab.evaluate("[...document.querySelectorAll('form, nav, #question')].some((one) => one.checkVisibility())"),
      false,
    );
    const folded = await tab.evaluate<string>("document.querySelector('details').innerText");
    assert.match(folded, /10\.118\.0\.0\/16/);
    assert.is(await tab.evaluate("document.querySelector('details').getBoundingClientRect().height > 20"), true);
    assert.match((await tab.pdf()).subarray(0, 5).toString(), '%PDF-');
  }));

test('nothing is fetched, nor could it be', () =>
  inWorkspace(async ({ path, run }) => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.setHeader('Access-Control-Allow-Origin', '*').end('x');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await inBrowser(engines.chromium.path, async (tab) => {
        assert.is((await run('report --out page.html')).status, 0);
        await tab.open(join(path, 'page.html'), '#?target=/api/v4/user');
        assert.is(tab.requests.length, 1, tab.requests.join());
        assert.equal(tab.complaints, []);
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
        assert.is(await tab.evaluate(`fetch('${url}').then(() => 'fetched', () => 'refused')`), 'refused');
        const loaded = `new Promise((resolve) => { const one = new Image(); one.onload = one.onerror = () => resolve(one.width); one.src = '${url}'; })`;
        assert.is(await tab.evaluate(loaded), 0);
        await tab.evaluate(
          `{ const one = document.createElement('script'); one.textContent = 'window.ran = 1'; document.body.append(one); }`,
        );
        assert.is(await tab.evaluate('typeof window.ran'), 'undefined');
        assert.is(asked, 0);
        assert.ok(
          tab.complaints.some((text) => text.includes('Content Security Policy')),
          tab.complaints.join('\n'),
        );
      });
    } finally {
      server.close();
    }
  }));

test.run();
