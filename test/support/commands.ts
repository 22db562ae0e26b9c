import { readFileSync } from 'node:fs';
import { runCommandLine } from '../../src/commands/commandLine.ts';
import type { Ran } from './cli.ts';

/** Runs a command in this process, which takes a tenth of the time of a process of its own. Paths are absolute. */
export async function runHere(args: readonly string[], input = ''): Promise<Ran> {
  let [stdout, stderr] = ['', ''];
  const status = await runCommandLine(args, {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    readStdin: () => Buffer.from(input),
    colour: { out: false, err: false },
    now: Math.floor(Date.parse('2026-11-26T00:00:00Z') / 1000),
    env: {},
  });
  if (typeof status === 'object') return { status: 2, stdout, stderr: status.misuse };
  return { status, stdout, stderr };
}

/** A preset as it stands in the repository. */
export function presetText(name: string): string {
  return readFileSync(new URL(`../../templates/presets/${name}.yaml`, import.meta.url), 'utf8');
}
