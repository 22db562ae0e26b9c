import { join } from 'node:path';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import { proveCodes } from '../prove/codes.ts';
import { proveFiles } from '../prove/files.ts';
import { ASSUMPTIONS } from '../prove/witness.ts';
import { readBytes } from '../source/read.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import type { ReadBack, ReadFileText } from '../targets/target.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument, outputFolder } from './spec.ts';

export interface ProveArguments {
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly engine?: readonly string[] | undefined;
  readonly format: Format;
}

interface Provable {
  readonly name: string;
  readonly readBack: ReadBack;
}

/** Compares the generated files on disk with the spec, for all possible requests of each proxy. */
export async function prove({ spec: argument, out, engine, format }: ProveArguments, io: Io): Promise<Status> {
  const compiled = compileArgument(argument, io);
  const { source, document, spec, policy, files, diagnostics } = compiled;
  const report = { command: 'prove', document, asked: 'diagnostics' as const };
  if (!source || !policy || !spec || !files || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics }, format, io);
  const chosen = choose(engine, spec);
  if ('problem' in chosen)
    return print({ ...report, status: 2, diagnostics: [...diagnostics, chosen.problem] }, format, io);
  const folder = outputFolder(out, source);
  const proofs = chosen.targets.flatMap((target) => {
    const paths = files.filter(({ path }) => path.startsWith(`${target.name}/`)).map(({ path }) => path);
    return proveTarget(target, policy, { paths, folder });
  });
  const status = worstOf(proofs);
  const found = proofs.flatMap(({ diagnostic }) => diagnostic ?? []);
  const proved = proofs.flatMap(({ line }) => line ?? []);
  const assumed = proved.length === 0 ? [] : ['assumed:', ...ASSUMPTIONS.map((text) => `  ${text}`)];
  const summary = [...proved, ...assumed].join('\n');
  return print({ ...report, status, diagnostics: [...diagnostics, ...found], summary }, format, io);
}

interface Proof {
  readonly status: Status;
  readonly diagnostic?: Diagnostic;
  /** The proved statement, for the summary. */
  readonly line?: string;
}

/** Returns the worst status. A difference (1) counts more than an unknown (2); no proof at all is unknown. */
function worstOf(proofs: readonly Proof[]): Status {
  const statuses = new Set(proofs.map(({ status }) => status));
  return statuses.has(1) ? 1 : statuses.has(2) || proofs.length === 0 ? 2 : 0;
}

function choose(
  asked: readonly string[] | undefined,
  spec: Spec,
): { targets: readonly Provable[] } | { problem: Diagnostic } {
  const provable = targets.flatMap(({ name, readBack }) => (readBack ? [{ name, readBack }] : []));
  const known = provable.map(({ name }) => name);
  const unknown = asked?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    return { problem: proveCodes.report('unknown-engine', ['targets'], { engine: unknown, known }) };
  if (Object.keys(spec.proxies ?? {}).length === 0) return { problem: proveCodes.report('no-proxy', ['name'], {}) };
  const wanted = provable.filter(({ name }) => spec.targets?.[name] !== undefined && (asked?.includes(name) ?? true));
  if (wanted.length === 0) return { problem: proveCodes.report('no-target', ['targets'], { known }) };
  return { targets: wanted };
}

interface Written {
  readonly paths: readonly string[];
  readonly folder: string;
}

function proveTarget({ name: target, readBack }: Provable, policy: Policy, { paths, folder }: Written): Proof[] {
  const texts: ReadFileText[] = [];
  for (const path of paths) {
    const found = readFile(join(folder, path));
    if (found === undefined)
      return [{ status: 2, diagnostic: proveCodes.report('not-there', ['targets', target], { target, file: path }) }];
    texts.push({ path, text: found });
  }
  return proveFiles(policy, texts, readBack).map((proof): Proof => {
    const { proxy } = proof;
    if (proof.kind === 'proved') {
      const size = `${proof.targets} kinds of target, ${proof.ways} ways through`;
      return { status: 0, line: `${target}: proxy ${proxy}: proved for all requests (${size})` };
    }
    if (proof.kind === 'unknown')
      return {
        status: 2,
        diagnostic: proveCodes.report('cannot-tell', proof.at, { target, proxy, problem: proof.problem }),
      };
    const { what, place, request: show, at } = proof;
    return { status: 1, diagnostic: proveCodes.report('difference', at, { target, proxy, what, place, show }) };
  });
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
