import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommandLine } from '../src/commands/commandLine.ts';
import { processIo } from '../src/commands/io.ts';
import {
  checkJsonSchema,
  checkSchema,
  diffJsonSchema,
  diffSchema,
  shadowReportJsonSchema,
} from '../src/report/outputSchemas.ts';
import { demoSpec } from './support/demo.ts';
import { checkGolden } from './support/golden.ts';
import { git } from './support/repository.ts';
import { inWorkspace } from './support/workspace.ts';

const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'gitlab', 'markdown'];
const WIDER = demoSpec.replace('      - GET /api/v4/user\n', '      - GET,DELETE /api/v4/user\n');
const NARROWER = demoSpec.replace('      - GET /api/v4/user\n', '');

const schema = suite('schema of diff');
schema('is the one that is checked in', () =>
  checkGolden('schema/postern-diff.schema.json', `${JSON.stringify(diffJsonSchema(), null, 2)}\n`),
);
schema('and so is that of validate and lint', () =>
  checkGolden('schema/postern-check.schema.json', `${JSON.stringify(checkJsonSchema(), null, 2)}\n`),
);
schema('and that of shadow report', () =>
  checkGolden('schema/postern-shadow-report.schema.json', `${JSON.stringify(shadowReportJsonSchema(), null, 2)}\n`),
);
schema.run();

const formats = suite('formats');

/** What a format says about the exit status by itself. */
function failures(format: string, text: string): number {
  if (format === 'json') return JSON.parse(text).status;
  if (format === 'sarif')
    return JSON.parse(text).runs[0].results.filter(({ level }: { level: string }) => level !== 'note').length;
  if (format === 'gitlab')
    return JSON.parse(text).filter(({ severity }: { severity: string }) => ['critical', 'major'].includes(severity))
      .length;
  if (format === 'junit') return (text.match(/<(?:failure|error) /g) ?? []).length;
  if (format === 'github') return (text.match(/^::(?:error|warning) /gm) ?? []).length;
  if (format === 'markdown') return text.includes('✅') ? 0 : 1;
  return 0;
}

/** Runs a command in this process, in the folder it was told to work in: there are many to run. */
async function inProcess(args: string): Promise<{ status: unknown; stdout: string }> {
  let stdout = '';
  const out = (text: string) => {
    stdout += text;
  };
  const io = { ...processIo(), out, err: () => {}, colour: { out: false, err: false } };
  const status = await runCommandLine(args.split(' '), io);
  return { status, stdout };
}

async function checkFormats(args: string, expected: 0 | 1 | 2): Promise<void> {
  for (const format of FORMATS) {
    const { status, stdout } = await inProcess(`${args} --format ${format}`);
    assert.is(status, expected, `${args} as ${format}`);
    if (format === 'text') continue;
    assert.is(failures(format, stdout) > 0, expected !== 0, `${args} as ${format}:\n${stdout}`);
    if (format === 'json') (args.startsWith('diff') ? diffSchema : checkSchema).parse(JSON.parse(stdout));
  }
}

formats('that platforms read name files from the top of the repository', () =>
  inWorkspace(async ({ write, path }) => {
    write('infra/specs/postern.yaml', WIDER);
    write('infra/specs/partner.txt', '192.0.2.0/24\n');
    write('infra/specs/old.yaml', demoSpec);
    git(path, 'init', '-q');
    const back = process.cwd();
    process.chdir(join(path, 'infra/specs'));
    try {
      const place = async (args: string, format: string) => (await inProcess(`${args} --format ${format}`)).stdout;
      for (const args of [
        'diff --base old.yaml',
        'diff ../specs --base old.yaml',
        `diff ${process.cwd()} --base old.yaml`,
      ]) {
        assert.match(await place(args, 'sarif'), /"uri": "infra\/specs\/postern\.yaml"/);
        assert.match(await place(args, 'gitlab'), /"path": "infra\/specs\/postern\.yaml"/);
        assert.match(await place(args, 'github'), /^::error file=infra\/specs\/postern\.yaml,line=11,/);
        assert.match(await place(args, 'junit'), / file="infra\/specs\/postern\.yaml"/);
      }
      git(path, 'add', '-A');
      git(path, 'commit', '-qm', 'one');
      write('infra/specs/postern.yaml', NARROWER);
      const [taken] = JSON.parse(await place('diff --base git:HEAD', 'sarif')).runs[0].results;
      assert.equal(taken.locations, [{ physicalLocation: { artifactLocation: { uri: 'infra/specs/postern.yaml' } } }]);
      assert.match(await place('diff', 'gitlab'), /"path": "infra\/specs\/generated\/coredns\/Corefile"/);
      assert.match(await place('diff --base old.yaml', 'json'), /"file": "old\.yaml"/);
    } finally {
      process.chdir(back);
    }
  }),
);

formats('say the same as the exit status', () =>
  inWorkspace(async ({ write, path }) => {
    const back = process.cwd();
    process.chdir(path);
    try {
      write('old.yaml', demoSpec);
      await inProcess('generate');
      await checkFormats('diff', 0);
      await checkFormats('diff --base old.yaml', 0);
      await checkFormats('validate', 0);
      await checkFormats('lint --accept rule/public-fallback,rule/dependency-proxy,rule/makes-nothing', 0);
      await checkFormats('lint', 1);
      await checkFormats('lint --accept rule/nonsense', 2);
      write('postern.yaml', WIDER.replace('{ form: corefile }', '{ form: configMap }'));
      await checkFormats('diff', 1);
      await checkFormats('diff --base old.yaml', 1);
      await checkFormats('diff --base gone.yaml', 2);
      await checkFormats('diff --live coredns=gone.txt', 2);
      write('postern.yaml', demoSpec.replace('upstream: gitlab\n', 'upstream: github\n'));
      await checkFormats('validate', 1);
      await checkFormats('lint', 2);
    } finally {
      process.chdir(back);
    }
  }),
);

formats.run();
