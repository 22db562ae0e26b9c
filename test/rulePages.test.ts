import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatDiagnostics } from '../src/diagnostics/format.ts';
import { judge } from '../src/rules/accepted.ts';
import { ruleCodes } from '../src/rules/codes.ts';
import { lint } from '../src/rules/index.ts';
import { rulePage } from '../src/rules/pages.ts';
import { clientsOf } from '../src/targets/clients.ts';
import { runHere } from './support/commands.ts';
import { compileFiles, type Files } from './support/files.ts';

const test = suite('pages of rules');

const CODES = Object.keys(ruleCodes.table).sort();
const NOW = Math.floor(Date.parse('2026-11-26T00:00:00Z') / 1000);

/** What an example does not write itself, by section. */
const BASE: Readonly<Record<string, string>> = {
  version: 'version: 1\n',
  name: 'name: demo\n',
  upstreams: 'upstreams:\n  gitlab: { url: https://gitlab.example.com }\n',
  routes: 'routes:\n  read: { upstream: gitlab, allow: ["GET /api/v4/projects/{project:encodedPath}/milestones"] }\n',
  apiKeys:
    'apiKeys:\n  partner: { key: env:POSTERN_KEY_PARTNER, token: env:POSTERN_TOKEN_PARTNER, owner: team@example.com, expires: 2027-06-30 }\n',
  proxies:
    'proxies:\n  api: { listen: 8080, ipRanges: [203.0.113.0/28], publicUrl: https://api.example.com, routes: [ROUTES] }\n',
  targets: 'targets: { nginx: {} }\n',
  tests: 'tests:\n  - { request: DELETE /api/v4/projects/7, apiKey: partner, expect: 404 }\n',
};

/** An example as a whole spec: its own lines first, so that the line numbers of findings are those of the page. */
function whole(example: string): string {
  const own = new Set([...example.matchAll(/^(\w+):/gm)].map(([, section]) => section));
  const groups = [...(/^routes:\n((?: .*\n)+)/m.exec(example)?.[1] ?? '  read:').matchAll(/^ {2}([\w-]+):/gm)];
  const rest = Object.entries(BASE).flatMap(([section, text]) => (own.has(section) ? [] : [text]));
  return `${example}${rest.join('')}`.replace('ROUTES', groups.map(([, name]) => name).join(', '));
}

interface Page {
  readonly bad: Files;
  readonly good: Files;
  readonly shown: string;
}

const TEXT = /(^```text\n)([\s\S]*?)(^```$)/m;

function read(page: string): Page {
  const [, bad = '', good = ''] = page.split(/^## (?:Bad|Good)$/m);
  const files = (part: string) =>
    new Map(
      [...part.matchAll(/^```(?:yaml|pem)(?: (\S+))?\n([\s\S]*?)^```$/gm)].map(([, name, text = '']) =>
        name === undefined ? ['postern.yaml', whole(text)] : [name, text],
      ),
    );
  return { bad: files(bad), good: files(good), shown: TEXT.exec(bad)?.[2] ?? '' };
}

/** What lint says with one code of the files. */
async function findings(code: string, files: Files): Promise<string> {
  const compiled = await compileFiles(files, 'postern.yaml', { now: NOW });
  const { policy, spec, composition, document, diagnostics, shown } = compiled;
  const others = diagnostics.filter((one) => one.severity === 'error' && one.code !== `rule/${code}`);
  if (!policy || !spec || others.length > 0)
    throw new Error(`${code}: no valid spec\n${formatDiagnostics(diagnostics, document)}`);
  const reader = (name: string) => files.get(name);
  const around = { clients: clientsOf(spec, reader), read: reader, composition, now: NOW };
  const dated = diagnostics.filter((one) => one.code.startsWith('rule/'));
  const { left } = judge([...dated, ...lint(policy, spec, around)], spec, NOW);
  return shown(
    formatDiagnostics(
      left.filter((one) => one.code === `rule/${code}`),
      document,
    ),
  );
}

test('each rule has a page, and each page a rule', () => {
  const folder = fileURLToPath(new URL('../templates/rules/', import.meta.url));
  assert.equal(readdirSync(folder).sort(), CODES.map((code) => `${code}.md`).sort());
  assert.ok(CODES.length >= 40, `${CODES.length} rules`);
});

for (const code of CODES) {
  test(`${code}: its bad example is found, as its page says, and its good one is not`, async () => {
    const page = rulePage(code) ?? '';
    const { bad, good, shown } = read(page);
    const found = await findings(code, bad);
    assert.ok(found.includes(`[rule/${code}]`), `nothing found in\n${bad.get('postern.yaml')}`);
    if (process.env['UPDATE'] === '1')
      writeFileSync(
        fileURLToPath(new URL(`../templates/rules/${code}.md`, import.meta.url)),
        page.replace(TEXT, (_, open: string, __, close: string) => `${open}${found}${close}`),
      );
    else assert.is(shown, found);
    assert.is(await findings(code, good), '');
    assert.match(page, /^# rule\/\S+\n\n\S.*\n\n## Why\n\n\S.*\n\n## Bad\n/);
  });
}

test('lint --explain prints a page, by its code with or without the area', async () => {
  const page = readFileSync(new URL('../templates/rules/form-body.md', import.meta.url), 'utf8');
  for (const code of ['form-body', 'rule/form-body']) {
    const { status, stdout } = await runHere(['lint', '--explain', code]);
    assert.is(status, 0);
    assert.is(stdout, page);
  }
  const { status, stderr } = await runHere(['lint', '--explain', 'form-bdy']);
  assert.is(status, 2);
  assert.match(stderr, /did you mean "rule\/form-body"\?/);
});

test.run();
