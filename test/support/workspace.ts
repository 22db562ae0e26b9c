import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { chdir, cwd } from 'node:process';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { postern, type Ran, type RunOptions } from './cli.ts';
import { runHere } from './commands.ts';
import { demoRanges, demoSpec } from './demo.ts';
import { LeakNet } from './leaks.ts';

/** A folder with the demo spec in it, and the command to run there. */
export interface Workspace {
  readonly path: string;
  run(args: string, options?: Omit<RunOptions, 'cwd'>): Promise<Ran>;
  runArgs(args: readonly string[], options?: Omit<RunOptions, 'cwd'>): Promise<Ran>;
  read(file: string): string;
  write(file: string, text: string | Uint8Array): void;
}

export async function inWorkspace(work: (workspace: Workspace) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const { path } = folder;
  const leaks = new LeakNet();
  const runArgs: Workspace['runArgs'] = async (args, options = {}) => {
    const ran = await postern(args, { cwd: path, ...options });
    leaks.given(options.env ?? {});
    // The one command that is for showing a secret.
    if (args.join(' ') !== 'secrets keygen') leaks.said(ran.stdout, ran.stderr);
    return ran;
  };
  const write: Workspace['write'] = (file, text) => {
    leaks.wrote(file);
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  };
  write('postern.yaml', demoSpec);
  write('partner.txt', demoRanges);
  const read = (file: string) => readFileSync(join(path, file), 'utf8');
  const run: Workspace['run'] = (args, options) => runArgs(args.split(' ').filter(Boolean), options);
  try {
    await work({ path, run, runArgs, read, write });
    leaks.check(path);
  } finally {
    await folder.remove();
  }
}

/** The same in this process, for tests of what is answered rather than of how a process takes and says it. */
export function inWorkspaceHere(work: (workspace: Omit<Workspace, keyof Runs> & Runs) => Promise<void>): Promise<void> {
  return inWorkspace(async (workspace) => {
    const before = cwd();
    chdir(workspace.path);
    try {
      const runArgs: Runs['runArgs'] = (args, { input } = {}) => runHere(args, input);
      await work({ ...workspace, runArgs, run: (args, options) => runArgs(args.split(' ').filter(Boolean), options) });
    } finally {
      chdir(before);
    }
  });
}

interface Runs {
  run(args: string, options?: Pick<RunOptions, 'input'>): Promise<Ran>;
  runArgs(args: readonly string[], options?: Pick<RunOptions, 'input'>): Promise<Ran>;
}
