import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { entry } from './cli.ts';
import { checkGolden } from './golden.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** A file (```yaml postern.yaml) or a session in a shell (```console) of a page. */
const FENCE = /^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm;

const IDENTITY = ['AUTHOR', 'COMMITTER'].flatMap((who) => [
  [`GIT_${who}_NAME`, 'ann'],
  [`GIT_${who}_EMAIL`, 'ann@example.com'],
  [`GIT_${who}_DATE`, '2026-11-26T10:00:00Z'],
]);

interface Surroundings {
  /** Makes the folder that the page starts in. */
  readonly prepare?: (run: (line: string) => void) => void;
  /** Programs by the variable or name that finds them. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Writes the files of a page, runs each line after "$ " in one folder after the other, and compares what they print and
 * how they exit (0, or what "# exits N" says) with the page. `UPDATE=1` records what they print.
 */
export async function checkPage(page: string, { prepare, env = {} }: Surroundings = {}): Promise<void> {
  const { path, remove } = await temporaryFolder();
  try {
    const [tools, project] = [join(path, 'tools'), join(path, 'project')];
    for (const folder of [tools, project]) mkdirSync(folder);
    const words = [process.execPath, ...entry].map((word) => `"${word}"`).join(' ');
    writeFileSync(join(tools, 'postern'), `#!/bin/sh\nexec ${words} "$@"\n`);
    chmodSync(join(tools, 'postern'), 0o755);
    const variables = { ...process.env, ...Object.fromEntries(IDENTITY), NO_COLOR: '1', HOME: path, ...env };
    const shell = (line: string) => {
      const { status, stdout } = spawnSync('bash', ['-c', `exec 2>&1\n${line}`], {
        cwd: project,
        encoding: 'utf8',
        env: { ...variables, PATH: `${tools}${delimiter}${process.env['PATH']}` },
      });
      return { status, text: stdout.replaceAll(`${project}/`, '').replaceAll(root, '…/') };
    };
    prepare?.((line) => assert.is(shell(line).status, 0, line));
    const session = (text: string) =>
      [...text.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => {
        const { status, text: said } = shell(line);
        assert.is(String(status), /# exits (\d)$/.exec(line)?.[1] ?? '0', `${line}\n${said}`);
        return `$ ${line}\n${said}`;
      });
    const text = readFileSync(join(root, page), 'utf8');
    const shown = text.replace(FENCE, (fence, language: string, file: string | undefined, body: string) => {
      if (language === 'console') return `\`\`\`console\n${session(body).join('')}\`\`\``;
      if (file === undefined) return fence;
      mkdirSync(dirname(join(project, file)), { recursive: true });
      writeFileSync(join(project, file), body);
      return fence;
    });
    checkGolden(page, shown);
  } finally {
    await remove();
  }
}
