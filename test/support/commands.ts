import { readFileSync } from 'node:fs';
import { runCommandLine } from '../../src/commands/commandLine.ts';
import { recordingIo } from './captured.ts';
import type { Ran } from './cli.ts';

/** The time that commands in this process see, in seconds since 1970. */
export const NOW = Math.floor(Date.parse('2026-11-26T00:00:00Z') / 1000);

/** Runs a command in this process, which takes a tenth of the time of a process of its own. Paths are absolute. */
export async function runHere(
  args: readonly string[],
  input = '',
  env?: Readonly<Record<string, string>>,
): Promise<Ran> {
  const { io, said } = recordingIo(input);
  const status = await runCommandLine(args, { ...io, ...(env && { env }), now: NOW });
  const { out: stdout, err } = said();
  if (typeof status !== 'object') return { status, stdout, stderr: err };
  return { status: 2, stdout, stderr: `postern: ${status.misuse}\nTry "postern --help".\n` };
}

/** A preset as it stands in the repository. */
export function presetText(name: string): string {
  return readFileSync(new URL(`../../templates/presets/${name}.yaml`, import.meta.url), 'utf8');
}
