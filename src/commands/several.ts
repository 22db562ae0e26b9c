import { basename, dirname, join, resolve } from 'node:path';
import { hasError } from '../diagnostics/diagnostic.ts';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print, printAll } from './print.ts';
import type { Report } from './report.ts';
import { openSpec, stemOf } from './spec.ts';

interface SeveralArguments {
  readonly specs?: readonly string[] | undefined;
  readonly out?: string | undefined;
  readonly format: Format;
}

type Run = (args: { readonly spec: string | undefined; readonly out: string | undefined }, io: Io) => Status;

/** Runs a command for each spec that is named: one report of all of them, and the worst exit status. */
export function several(command: string, { specs = [], out, format }: SeveralArguments, io: Io, run: Run): Status {
  const [spec, ...others] = specs;
  if (others.length === 0) return run({ spec, out }, io);
  const folders = specs.map((one) => folderOf(one));
  const twice = out === undefined ? undefined : folders.find((folder, index) => folders.indexOf(folder) < index);
  if (out !== undefined && twice !== undefined) {
    const diagnostics = [commandCodes.report('same-folder', [], { folder: join(out, twice) })];
    return print({ command, status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  // Whoever misspells one of them is told before anything is done about the others.
  const unreadable = specs.flatMap((one) => (one === '-' ? [] : openSpec(one, io).diagnostics));
  if (hasError(unreadable)) return print({ command, status: 2, diagnostics: unreadable, asked: 'changes' }, format, io);
  const reports: Report[] = [];
  for (const [index, one] of specs.entries()) {
    const collect = (report: Report) => void reports.push({ ...report, spec: one });
    run({ spec: one, out: out === undefined ? undefined : join(out, folders[index] ?? '') }, { ...io, collect });
  }
  return printAll(reports, format, io);
}

/** What tells a spec from others: the name of its file, or of its folder where the file is called as all are. */
function folderOf(spec: string): string {
  const stem = stemOf(spec);
  return stem === undefined ? basename(dirname(resolve(spec))) : stem;
}
