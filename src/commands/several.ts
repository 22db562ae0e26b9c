import { basename, dirname, join, resolve } from 'node:path';
import { hasError, ok } from '../diagnostics/diagnostic.ts';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print, printAll } from './print.ts';
import type { Report } from './report.ts';
import { openSpec, outputFolder, stemOf } from './spec.ts';

interface SeveralArguments {
  readonly specs?: readonly string[] | undefined;
  readonly out?: string | undefined;
  readonly format: Format;
}

type Run = (
  args: { readonly spec: string | undefined; readonly out: string | undefined },
  io: Io,
) => Status | Promise<Status>;

/** Runs a command for each spec. Prints one report of all, and returns the worst status. */
export async function several(
  command: string,
  { specs = [], out, format }: SeveralArguments,
  io: Io,
  run: Run,
): Promise<Status> {
  const [spec, ...others] = specs;
  if (others.length === 0) return run({ spec, out }, io);
  const outOf = (one: string) => (out === undefined ? undefined : join(out, folderOf(one)));
  // All specs are opened first, so that a misspelt name is reported before anything is written.
  const opened = specs.map((one) => (one === '-' ? ok(STDIN) : openSpec(one, io)));
  const problems = opened.flatMap(({ diagnostics }) => diagnostics);
  const folders = opened.map(({ value }, index) => value && outputFolder(outOf(specs[index] ?? ''), value));
  const twice = folders.find((folder, index) => folder !== undefined && folders.indexOf(folder) < index);
  if (twice !== undefined && (command === 'generate' || out !== undefined))
    problems.push(commandCodes.report('same-folder', [], { folder: twice }));
  if (hasError(problems)) return print({ command, status: 2, diagnostics: problems, asked: 'changes' }, format, io);
  const reports: Report[] = [];
  for (const one of specs) {
    const collect = (report: Report) => void reports.push({ ...report, spec: one });
    await run({ spec: one, out: outOf(one) }, { ...io, collect });
  }
  return printAll(reports, format, io);
}

/** Stands for the spec from standard input, which can be read only once. */
const STDIN = { name: '<stdin>', folder: '.' };

/** Returns the name of a spec's output folder: the name of its file, or of its folder if the file is `postern.yaml`. */
function folderOf(spec: string): string {
  const stem = stemOf(spec);
  return stem === undefined ? basename(dirname(resolve(spec))) : stem;
}
