import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { replaceFile } from '../output/write.ts';
import type { Policy } from '../policy/types.ts';
import { proveCodes } from '../prove/codes.ts';
import { CannotTell } from '../prove/explore.ts';
import { ASSUMPTIONS } from '../prove/witness.ts';
import { readBytes } from '../source/read.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import type { ReadFileText } from '../targets/target.ts';
import { commandCodes, diffCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { capturedFiles, isProvable, nothingToProve, type Proof, type Provable, proveTarget } from './proofs.ts';
import { compileArgument, outputFolder } from './spec.ts';

export interface ProveArguments {
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly engine?: readonly string[] | undefined;
  /** `TARGET=FILE`: what runs, in place of the files below the output folder. */
  readonly live?: readonly string[] | undefined;
  /** Whether differences are tried on the engines of this machine. */
  readonly confirm?: boolean | undefined;
  /** File to write a certificate to. */
  readonly certificate?: string | undefined;
  readonly format: Format;
}

/** Compares the generated files on disk, or those that run, with the spec, whatever is asked of them. */
export async function prove(args: ProveArguments, io: Io): Promise<Status> {
  const { spec: argument, out, engine, live = [], confirm = false, certificate, format } = args;
  const compiled = compileArgument(argument, io);
  const { source, document, spec, policy, files, diagnostics } = compiled;
  const report = { command: 'prove', document, asked: 'diagnostics' as const };
  if (!source || !policy || !spec || !files || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics }, format, io);
  const misused = misuse(live, engine);
  if (misused.length > 0) return print({ ...report, status: 2, diagnostics: [...diagnostics, ...misused] }, format, io);
  const chosen = choose(live.length > 0 ? live.map(targetOf) : engine, spec);
  if ('problem' in chosen)
    return print({ ...report, status: 2, diagnostics: [...diagnostics, chosen.problem] }, format, io);
  const folder = outputFolder(out, source);
  const certified = chosen.targets.filter(hasCertificate);
  const found: Diagnostic[] = certificate === undefined ? [] : oneCertificate(certified);
  const proofs: Proof[] = [];
  for (const target of chosen.targets) {
    const running = live.find((each) => each.startsWith(`${target.name}=`))?.slice(target.name.length + 1);
    const own = files.filter(({ path }) => path.startsWith(`${target.name}/`)).map(({ path }) => path);
    const texts = running === undefined ? readAll(own, folder) : readLive(running, target, io);
    if ('missing' in texts) {
      const params = { target: target.name, file: texts.missing, isLive: running !== undefined };
      found.push(proveCodes.report('not-there', ['targets', target.name], params));
      continue;
    }
    const engines = confirm ? io.env : undefined;
    const asked = { policy, spec, readFile: source.read, generated: files, from: running, engines };
    const ofTarget = await proveTarget({ ...asked, target, files: texts });
    proofs.push(...ofTarget);
    if (certificate !== undefined && certified.length === 1 && ofTarget.every((each) => each.status === 0))
      found.push(...writeCertificate(certificate, { target, policy, files: texts }));
  }
  const status = found.length > 0 ? worstOf([...proofs, { status: 2 }]) : worstOf(proofs);
  const proved = proofs.flatMap(({ line }) => line ?? []);
  const kinds = new Set(proofs.flatMap(({ line, outcome }) => (line === undefined ? [] : outcome.decides)));
  const assumed = [...kinds].flatMap((kind) => [
    `assumed about ${kind}:`,
    ...ASSUMPTIONS[kind].map((text) => `  ${text}`),
  ]);
  return print(
    {
      ...report,
      status,
      diagnostics: [...diagnostics, ...found, ...proofs.flatMap(({ diagnostic }) => diagnostic ?? [])],
      summary: [...proved, ...assumed].join('\n'),
      proofs: proofs.map(({ outcome }) => outcome),
    },
    format,
    io,
  );
}

/** `nginx=FILE` → "nginx". */
const targetOf = (text: string) => text.split('=', 1)[0] ?? '';

/** What is proved has to be all that was named, and of each target one thing is proved. */
function misuse(live: readonly string[], engine: readonly string[] | undefined): Diagnostic[] {
  if (live.length > 0 && engine !== undefined)
    return [commandCodes.report('no-meaning', [], { option: '--engine', mode: '--live' })];
  const known = targets.filter(isProvable).map(({ name }) => name);
  return live.flatMap((text, index) => {
    const isFirst = live.findIndex((other) => targetOf(other) === targetOf(text)) === index;
    const problem = !/=./s.test(text) ? 'names no file' : isFirst ? undefined : `names "${targetOf(text)}" once more`;
    return problem === undefined ? [] : [diffCodes.report('bad-live', [], { text, problem, known })];
  });
}

const hasCertificate = ({ readBack }: Provable) => readBack.decides === 'requests' && readBack.certify !== undefined;

/** A file holds the certificate of one engine: reports where there are none, or several. */
function oneCertificate(certified: readonly Provable[]): Diagnostic[] {
  if (certified.length === 1) return [];
  const names = certified.map(({ name }) => name).join(' and ');
  const problem =
    certified.length === 0
      ? 'the files of nginx or Caddy are not among those that are proved'
      : `${names} are proved, and a file holds the certificate of one; choose it by "--engine"`;
  return [proveCodes.report('no-certificate', ['targets'], { problem })];
}

/** Writes down what proved files decide. Targets that decide no requests have no certificate, and are passed over. */
function writeCertificate(
  file: string,
  {
    target,
    policy,
    files,
  }: { readonly target: Provable; readonly policy: Policy; readonly files: readonly ReadFileText[] },
): readonly Diagnostic[] {
  const { readBack } = target;
  if (readBack.decides !== 'requests' || !readBack.certify) return [];
  try {
    return replaceFile(file, `${JSON.stringify(readBack.certify(policy, files), undefined, 1)}\n`);
  } catch (error) {
    if (!(error instanceof CannotTell)) throw error;
    return [proveCodes.report('no-certificate', ['targets', target.name], { problem: error.message })];
  }
}

/** Returns the worst status. A difference (1) counts more than an unknown (2); no proof at all is unknown. */
function worstOf(proofs: readonly Pick<Proof, 'status'>[]): Status {
  const statuses = new Set(proofs.map(({ status }) => status));
  return statuses.has(1) ? 1 : statuses.has(2) || proofs.length === 0 ? 2 : 0;
}

function choose(
  asked: readonly string[] | undefined,
  spec: Spec,
): { targets: readonly Provable[] } | { problem: Diagnostic } {
  const provable = targets.filter(isProvable);
  const known = provable.map(({ name }) => name);
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    return { problem: proveCodes.report('unknown-engine', ['targets'], { engine: unknown, known }) };
  const wanted = provable.filter(({ name }) => spec.targets?.[name] !== undefined && (asked?.includes(name) ?? true));
  if (wanted.length === 0) return { problem: nothingToProve() };
  const hasProxies = Object.keys(spec.proxies ?? {}).length > 0;
  const decided = wanted.filter(({ readBack }) => hasProxies || readBack.decides !== 'requests');
  if (decided.length === 0) return { problem: proveCodes.report('no-proxy', ['name'], {}) };
  return { targets: decided };
}

type Texts = readonly ReadFileText[] | { readonly missing: string };

function readAll(paths: readonly string[], folder: string): Texts {
  const texts: ReadFileText[] = [];
  for (const path of paths) {
    const text = readFile(join(folder, path));
    if (text === undefined) return { missing: path };
    texts.push({ path, text });
  }
  return texts;
}

/**
 * Reads a file and those beside it, which a proxy may include; or what the engine prints of all that it has read. Other
 * programs have one file.
 */
function readLive(file: string, target: Provable, io: Io): Texts {
  const text = file === '-' ? Buffer.from(io.readStdin()).toString('latin1') : readFile(file);
  if (text === undefined) return { missing: file };
  const captured = capturedFiles(file, text, target);
  if (captured) return captured;
  if (file === '-') return [];
  const folder = dirname(file);
  return namesIn(folder, file).flatMap((each) => {
    const own = readFile(join(folder, each));
    return own === undefined ? [] : [{ path: `${target.name}/${each}`, text: own }];
  });
}

/** All that is in the folder of a file, which somebody who may read the file may not be allowed to list. */
function namesIn(folder: string, file: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [basename(file)];
  }
}

/** Reads a file as Latin-1, so that each character is one byte, as in engines. */
function readFile(path: string): string | undefined {
  try {
    const found = readBytes(path);
    return 'problem' in found ? undefined : Buffer.from(found.bytes).toString('latin1');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
