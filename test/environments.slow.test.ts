import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';
import { commit } from './support/repository.ts';

const environments = suite('environments');
const example = fileURLToPath(new URL('../examples/environments/', import.meta.url));

/** The example in a repository of its own, and the command to run there. */
async function inCopy(check: (run: (line: string) => ReturnType<typeof runHere>, path: string) => Promise<void>) {
  const folder = await temporaryFolder();
  try {
    cpSync(example, folder.path, { recursive: true });
    commit(folder.path);
    await check(async (line) => {
      const words = line
        .replaceAll('envs/*.yaml', 'envs/prod.yaml envs/staging.yaml')
        .split(' ')
        .map((word) => (/^envs\/|^next\.yaml$|\.log$/.test(word) ? join(folder.path, word) : word));
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

/** What the page shows of a command. */
function shownBy(page: string, command: string): string {
  const [, rest = ''] = page.split(`\`\`\`console\n$ ${command}\n`);
  return rest.slice(0, rest.indexOf('```'));
}

environments('every command of the page and of its CI runs', () =>
  inCopy(async (run) => {
    const page = readFileSync(join(example, 'README.md'), 'utf8');
    const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(page) ?? [];
    const ci = readFileSync(join(example, '.gitlab-ci.yml'), 'utf8');
    const jobs = [...ci.matchAll(/^ +- (postern .*?)(?: > .*)?$/gm)].map(([, job = '']) => job);
    const lines = [...block.trim().split('\n'), ...jobs].map((line) =>
      line.replace(/\s+#.*$|^postern /g, '').replace('"git:$CI_MERGE_REQUEST_DIFF_BASE_SHA"', 'git:HEAD'),
    );
    assert.is(lines.length, 8);
    for (const line of lines) {
      const { status, stdout, stderr } = await run(line);
      assert.is(status, line === 'diff envs/prod.yaml --base envs/staging.yaml' ? 1 : 0, line + stdout + stderr);
    }
  }),
);

environments('the shadow of production says whom it would refuse, as the page shows', () =>
  inCopy(async (run, path) => {
    const said = { time: '2026-11-26T10:00:00+00:00', proxy: 'api', client: '203.0.113.7', method: 'PUT' };
    const request = { path: '/api/v4/projects/7/issues/12', key: 'search-labeller', route: 'search', reason: '' };
    writeFileSync(join(path, 'access.log'), `${JSON.stringify({ ...said, ...request, upstream: '10.0.0.1:443' })}\n`);
    const command = 'shadow report access.log --spec envs/prod.yaml';
    const { status, stdout } = await run(command);
    assert.equal(
      [status, stdout],
      [1, shownBy(readFileSync(join(example, 'README.md'), 'utf8'), `postern ${command}`)],
    );
  }),
);

environments('a looser envelope needs the approval of its owner', () =>
  inCopy(async (run, path) => {
    const prod = join(path, 'envs/prod.yaml');
    writeFileSync(prod, readFileSync(prod, 'utf8').replace('- GET,PUT /api', '- GET,PUT,DELETE /api'));
    const { access } = JSON.parse((await run('diff envs/prod.yaml --base git:HEAD --format json')).stdout);
    assert.equal(
      access.map(({ kind, approval }: Record<string, unknown>) => [kind, approval]),
      [['envelope', ['security@example.com']]],
    );
  }),
);

environments('a team that reaches further is told so as the page says', () =>
  inCopy(async (run, path) => {
    const page = readFileSync(join(example, 'README.md'), 'utf8');
    const shown = shownBy(page, 'postern validate envs/prod.yaml');
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
    assert.equal(files.sort(), [...own, 'postern.schema.json'].sort());
    for (const file of own) {
      const [, schema, text] =
        /^(?:# yaml-language-server: \$schema=(\S*)\n)?([\s\S]*)$/.exec(
          readFileSync(join(folder.path, file), 'utf8'),
        ) ?? [];
      assert.is(text, readFileSync(join(example, file), 'utf8'), file);
      if (schema === undefined) assert.not.match(file, /\.yaml$/);
      else assert.ok(existsSync(join(folder.path, dirname(file), schema)), file);
    }
    assert.is((await runHere(['init', '--environments', folder.path])).status, 2);
  } finally {
    await folder.remove();
  }
});

environments.run();
