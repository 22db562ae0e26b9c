import { compileCodes } from '../compile.ts';
import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed, systemProblem } from '../output/disk.ts';
import type { Policy } from '../policy/types.ts';
import { asBytes, decodeSource } from '../source/decode.ts';
import { readBytes } from '../source/read.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import type { LiveText, ReadFile, ReadFileText, Target } from '../targets/target.ts';
import { diffCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument } from './spec.ts';
import { count } from './validate.ts';

export interface LiveArguments {
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly live: readonly string[];
  readonly format: Format;
}

/** Compares captures of what runs with what the spec generates. */
export async function diffLive({ spec: argument, live, format }: LiveArguments, io: Io): Promise<Status> {
  const { source, document, spec, policy, files, diagnostics } = compileArgument(argument, io);
  const report = { command: 'diff', document, asked: 'diagnostics' as const };
  if (!source || !spec || !policy || !files) return print({ ...report, status: 2, diagnostics }, format, io);
  const problems: Diagnostic[] = [];
  const drift: Diagnostic[] = [];
  const beside: Diagnostic[] = [];
  let foreign = 0;
  for (const text of live) {
    const captured = capture(text, io);
    problems.push(...captured.diagnostics);
    if (!captured.value) continue;
    const name = captured.value.target;
    const target = targets.find((each) => each.name === name);
    if (!target?.live || spec.targets?.[name] === undefined) {
      const known = Object.keys(spec.targets ?? {});
      problems.push(compileCodes.report('unknown-target', ['targets'], { target: name, known }));
      continue;
    }
    const own = files.filter((file) => file.target === name);
    const options = { options: spec.targets[name], at: ['targets', name] };
    const expected = { target: name, policy, ...options, files: own, read: source.read };
    const compared = target.live(captured.value, expected);
    problems.push(...compared.diagnostics);
    drift.push(...(compared.value?.drift ?? []));
    beside.push(...(compared.value?.foreign ?? []));
    foreign += compared.value?.foreign.length ?? 0;
    if ((compared.value?.drift ?? []).length > 0)
      beside.push(...(await shownBy(captured.value, target, { policy, spec, readFile: source.read, generated: own })));
  }
  const status = hasError(problems) ? 2 : drift.length > 0 ? 1 : 0;
  const others = foreign === 0 ? '' : `, ${count(foreign, 'foreign part')} beside ours`;
  const summary = `${drift.length === 0 ? 'in sync with what runs' : count(drift.length, 'difference')}${others}`;
  const all = [...diagnostics, ...problems, ...drift, ...beside];
  return print({ ...report, status, diagnostics: all, ...(status !== 2 && { summary }) }, format, io);
}

interface Against {
  readonly policy: Policy;
  readonly spec: Spec;
  readonly readFile: ReadFile;
  readonly generated: readonly ReadFileText[];
}

/** Says what the differences of a capture open or close, by what shows it, where its files can be read back. */
async function shownBy({ name, text }: LiveText, target: Target, against: Against): Promise<Diagnostic[]> {
  const { aboutWords, capturedFiles, isProvable, NO_ROW, proveTarget } = await import('./proofs.ts');
  if (!isProvable(target)) return [];
  const files = capturedFiles(name, asBytes(text), target);
  if (!files) return [];
  const proofs = await proveTarget({ target, files, ...against });
  return proofs.map(({ diagnostic, outcome }) => {
    const about = { target: outcome.target, about: aboutWords(outcome) };
    const { difference, problem } = outcome;
    const at = diagnostic?.at ?? ['targets', outcome.target];
    if (problem !== undefined) return diffCodes.report('not-shown', at, { ...about, problem });
    if (!difference) return diffCodes.report('same-decisions', at, about);
    const { what, request: show, missing } = difference;
    // Those without a place of their own are of the spec.
    const rows = (diagnostic?.related ?? []).filter(({ place }) => place);
    const related = [...(missing ? [{ at: missing, message: `${NO_ROW} this` }] : []), ...rows];
    return diffCodes.report('shown-by', at, { ...about, what, show }, { related });
  });
}

/** Reads a capture: `TARGET=FILE`, or `TARGET=-` for standard input. */
function capture(text: string, io: Io): Result<LiveText & { readonly target: string }> {
  const [, target = '', file = ''] = /^([^=]*)=(.+)$/s.exec(text) ?? [];
  const known = targets.filter(({ live }) => live).map(({ name }) => name);
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
