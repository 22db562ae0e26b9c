import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkSchema, diffSchema } from '../src/report/outputSchemas.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';
import { writeFiles } from './support/files.ts';

const spec = (name: string, more = '') => `version: 1
name: ${name}
upstreams: { up: { url: https://up.example.com } }
routes: { read: { upstream: up, auth: passthrough, allow: [GET /a${more}] } }
proxies: { api: { listen: 8080, ipRanges: [203.0.113.0/24] } }
targets: { nginx: {} }
tests: [{ request: GET /a, expect: allow }, { request: GET /b, expect: 404 }]
`;

type Run = (line: string) => ReturnType<typeof runHere>;

async function inFolder(work: (run: Run, path: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    const files = { prod: spec('prod'), staging: spec('staging', ', GET /b'), broken: 'version: 1\n' };
    writeFiles(folder.path, new Map(Object.entries(files).map(([name, text]) => [`${name}.yaml`, text])));
    await work(async (line) => {
      const words = line
        .split(' ')
        .map((word) => (/\.(?:yaml|json)$|^out$/.test(word) ? join(folder.path, word) : word));
      const ran = await runHere(words);
      const shown = (text: string) => text.replaceAll(`${folder.path}/`, '');
      return { ...ran, stdout: shown(ran.stdout), stderr: shown(ran.stderr) };
    }, folder.path);
  } finally {
    await folder.remove();
  }
}

const several = suite('several specs at once');

several('lines about one of them stand below its name', () =>
  inFolder(async (run) => {
    const { stdout } = await run('diff prod.yaml staging.yaml');
    assert.match(stdout, /^prod\.yaml:\ncreate .*\n(?:.*\n)*staging\.yaml:\ncreate /);
  }),
);

several('one summary and the worst status', () =>
  inFolder(async (run) => {
    const good = await run('validate prod.yaml prod.yaml');
    assert.equal([good.status, good.stderr], [0, '2 specs: 2 yes\n']);
    const { status, stdout, stderr } = await run('test prod.yaml broken.yaml staging.yaml');
    assert.is(status, 2);
    assert.match(
      stdout,
      /^2 tests: 2 passed, 0 failed\n[\s\S]*staging\.yaml:7:\d+: error[\s\S]*^2 tests: 1 passed, 1 failed$/m,
    );
    assert.match(stderr, /broken\.yaml:1:1: error[\s\S]*^3 specs: 1 yes, 1 no, 1 could not tell$/m);
    assert.is((await run('validate prod.yaml staging.yaml')).status, 1);
    assert.is((await run('lint prod.yaml nowhere.yaml')).status, 2);
  }),
);

several('each has a folder of its own', () =>
  inFolder(async (run, path) => {
    assert.is((await run('generate prod.yaml staging.yaml')).status, 0);
    for (const name of ['prod', 'staging']) assert.ok(existsSync(join(path, 'generated', name, 'nginx/nginx.conf')));
    assert.is((await run('diff prod.yaml staging.yaml')).status, 0);
    assert.is((await run('generate prod.yaml nowhere.yaml --out other')).status, 2);
    assert.not.ok(existsSync('other'), 'nothing is made where one cannot be read');
    assert.is((await run('generate prod.yaml --check')).status, 0, 'alone it is where it was among others');
    assert.is((await run('generate prod.yaml staging.yaml --out out')).status, 0);
    assert.ok(existsSync(join(path, 'out/staging/nginx/nginx.conf')));
    const twice = await run('generate prod.yaml prod.yaml --out out');
    assert.is(twice.status, 2);
    assert.match(twice.stderr, 'two specs would be written to out/prod');
    copyFileSync(join(path, 'staging.yaml'), join(path, 'prod.json'));
    const alike = await run('generate prod.yaml prod.json');
    assert.is(alike.status, 2, 'the second would take the place of the first');
    assert.match(alike.stderr, 'two specs would be written to generated/prod');
    assert.is((await run('generate prod.yaml --check')).status, 0);
  }),
);

several('machines get one document', () =>
  inFolder(async (run) => {
    const json = async (line: string) => JSON.parse((await run(`${line} prod.yaml staging.yaml --format json`)).stdout);
    checkSchema.parse(await json('lint'));
    diffSchema.parse(await json('diff'));
    checkSchema.parse(await json('validate'));
    const { command, status, specs } = await json('validate');
    assert.equal([command, status], ['validate', 1]);
    assert.equal(
      specs.map((one: { spec: string; status: number; tests: unknown[] }) => [one.spec, one.status, one.tests.length]),
      [
        ['prod.yaml', 0, 2],
        ['staging.yaml', 1, 2],
      ],
    );
    const sarif = JSON.parse((await run('validate prod.yaml staging.yaml --format sarif')).stdout);
    assert.is(sarif.runs[0].results.length, 1);
    const junit = (await run('test prod.yaml staging.yaml --format junit')).stdout;
    assert.is(junit.match(/<\?xml/g)?.length, 1);
    assert.match(junit, /prod\.yaml: GET \/b/);
    const page = (await run('test prod.yaml staging.yaml --format markdown')).stdout;
    assert.match(
      page,
      /^### ❌ postern test\n\n`prod\.yaml: 2 tests: 2 passed, 0 failed; staging\.yaml: 2 tests: 1 passed, 1 failed`/,
    );
  }),
);

several.run();
