import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';
import { writeFiles } from './support/files.ts';

const environments = suite('environments');
const example = fileURLToPath(new URL('../examples/environments/', import.meta.url));

/** The example in a repository of its own, and the command to run there. */
async function inCopy(check: (run: (line: string) => ReturnType<typeof runHere>, path: string) => Promise<void>) {
  const folder = await temporaryFolder();
  try {
    cpSync(example, folder.path, { recursive: true });
    writeFiles(folder.path, new Map([['.git/HEAD', '']]));
    await check(async (line) => {
      const words = line.split(' ').map((word) => (word.startsWith('envs/') ? join(folder.path, word) : word));
      const ran = await runHere(words);
      return {
        ...ran,
        stdout: ran.stdout.replaceAll(`${folder.path}/`, ''),
        stderr: ran.stderr.replaceAll(`${folder.path}/`, ''),
      };
    }, folder.path);
  } finally {
    await folder.remove();
  }
}

environments('the example is valid, and what is checked in is what it makes', () =>
  inCopy(async (run) => {
    const valid = await run('validate envs/prod.yaml envs/staging.yaml');
    assert.is(valid.status, 0, valid.stdout + valid.stderr);
    assert.match(valid.stdout, /envs\/prod\.yaml: valid, \d+ tests passed and 6 guarantees proven/);
    const check = await run('generate envs/prod.yaml envs/staging.yaml --check');
    assert.is(check.status, 0, check.stdout + check.stderr);
  }),
);

environments('prod and staging differ in addresses and upstreams alone', () =>
  inCopy(async (run) => {
    const { access } = JSON.parse((await run('diff envs/prod.yaml --base envs/staging.yaml --format json')).stdout);
    assert.equal([...new Set(access.map(({ kind }: { kind: string }) => kind))].sort(), ['addresses', 'upstream']);
  }),
);

environments('a team that reaches further is told so as the page says', () =>
  inCopy(async (run, path) => {
    const page = readFileSync(join(example, 'README.md'), 'utf8');
    const [, shown = ''] = /```console\n\$ postern validate envs\/prod\.yaml\n([\s\S]*?)```/.exec(page) ?? [];
    const team = join(path, 'teams/payments.yaml');
    const text = readFileSync(team, 'utf8');
    const wider = text.replace(/GET (\S+merge_requests\/\{mr:int\})\/diffs/, 'GET,DELETE $1');
    assert.is.not(wider, text);
    writeFileSync(team, wider);
    assert.equal(await run('validate envs/prod.yaml'), { status: 1, stdout: shown, stderr: '' });
  }),
);

environments('init starts the same', async () => {
  const folder = await temporaryFolder();
  try {
    const { status, stdout, stderr } = await runHere(['init', '--environments', folder.path]);
    assert.is(status, 0, stderr);
    assert.match(stderr, 'git init');
    const files = stdout
      .trim()
      .split('\n')
      .map((file) => file.slice(folder.path.length + 1));
    const own = readdirSync(example, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('generated') && entry.name !== 'README.md')
      .map((entry) => join(entry.parentPath, entry.name).slice(example.length));
    assert.equal(files.sort(), own.sort());
    for (const file of files)
      assert.is(readFileSync(join(folder.path, file), 'utf8'), readFileSync(join(example, file), 'utf8'), file);
    assert.is((await runHere(['init', '--environments', folder.path])).status, 2);
  } finally {
    await folder.remove();
  }
});

environments.run();
