import type { Diagnostic, Related, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { proveCodes } from '../prove/codes.ts';
import type { Difference } from '../prove/compare.ts';
import { compareFiles } from '../prove/files.ts';
import type { FilePlace } from '../prove/model.ts';
import { shownRequest } from '../prove/witness.ts';
import { targets } from '../targets/index.ts';
import type { ReadBack, ReadFileText, Target } from '../targets/target.ts';
import { type Confirmation, confirm } from '../verify/confirm.ts';
import { findProgram, isRunnable } from '../verify/engines.ts';
import type { Status } from './io.ts';
import type { ProofOutcome } from './report.ts';

export type Provable = Target & { readonly readBack: ReadBack };

export function isProvable(target: Target): target is Provable {
  return target.readBack !== undefined;
}

/** Says that no target of a spec can be proved. */
export function nothingToProve(): Diagnostic {
  return proveCodes.report('no-target', ['targets'], { known: targets.filter(isProvable).map(({ name }) => name) });
}

/** What is said about the files of one proxy. */
export interface Proof {
  readonly status: Status;
  readonly diagnostic?: Diagnostic;
  /** The proved statement, for the summary. */
  readonly line?: string;
  readonly outcome: ProofOutcome;
}

export interface ProofInput {
  readonly target: Provable;
  readonly policy: Policy;
  readonly files: readonly ReadFileText[];
  /** What was named in place of the files below the output folder. */
  readonly from?: string | undefined;
  /** Where differences are tried on the engine of the target: the environment that names its program. */
  readonly engines?: NodeJS.ProcessEnv | undefined;
}

/** Compares the files of a target with what the spec says, for all requests of each proxy. */
export async function proveTarget(input: ProofInput): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for (const proxy of input.policy.proxies) proofs.push(await proofOf(proxy, input));
  return proofs;
}

/** Compares files that may not be on disk with what the spec says: those of these targets that can be read back. */
export async function proveWritten(
  policy: Policy,
  written: readonly ReadFileText[],
  names: readonly string[],
): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for (const target of targets.filter(isProvable).filter(({ name }) => names.includes(name))) {
    const own = written.filter(({ path }) => path.startsWith(`${target.name}/`));
    // Engines read bytes: each character is one.
    const files = own.map(({ path, text }) => ({ path, text: Buffer.from(text, 'utf8').toString('latin1') }));
    proofs.push(...(await proveTarget({ target, policy, files })));
  }
  return proofs;
}

async function proofOf(proxy: Proxy, input: ProofInput): Promise<Proof> {
  const { policy, target, files, from } = input;
  const about = { target: target.name, proxy: proxy.id };
  const result = compareFiles(policy, proxy, { files, read: target.readBack });
  if (result.kind === 'unknown') {
    const diagnostic = proveCodes.report('cannot-tell', proxy.origin, { ...about, from, problem: result.problem });
    return { status: 2, diagnostic, outcome: { ...about, result: 'unknown', problem: result.problem } };
  }
  if (result.kind === 'proved') {
    const { targets, ways } = result;
    const line = `${about.target}: proxy ${about.proxy}: proved for all requests (${targets} kinds of target, ${ways} ways through)`;
    return { status: 0, line, outcome: { ...about, result: 'proved', targets, ways } };
  }
  const { request, decision, place, what } = result.difference;
  const tried = input.engines && (await confirmed(proxy, result.difference, { ...input, engines: input.engines }));
  const show = shownRequest(request, proxy);
  const where = tried ? `${place.what}; ${tried.told}` : place.what;
  const related = relatedOf(place, files, decision.at);
  const diagnostic = proveCodes.report('difference', decision.at, { ...about, what, show, place: where }, { related });
  const { file, line } = place;
  const found = { what, request: show, file: pathOf(file, files), line, decidedAt: decision.at };
  return {
    status: 1,
    diagnostic,
    outcome: { ...about, result: 'differs', difference: { ...found, ...(tried && { tried }) } },
  };

  function pathOf(name: string, all: readonly ReadFileText[]): string {
    return all.find(({ path }) => path.replace(/^.*\//, '') === name)?.path ?? name;
  }
}

/** The line of the file that decides otherwise, beside that of the spec. */
function relatedOf({ file, line }: FilePlace, files: readonly ReadFileText[], at: SpecPath): Related[] {
  const found = files.find(({ path }) => path.replace(/^.*\//, '') === file);
  if (!found) return [];
  const { path, text } = found;
  const start = text
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, each) => sum + each.length + 1, 0);
  const first = start + (/\S/.exec(text.slice(start))?.index ?? 0);
  const end = first + (/^[^\n]{0,40}/.exec(text.slice(first))?.[0] ?? '').length;
  return [{ at, message: 'decided here', place: { file: path, text, start: first, end } }];
}

async function confirmed(
  proxy: Proxy,
  difference: Difference,
  { target, policy, files, engines }: ProofInput & { readonly engines: NodeJS.ProcessEnv },
): Promise<Confirmation> {
  const program = isRunnable(target) ? findProgram(target, engines) : undefined;
  if (program === undefined) return { result: 'untried', told: `not tried: ${target.name} is not on this machine` };
  return confirm({ target, program, policy, proxy, files, difference });
}
