import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer } from '../src/verify/process.ts';
import { entry } from './support/cli.ts';
import { demoRanges, demoSpec } from './support/demo.ts';
import { inWorkspace } from './support/workspace.ts';

const watch = suite('generate --watch');

watch('writes anew after each change of a file that it read, tells of mistakes, and stops when it is told to', () =>
  inWorkspace(async ({ path, read, write }) => {
    write('base.yaml', 'version: 1\nfragment: true\nupstreams:\n  other: { url: https://one.example.com }\n');
    const spec = demoSpec.replace('ipRanges:', 'include: [base.yaml]\nipRanges:');
    write('postern.yaml', spec);
    const page = () => read('generated/ACCESS.md');
    const watching = await startServer({
      command: process.execPath,
      args: [...entry, 'generate', '--watch'],
      cwd: path,
      env: process.env,
      ready: async () => existsSync(join(path, 'generated/.postern.json')),
    });
    const until = async (holds: () => boolean) => {
      for (const end = Date.now() + 60_000; !holds(); await pause(20))
        if (Date.now() > end) throw new Error(`waited in vain: ${watching.output()}`);
    };
    write('postern.yaml', spec.replace('- GET /api/v4/user\n', '- GET,PUT /api/v4/user\n'));
    await until(() => page().includes('PUT'));
    write('partner.txt', `${demoRanges}198.51.100.0/24\n`);
    await until(() => page().includes('198.51.100.0/24'));
    write('base.yaml', 'version: 1\nfragment: true\nupstreams: [nonsense]\n');
    await until(() => watching.output().includes('base.yaml:3:'));
    assert.ok(page().includes('198.51.100.0/24'));
    write('base.yaml', 'version: 1\nfragment: true\nupstreams:\n  other: { url: https://two.example.com }\n');
    write('postern.yaml', spec);
    await until(() => !page().includes('PUT'));
    assert.equal(await watching.stop(), { code: 0, signal: null }, watching.output());
  }),
);

watch('has no meaning where nothing is written', () =>
  inWorkspace(async ({ run }) => {
    for (const mode of ['--check', '--dry-run']) {
      const { status, stdout, stderr } = await run(`generate --watch ${mode}`);
      assert.is(status, 2);
      assert.match(stdout + stderr, `--watch has no meaning beside ${mode}`);
    }
  }),
);

watch.run();
