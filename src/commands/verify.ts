import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import { verifyCodes } from '../verify/codes.ts';
import { findProgram, isRunnable, programVariable, type RunnableTarget } from '../verify/engines.ts';
import { type Shard, WHOLE } from '../verify/probes/generate.ts';
import { openScope } from '../verify/scope.ts';
import { verifyTarget } from '../verify/verify.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument, type OpenSpec } from './spec.ts';
import { count } from './validate.ts';

export interface VerifyArguments {
  readonly spec?: string | undefined;
  readonly engine?: readonly string[] | undefined;
  readonly requests: number;
  readonly seed?: string | undefined;
  readonly shard?: Shard | undefined;
  readonly patience?: boolean | undefined;
  readonly format: Format;
}

/** Tests the generated files on the real engines of this machine. */
export async function verify(
  { spec: argument, engine, requests, seed = '1', shard = WHOLE, patience, format }: VerifyArguments,
  io: Io,
): Promise<Status> {
  const compiled = compileArgument(argument, io);
  const { source, document, spec, policy, diagnostics } = compiled;
  const report = { command: 'verify', document };
  if (!source || !policy || !spec || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  const chosen = chooseEngines(engine, spec, io);
  const missing = [...diagnostics, ...chosen.diagnostics];
  if (chosen.engines.length === 0)
    return print({ ...report, status: 2, diagnostics: missing, asked: 'changes' }, format, io);
  // Of several specs each line says which it is about.
  const progress = progressOf(io.collect ? { err: (text) => io.err(`${source.name}: ${text}`) } : io);
  const context = { source, policy, spec, requests, seed, shard, patience, progress };
  // All engines run at the same time, so that one works while another is waited for.
  const runs = await Promise.all(chosen.engines.map((found) => verifyOne(found, context)));
  const all = [...missing, ...runs.flatMap((run) => run.diagnostics)];
  // If an engine of the spec is missing, the result is unknown; `--engine` limits it to those installed.
  const untold = chosen.diagnostics.length > 0 || runs.every(({ sent }) => sent === 0);
  const unsure = untold || runs.some((run) => run.unsure);
  const status = runs.some(({ disagreements }) => disagreements > 0) ? 1 : unsure ? 2 : hasError(all) ? 1 : 0;
  const summary = runs
    .filter(({ sent }) => sent > 0)
    .map(
      ({ name, sent, disagreements }) =>
        `${name}: ${count(sent, 'request')}, ${count(disagreements, 'disagreement')} (${seedOf({ seed, shard })})`,
    )
    .join('\n');
  return print(
    {
      ...report,
      status,
      diagnostics: all,
      asked: 'diagnostics',
      engines: runs.map(({ name, sent, disagreements }) => ({ name, requests: sent, disagreements })),
      summary,
    },
    format,
    io,
  );
}

interface FoundEngine {
  readonly target: RunnableTarget;
  readonly program: string;
}

/** Returns the engines asked for, or else those of the spec's targets, and a diagnostic for each that is missing. */
function chooseEngines(
  asked: readonly string[] | undefined,
  spec: Spec,
  io: Io,
): { readonly engines: readonly FoundEngine[]; readonly diagnostics: readonly Diagnostic[] } {
  const runnable = targets.filter(isRunnable);
  const known = runnable.map(({ name }) => name);
  const named = asked ?? known.filter((name) => spec.targets?.[name] !== undefined);
  const unknown = named.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    const report = (engine: string) => verifyCodes.report('unknown-engine', ['targets'], { engine, known });
    return { engines: [], diagnostics: unknown.map(report) };
  }
  const wanted = runnable.filter(({ name }) => named.includes(name));
  const engines = wanted.flatMap((target): FoundEngine[] => {
    const program = findProgram(target, io.env);
    return program === undefined ? [] : [{ target, program }];
  });
  const missing = wanted.filter((target) => !engines.some((found) => found.target === target));
  if (!asked && engines.length === 0)
    return { engines, diagnostics: [verifyCodes.report('no-engine', ['targets'], { engines: named, known })] };
  const diagnostics = missing.map((target) =>
    verifyCodes.report('engine-missing', ['targets', target.name], {
      engine: target.name,
      variable: programVariable(target),
      found: engines.map((found) => found.target.name),
    }),
  );
  // If an engine asked for by name is missing, none is tested.
  return { engines: asked && missing.length > 0 ? [] : engines, diagnostics };
}

interface EngineResult {
  readonly name: string;
  readonly sent: number;
  readonly disagreements: number;
  readonly diagnostics: readonly Diagnostic[];
  /** Whether the engine did not start, or ended before all requests were sent. */
  readonly unsure: boolean;
}

interface RunContext {
  readonly source: OpenSpec;
  readonly policy: Policy;
  readonly spec: Spec;
  readonly requests: number;
  readonly seed: string;
  readonly shard: Shard;
  readonly patience: boolean | undefined;
  readonly progress: Progress;
}

/** Returns the options that generate the same requests again. */
function seedOf({ seed, shard }: Pick<RunContext, 'seed' | 'shard'>): string {
  return shard.of === 1 ? `seed ${seed}` : `seed ${seed}, shard ${shard.part}/${shard.of}`;
}

async function verifyOne({ target, program }: FoundEngine, context: RunContext): Promise<EngineResult> {
  const { source, policy, spec, requests, seed, shard, patience } = context;
  const { name } = target;
  const scope = openScope();
  try {
    const tests = (spec.tests ?? []).flatMap((test) => ('request' in test ? [test] : []));
    const progress = context.progress.of(name, Math.ceil(requests / shard.of) + tests.length);
    const options = spec.targets?.[name] ?? {};
    const verified = await verifyTarget(
      { program, target, options, policy, read: source.read, requests, seed, shard, patience, tests, progress },
      scope,
    );
    const unsure =
      verified.diagnostics.some(({ code }) => code === 'verify/engine-failed') ||
      (verified.sent === 0 && hasError(verified.diagnostics));
    return { name, ...verified, unsure };
  } catch (error) {
    const problem = `could not be verified: ${error instanceof Error ? error.message.trim() : String(error)}`;
    return {
      name,
      sent: 0,
      disagreements: 0,
      diagnostics: [verifyCodes.report('engine-failed', ['targets', name], { engine: name, problem })],
      unsure: true,
    };
  } finally {
    await scope.close();
  }
}

/** Milliseconds between two lines of progress. */
const OFTEN = 5_000;

interface Progress {
  /** Returns the function that an engine calls with the number of requests sent so far. */
  of(name: string, total: number): (sent: number) => void;
}

/** Prints a line every few seconds: the progress of each engine, the rate and the time left. */
function progressOf(io: Pick<Io, 'err'>): Progress {
  const engines: { readonly name: string; readonly total: number; sent: number }[] = [];
  const start = performance.now();
  let last = start;
  const say = (moment: number) => {
    const sent = engines.reduce((sum, each) => sum + each.sent, 0);
    const left = engines.reduce((sum, each) => sum + each.total - each.sent, 0);
    const rate = (sent * 1000) / (moment - start);
    const each = engines.map(({ name, total, ...engine }) => `${name} ${engine.sent} of ${total}`);
    io.err(`${each.join(', ')}: ${Math.round(rate)} a second, ${Math.ceil(left / rate)} s to go\n`);
  };
  return {
    of(name, total) {
      const engine = { name, total, sent: 0 };
      engines.push(engine);
      return (sent) => {
        engine.sent = Math.min(sent, total);
        const moment = performance.now();
        if (moment - last < OFTEN) return;
        last = moment;
        say(moment);
      };
    },
  };
}
