import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { postern, type Ran, type RunOptions } from './cli.ts';
import { demoRanges, demoSpec } from './demo.ts';

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
  const runArgs: Workspace['runArgs'] = (args, options = {}) => postern(args, { cwd: path, ...options });
  const write: Workspace['write'] = (file, text) => {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), text);
  };
  write('postern.yaml', demoSpec);
  write('partner.txt', demoRanges);
  const read = (file: string) => readFileSync(join(path, file), 'utf8');
  const run: Workspace['run'] = (args, options) => runArgs(args.split(' ').filter(Boolean), options);
  try {
    await work({ path, run, runArgs, read, write });
  } finally {
    await folder.remove();
  }
}
