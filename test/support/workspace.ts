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
  run(args: string, options?: WorkspaceRun): Promise<Ran>;
  runArgs(args: readonly string[], options?: WorkspaceRun): Promise<Ran>;
  read(file: string): string;
  write(file: string, text: string | Uint8Array): void;
}

interface WorkspaceRun extends Omit<RunOptions, 'cwd'> {
  /**
   * Whether the command gets a process of its own, which takes half a second: for tests of how a process takes and says
   * something. With a user or an environment it always does.
   */
  readonly apart?: boolean;
  /** The whole environment of a command that stays in this process: what starts no program sees nothing else. */
  readonly settings?: Readonly<Record<string, string>>;
}

export async function inWorkspace(work: (workspace: Workspace) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const { path } = folder;
  const leaks = new LeakNet();
  const runArgs: Workspace['runArgs'] = async (args, { apart = false, settings, ...options } = {}) => {
    const isApart = apart || options.uid !== undefined || options.env !== undefined;
    const ran = await (isApart ? postern(args, { cwd: path, ...options }) : runHere(args, options.input, settings));
    leaks.given({ ...settings, ...options.env });
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
  const before = cwd();
  chdir(path);
  try {
    await work({ path, run, runArgs, read, write });
    leaks.check(path);
  } finally {
    chdir(before);
    await folder.remove();
  }
}
