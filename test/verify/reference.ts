import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../src/verify/folder.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const folder = await temporaryFolder();

/** A program to be started in place of an engine: the reference engine with one fault, or none. */
export async function referenceProgram(fault = ''): Promise<string> {
  const program = join(folder.path, `engine-${fault}`);
  const loader = path('../../node_modules/tsx/dist/loader.mjs');
  await writeFile(
    program,
    `#!/bin/sh\nFAULT=${fault} exec ${process.execPath} --import ${loader} ${path('referenceEngine.ts')} "$@"\n`,
  );
  await chmod(program, 0o755);
  return program;
}
