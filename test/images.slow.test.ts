import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { layOut } from './support/dockerfile.ts';

const root = fileURLToPath(new URL('../', import.meta.url)).replace(/\/$/, '');
const image = suite('the image of the command');

image('holds all that the command needs, and nothing that builds it', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const [dockerfile, ignore] = [join(root, '.docker/Dockerfile'), join(root, '.docker/Dockerfile.dockerignore')];
    const runs = (line: string) => line.startsWith('npm ');
    const stage = layOut({ context: root, dockerfile, ignore, into: path, runs });
    const tool = join(stage, 'opt/postern');
    assert.not.ok(readdirSync(tool).some((name) => ['src', 'test', '.git', '.engines'].includes(name)));
    for (const name of ['typescript', 'esbuild', 'uvu'])
      assert.not.ok(existsSync(join(tool, 'node_modules', name)), name);
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [join(tool, 'dist/cli.js'), ...args], { cwd: path, encoding: 'utf8' });
    run('init', 'project');
    run('generate', 'project');
    assert.match(run('prove', 'project'), /caddy: proxy api: proved for all requests/);
    run('fmt', 'project', '--check');
  } finally {
    await remove();
  }
});

image.run();
