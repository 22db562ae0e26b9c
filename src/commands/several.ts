import { basename, dirname, join, resolve } from 'node:path';
import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { placed, systemProblem } from '../output/disk.ts';
import { changedSince } from './changedSince.ts';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print, printAll, printNone } from './print.ts';
import type { Report } from './report.ts';
import { DEFAULT_SPEC, openSpec, outputFolder, stemOf } from './spec.ts';
import { expandGlob, isGlob } from './specGlob.ts';
import { count } from './validate.ts';

interface SeveralArguments {
  /** Specs, their folders, or patterns that name them. */
  readonly specs?: readonly string[] | undefined;
  readonly out?: string | undefined;
  /** Revision since which a spec must have changed to be looked at. */
  readonly 'changed-since'?: string | undefined;
  /** With what a spec is compared in place of its files. */
  readonly base?: string | undefined;
  readonly format: Format;
}

type Run = (
  args: { readonly spec: string | undefined; readonly out: string | undefined },
  io: Io,
) => Status | Promise<Status>;

/** Runs a command for each spec. Prints one report of all, and returns the worst status. */
export async function several(command: string, args: SeveralArguments, io: Io, run: Run): Promise<Status> {
  const { specs: named = [], out, 'changed-since': since, format, base } = args;
  const isPlain = since === undefined && !named.some(isGlob);
  if (isPlain && named.length <= 1) return run({ spec: named[0], out }, io);
  const outOf = (one: string) => (out === undefined ? undefined : join(out, folderOf(one)));
  const stop = (diagnostics: readonly Diagnostic[]) =>
    print({ command, status: 2, diagnostics, asked: 'changes' }, format, io);
  const { value: specs, diagnostics } = namedBy(named.length === 0 ? [DEFAULT_SPEC] : named);
  if (!specs) return stop(diagnostics);
  // All specs are opened first, so that a misspelt name is reported before anything is written.
  const opened = specs.map((one) => (one === '-' ? ok(STDIN) : openSpec(one, io)));
  const problems = opened.flatMap(({ diagnostics: found }) => found);
  const folders = opened.map(({ value }, index) => value && outputFolder(outOf(specs[index] ?? ''), value));
  const twice = folders.find((folder, index) => folder !== undefined && folders.indexOf(folder) < index);
  if (twice !== undefined && (command === 'generate' || out !== undefined))
    problems.push(commandCodes.report('same-folder', [], { folder: twice }));
  if (hasError(problems)) return stop(problems);
  const onDisk = command === 'generate' || (command === 'diff' && base === undefined);
  const outputOf = (one: string) => (onDisk ? folders[specs.indexOf(one)] : undefined);
  const chosen = since === undefined ? ok(specs) : changedSince(specs, { revision: since, outputOf }, io);
  if (!chosen.value) return stop(chosen.diagnostics);
  const reports: Report[] = [];
  for (const one of chosen.value) {
    const collect = (report: Report) => void reports.push({ ...report, spec: one });
    await run({ spec: one, out: outOf(one) }, { ...io, collect });
  }
  if (reports.length > 0) return printAll(reports, format, io);
  const summary = `nothing to do: no file of ${count(specs.length, 'spec')} has changed since git:${since}`;
  return printNone(command, summary, format, io);
}

/** Returns the specs that arguments name, each where it is named first. */
function namedBy(names: readonly string[]): Result<readonly string[]> {
  const found: string[] = [];
  for (const name of names) {
    try {
      const specs = isGlob(name) ? expandGlob(name) : [name];
      if (specs.length === 0) return failed([commandCodes.report('nothing-named', [], {}, placed(name))]);
      found.push(...specs);
    } catch (error) {
      return failed([commandCodes.report('unreadable-spec', [], { problem: systemProblem(error) }, placed(name))]);
    }
  }
  return ok(names.some(isGlob) ? [...new Set(found)] : found);
}

/** Stands for the spec from standard input, which can be read only once. */
const STDIN = { name: '<stdin>', folder: '.' };

/** Returns the name of a spec's output folder: the name of its file, or of its folder if the file is `postern.yaml`. */
function folderOf(spec: string): string {
  const stem = stemOf(spec);
  return stem === undefined ? basename(dirname(resolve(spec))) : stem;
}
