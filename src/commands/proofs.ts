import { basename } from 'node:path';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { proveCodes } from '../prove/codes.ts';
import { compareFiles } from '../prove/files.ts';
import type { FilePlace } from '../prove/model.ts';
import { compareNames } from '../prove/names.ts';
import { comparePulls } from '../prove/pulls.ts';
import { shownQuestion, shownRequest } from '../prove/witness.ts';
import { asBytes } from '../source/decode.ts';
import type { Spec } from '../spec/schema.ts';
import { nodesOf } from '../targets/clients.ts';
import { targets } from '../targets/index.ts';
import type { ReadBack, ReadFile, ReadFileText, Target } from '../targets/target.ts';
import { type Confirmation, confirm } from '../verify/confirm.ts';
import { confirmName } from '../verify/confirmNames.ts';
import { findProgram, isRunnable, type RunnableTarget } from '../verify/engines.ts';
import type { Status } from './io.ts';
import { fileOf, relatedOf, rowField, rowsToShow, type Shown } from './proofRows.ts';
import type { ProofOutcome } from './report.ts';
import { count } from './validate.ts';

export type Provable = Target & { readonly readBack: ReadBack };

export function isProvable(target: Target): target is Provable {
  return target.readBack !== undefined;
}

/** Returns the files of a capture of what runs; `undefined` where the target's captures are none. */
export function capturedFiles(
  file: string,
  text: string,
  { name, printed, readBack }: Provable,
): ReadFileText[] | undefined {
  if (readBack.decides !== 'requests') return [{ path: `${name}/${basename(file)}`, text }];
  return printed?.(text)?.map(({ path, text: own }) => ({ path: `${name}/${basename(path)}`, text: own }));
}

/** Says that no target of a spec can be proved. */
export function nothingToProve(): Diagnostic {
  return proveCodes.report('no-target', ['targets'], { known: targets.filter(isProvable).map(({ name }) => name) });
}

/** What is said about the files of one proxy, or about those of a target as a whole. */
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
  readonly spec: Spec;
  /** Reads files that the options of targets name. */
  readonly readFile: ReadFile;
  /** What the spec generates: rows of `files` that are not among them are those that decide otherwise. */
  readonly generated?: readonly ReadFileText[] | undefined;
  /** What was named in place of the files below the output folder. */
  readonly from?: string | undefined;
  /** Where differences are tried on the engine of the target: the environment that names its program. */
  readonly engines?: NodeJS.ProcessEnv | undefined;
}

/** Compares the files of a target with what the spec says, whatever is asked. */
export async function proveTarget(input: ProofInput): Promise<Proof[]> {
  const { readBack } = input.target;
  switch (readBack.decides) {
    case 'requests': {
      const proofs: Proof[] = [];
      for (const proxy of input.policy.proxies) proofs.push(await requestProof(proxy, readBack, input));
      return proofs;
    }
    case 'names':
      return [await nameProof(readBack, input)];
    case 'pulls':
      return [pullProof(readBack, input)];
  }
}

/** Compares files that may not be on disk with what the spec says: those of these targets that can be read back. */
export async function proveWritten(
  { policy, spec, readFile }: Pick<ProofInput, 'policy' | 'spec' | 'readFile'>,
  written: readonly ReadFileText[],
  names: readonly string[] = Object.keys(spec.targets ?? {}),
): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for (const target of targets.filter(isProvable).filter(({ name }) => names.includes(name))) {
    const own = written.filter(({ path }) => path.startsWith(`${target.name}/`));
    const files = own.map(({ path, text }) => ({ path, text: asBytes(text) }));
    proofs.push(...(await proveTarget({ target, policy, files, spec, readFile })));
  }
  return proofs;
}

type Reader<Decides> = Extract<ReadBack, { readonly decides: Decides }>;

async function requestProof(proxy: Proxy, { read }: Reader<'requests'>, input: ProofInput): Promise<Proof> {
  const { policy, target, files, generated, from, engines } = input;
  const about = { target: target.name, decides: 'requests', proxy: proxy.id } as const;
  const result = compareFiles(policy, proxy, { files, read });
  if (result.kind === 'unknown') return unknown(about, { problem: result.problem, at: proxy.origin, from });
  if (result.kind === 'proved') {
    const { targets, ways } = result;
    const line = `proved for all requests (${targets} kinds of target, ${ways} ways through)`;
    return proved(about, line, { targets, ways });
  }
  const { difference, others } = result;
  const doubt = { policy, proxy, files, difference, others };
  const tried = engines && (await onEngine(input, (program) => confirm({ target, program, ...doubt })));
  const shown = tried?.difference ?? difference;
  const { request, decision, place, what } = shown;
  const by = rowsToShow(shown, { proxy, files, generated });
  return differs(about, { what, place, by, at: decision.at, show: shownRequest(request, proxy), tried }, files);
}

async function nameProof(readBack: Reader<'names'>, input: ProofInput): Promise<Proof> {
  const { policy, target, files, from, engines } = input;
  const about = { target: target.name, decides: 'names' } as const;
  const result = compareNames(policy, () => readBack.read(files, policy));
  if (result.kind === 'unknown') return unknown(about, { problem: result.problem, at: ['targets', target.name], from });
  if (result.kind === 'proved') {
    const { names, kinds } = result;
    return proved(about, `proved for all names (${names} one by one, ${count(kinds, 'kind')} of others)`, {
      names,
      kinds,
    });
  }
  const { difference } = result;
  const { what, place, at } = difference;
  const tried =
    engines &&
    (await onEngine(input, (program, runnable) =>
      confirmName(difference, { target: runnable, readBack, program, policy, files }),
    ));
  return differs(about, { what, place, at, show: shownQuestion(difference), tried }, files);
}

function pullProof({ read }: Reader<'pulls'>, { policy, target, files, from, spec, readFile }: ProofInput): Proof {
  const about = { target: target.name, decides: 'pulls' } as const;
  const wanted = nodesOf(policy, spec, readFile).filter((nodes) => nodes.target === target.name);
  const result = comparePulls(wanted, () => read(files));
  if (result.kind === 'unknown') return unknown(about, { problem: result.problem, at: ['targets', target.name], from });
  if (result.kind === 'proved') {
    const { registries } = result;
    return proved(about, `proved for all registries (${registries} told apart)`, { registries });
  }
  const { registry, what, place, at } = result.difference;
  return differs(about, { what, place, at, show: `pull ${registry}/image` }, files);
}

type About = Pick<ProofOutcome, 'target' | 'decides' | 'proxy'>;

/** Returns what is proved, for people: a proxy, or all that a target leads. */
export function aboutWords({ decides, proxy }: About): string {
  return proxy === undefined ? decides : `proxy ${proxy}`;
}

function proved(about: About, words: string, numbers: Partial<ProofOutcome>): Proof {
  const line = `${about.target}: ${aboutWords(about)}: ${words}`;
  return { status: 0, line, outcome: { ...about, result: 'proved', ...numbers } };
}

interface Unknown {
  readonly problem: string;
  readonly at: SpecPath;
  readonly from: string | undefined;
}

function unknown(about: About, { problem, at, from }: Unknown): Proof {
  const diagnostic = proveCodes.report('cannot-tell', at, {
    target: about.target,
    about: aboutWords(about),
    from,
    problem,
  });
  return { status: 2, diagnostic, outcome: { ...about, result: 'unknown', problem } };
}

interface Found {
  readonly what: string;
  readonly place: FilePlace;
  readonly by?: Shown;
  /** Place in the spec. */
  readonly at: SpecPath;
  /** What shows it, for people. */
  readonly show: string;
  readonly tried?: Confirmation | undefined;
}

function differs(
  about: About,
  { what, place, by: { rows, asked } = { rows: [] }, at, show, tried }: Found,
  files: readonly ReadFileText[],
): Proof {
  const isHere = asked !== undefined && isSame(asked, at);
  const where = [place.what, ...(isHere ? [`${NO_ROW} it`] : []), ...(tried ? [tried.told] : [])].join('; ');
  const words = { target: about.target, about: aboutWords(about), what, show, place: where };
  const diagnostic = proveCodes.report('difference', at, words, {
    related: [
      ...(asked && !isHere ? [{ at: asked, message: `${NO_ROW} this` }] : []),
      ...rows.flatMap((row) => relatedOf(row, files, { at, message: 'by this row' })),
      ...relatedOf(place, files, { at, message: 'decided here' }),
    ],
  });
  const file = fileOf(place, files)?.path ?? place.file;
  const difference = {
    what,
    request: show,
    file,
    line: place.line,
    decidedAt: at,
    ...(rows.length > 0 && { rows: rows.map((row) => rowField(row, files)) }),
    ...(asked && { missing: asked }),
    ...(tried && { tried: { result: tried.result, told: tried.told } }),
  };
  return { status: 1, diagnostic, outcome: { ...about, result: 'differs', difference } };
}

/** What is said of a rule of the spec. */
export const NO_ROW = 'no row is there for';

function isSame(one: SpecPath, other: SpecPath): boolean {
  return one.join('\n') === other.join('\n');
}

/** Tries a difference on the engine of a target, if it is on this machine. */
async function onEngine(
  { target, engines = {} }: ProofInput,
  attempt: (program: string, target: RunnableTarget) => Promise<Confirmation>,
): Promise<Confirmation> {
  const program = isRunnable(target) ? findProgram(target, engines) : undefined;
  if (program === undefined || !isRunnable(target))
    return { result: 'untried', told: `not tried: ${target.name} is not on this machine` };
  return attempt(program, target);
}
