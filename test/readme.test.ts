import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { targets } from '../src/targets/index.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { postern } from './support/cli.ts';

const test = suite('readme');
const root = fileURLToPath(new URL('../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');

function block(language: string, index = 0): string {
  const blocks = [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'gm'))];
  const text = blocks[index]?.[1];
  if (text === undefined) throw new Error(`the readme has no ${language} block ${index}`);
  return text;
}

/** The command of a console block, as words, and what it prints. */
function session(index: number): { readonly words: readonly string[]; readonly output: string } {
  const [first = '', ...rest] = block('console', index).split('\n');
  const words = [...first.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  assert.equal(words.slice(0, 2), ['$', 'postern']);
  return { words: words.slice(2), output: rest.join('\n') };
}

async function inFolder(spec: string, check: (folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await folder.write('postern.yaml', spec);
    await check(folder.path);
  } finally {
    await folder.remove();
  }
}

test('is short', () => assert.ok(readme.split('\n').length <= 150));

test('the first spec is valid and becomes files', () =>
  inFolder(block('yaml'), async (cwd) => {
    const { status, stdout, stderr } = await postern(['generate'], { cwd });
    assert.is(status, 0, stdout + stderr);
    for (const file of ['nginx/nginx.conf', 'caddy/Caddyfile']) assert.ok(existsSync(`${cwd}/generated/${file}`), file);
  }));

test('the decision is explained as it is printed', () =>
  inFolder(block('yaml'), async (cwd) => {
    const { words, output } = session(0);
    const { status, stdout } = await postern(words, { cwd });
    assert.is(stdout, output);
    assert.is(status, 1);
  }));

test('the mistakes are shown as they are printed', () => {
  const wrong = block('yaml').replace('env:PARTNER_KEY', 'glpat-x7Kd93mWq0zPLr5tYb2C');
  return inFolder(wrong, async (cwd) => {
    const { words, output } = session(1);
    const { status, stdout } = await postern(words, { cwd });
    assert.is(status, 1);
    for (const line of output.trimEnd().split('\n'))
      assert.ok(stdout.includes(`${line}\n`), `${line}\nis not in\n${stdout}`);
  });
});

test('the environment fills in the environments that init starts', async () => {
  const folder = await temporaryFolder();
  try {
    const cwd = folder.path;
    assert.is((await postern(['init', '--environments', '.'], { cwd })).status, 0);
    await folder.write('.git/HEAD', '');
    const rest =
      'ipRanges: { offices: [203.0.113.0/24] }\nproxies: { api: { listen: 8080, ipRanges: ["@offices"], routes: [read, payments] } }\n';
    await folder.write(
      'envs/shown.yaml',
      `version: 1\nname: shown\n${block('yaml', 1)}${rest}targets: { nginx: {} }\n`,
    );
    await folder.write(
      'next.yaml',
      `version: 1\nname: next\ninclude: [base.yaml]\nupstreams: { gitlab: { url: https://gitlab.example.com } }\n${rest.replace(', payments', '')}`,
    );
    const { status, stdout, stderr } = await postern(['validate', 'envs/shown.yaml'], { cwd });
    assert.is(status, 0, stdout + stderr);
    assert.match(stdout, /[1-9]\d* tests passed and [1-9]\d* guarantees proven/);
    const { stdout: presets } = await postern(['show', '--preset', 'gitlab/read-only@1'], { cwd });
    assert.match(presets, 'fragment: true');
  } finally {
    await folder.remove();
  }
});

test('names every target, and every file that it links to is there', () => {
  for (const { name } of targets) assert.ok(readme.includes(`\`${name}\``), `${name} is not named`);
  for (const [, file = ''] of readme.matchAll(/\]\(([^)#:]+)\)/g)) assert.ok(existsSync(`${root}${file}`), file);
});

test.run();
