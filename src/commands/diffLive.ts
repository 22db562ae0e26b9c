import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { liveTargets } from '../drift/index.ts';
import type { LiveText } from '../drift/live.ts';
import { outputCodes } from '../output/codes.ts';
import { placed, systemProblem } from '../output/disk.ts';
import { decodeSource } from '../source/decode.ts';
import { readBytes } from '../source/read.ts';
import { commandCodes } from './codes.ts';
import { diffCodes } from './diffCodes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './report.ts';
import { compileArgument, outputFolder } from './spec.ts';
import { count } from './validate.ts';

export interface LiveArguments {
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly live: readonly string[];
  readonly format: Format;
}

/** Whether what runs is what the spec makes. */
export function diffLive({ spec: argument, out, live, format }: LiveArguments, io: Io): Status {
  const { source, document, spec, policy, files, diagnostics } = compileArgument(argument, io);
  const report = { command: 'diff', document, asked: 'diagnostics' as const };
  if (!source || !spec || !policy || !files) return print({ ...report, status: 2, diagnostics }, format, io);
  const problems: Diagnostic[] = [];
  const drift: Diagnostic[] = [];
  const foreign: Diagnostic[] = [];
  for (const text of live) {
    const captured = capture(text, io);
    problems.push(...captured.diagnostics);
    if (!captured.value) continue;
    const { target } = captured.value;
    const compare = liveTargets[target];
    if (!compare || spec.targets?.[target] === undefined) {
      problems.push(
        commandCodes.report('unknown-target', ['targets'], { target, known: Object.keys(spec.targets ?? {}) }),
      );
      continue;
    }
    const own = files.filter((file) => file.target === target);
    const { read } = source;
    const folder = outputFolder(out, source);
    const expected = { target, policy, options: spec.targets[target], files: own, folder, read };
    const compared = compare(captured.value, expected);
    problems.push(...compared.diagnostics);
    drift.push(...(compared.value?.drift ?? []));
    foreign.push(...(compared.value?.foreign ?? []));
  }
  const status = hasError(problems) ? 2 : drift.length > 0 ? 1 : 0;
  const beside = foreign.length === 0 ? '' : `, ${count(foreign.length, 'foreign part')} beside ours`;
  const summary = `${drift.length === 0 ? 'in sync with what runs' : count(drift.length, 'difference')}${beside}`;
  const all = [...diagnostics, ...problems, ...drift, ...foreign];
  return print({ ...report, status, diagnostics: all, ...(status !== 2 && { summary }) }, format, io);
}

/** `TARGET=FILE`, or `TARGET=-` for standard input. */
function capture(text: string, io: Io): Result<LiveText & { readonly target: string }> {
  const [, target = '', file = ''] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  const known = Object.keys(liveTargets);
  const refuse = (problem: string) => failed([diffCodes.report('bad-live', [], { text, problem, known })]);
  if (file === '') return refuse('names no file');
  if (!known.includes(target)) return refuse(`"${target}" cannot be compared live`);
  const name = file === '-' ? 'standard input' : file;
  const unreadable = (problem: string) => {
    const hint = `name the file that holds what runs of ${target}, or - for standard input`;
    return failed([outputCodes.report('unreadable', [], { problem }, { ...placed(file), hint })]);
  };
  try {
    const found = file === '-' ? { bytes: io.readStdin() } : readBytes(file, { pipes: true });
    if ('problem' in found) return unreadable(found.problem);
    const { value, diagnostics } = decodeSource(name, found.bytes);
    return value ? ok({ ...value, target }) : failed(diagnostics);
  } catch (error) {
    return unreadable(systemProblem(error));
  }
}
