import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { entry } from './cli.ts';
import { demoRanges, demoSpec } from './demo.ts';

export const SPEC = demoSpec.replace('{ form: corefile }', '{ form: configMap }');
export const LIVE = 'generated/coredns/configmap.yaml';

export interface Repository {
  write(file: string, text: string): void;
  read(file: string): string;
  git(...args: string[]): string;
  /** Runs lines as a CI runner does; the status of the first that fails. */
  run(lines: readonly string[], env?: Readonly<Record<string, string>>): { status: number | null; text: string };
}

/** A repository whose main branch is in sync, with a branch for a change, and both CI systems' variables. */
export async function inRepository(work: (repository: Repository) => void): Promise<void> {
  const { path, remove } = await temporaryFolder();
  const tools = join(path, 'tools');
  const project = join(path, 'project');
  const write = (file: string, text: string) => writeFileSync(join(project, file), text);
  const git = (...args: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false', ...args],
      { cwd: project, encoding: 'utf8' },
    ).trim();
  const tool = (name: string, line: string) => {
    writeFileSync(join(tools, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(tools, name), 0o755);
  };
  try {
    for (const folder of [tools, project]) mkdirSync(folder);
    tool('postern', `exec ${[process.execPath, ...entry].map((word) => `"${word}"`).join(' ')} "$@"`);
    tool('kubectl', `cat live.yaml`);
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      PATH: `${tools}${delimiter}${process.env['PATH']}`,
      BASE: 'main',
      // Otherwise pre-commit keeps what it makes in the home of whoever runs this.
      PRE_COMMIT_HOME: join(path, 'pre-commit'),
      GITHUB_STEP_SUMMARY: join(path, 'summary.md'),
    };
    const run: Repository['run'] = (lines, more = {}) => {
      const { status, stdout, stderr } = spawnSync('bash', ['-eo', 'pipefail', '-c', lines.join('\n')], {
        cwd: project,
        env: { ...env, ...more },
        encoding: 'utf8',
      });
      return { status, text: stdout + stderr };
    };
    write('postern.yaml', SPEC);
    write('partner.txt', demoRanges);
    git('init', '-q', '-b', 'main');
    assert.is(run(['postern generate']).status, 0);
    git('add', '-A');
    git('commit', '-qm', 'in sync');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    env['CI_MERGE_REQUEST_DIFF_BASE_SHA'] = git('rev-parse', 'HEAD');
    work({ write, read: (file) => readFileSync(join(project, file), 'utf8'), git, run });
  } finally {
    await remove();
  }
}

/** The label that lets the changes pass of which a text tells. */
export function labelIn(text: string): string {
  const [label] = /access-reviewed-[0-9a-f]{32}\b/.exec(text) ?? [];
  if (label === undefined) throw new Error(`no label in ${text}`);
  return label;
}

/** Returns a check of what some lines come to: their status, and what they print. */
export function expecting(run: Repository['run'], lines: readonly string[]) {
  return (status: number, found = /./): void => {
    const result = run(lines);
    assert.is(result.status, status, result.text);
    assert.match(result.text, found);
  };
}

/** The shell lines of the example, without the one that installs what is here already. */
export function withoutInstall(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => !line.startsWith('npm install'));
  assert.ok(kept.length > 0);
  return kept;
}
