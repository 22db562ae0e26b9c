import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Runner } from '../targets/target.ts';
import { openJournal } from './checks/accessLog.ts';
import { oddAnswers } from './checks/answers.ts';
import { unverifiedUpstreams } from './checks/certificates.ts';
import { chainChecks } from './checks/chains.ts';
import type { CheckFailure } from './checks/check.ts';
import { neighbours } from './checks/neighbours.ts';
import { ownNames } from './checks/ownNames.ts';
import { ownTls, withoutTls } from './checks/ownTls.ts';
import { patience } from './checks/patience.ts';
import { rateLimits } from './checks/rates.ts';
import { siteChecks } from './checks/sites.ts';
import { upgrades } from './checks/websockets.ts';
import { verifyCodes } from './codes.ts';
import type { Probe } from './draft.ts';
import { type EngineRun, startEngineRun, type Verified, type VerifyOptions } from './engineRun.ts';
import { serves } from './engines.ts';
import { type Expectation, expectationOf, type Problem } from './expect.ts';
import { verifyNames } from './names.ts';
import { probesOf, WHOLE } from './probes/generate.ts';
import { testProbes } from './probes/tests.ts';
import { type Random, randomOf } from './random.ts';
import type { Scope } from './scope.ts';
import { type Disagreement, fixtureOf, judgeAlone, sendAll } from './send.ts';
import { describe } from './shown.ts';

/** The most kinds of disagreement that are shrunk and shown. */
const MOST_KINDS = 12;

const ENOUGH = 1_000;

const now = () => Date.now() / 1000;

/** Starts the program of a target on its files and compares what it does with what the spec says. */
export async function verifyTarget({ target, ...options }: VerifyOptions<Runner>, scope: Scope): Promise<Verified> {
  const { name } = target;
  const nothing = (what: string) => ({
    sent: 0,
    disagreements: 0,
    diagnostics: [verifyCodes.report('nothing-to-verify', ['targets', name], { engine: name, what })],
  });
  const { proxies, rewrites } = options.policy;
  if (serves(target, 'names'))
    return rewrites.length === 0 ? nothing('domainRewrites') : verifyNames({ ...options, target }, scope);
  if (!serves(target, 'requests')) throw new Error(`${name} serves something new`);
  const verified = proxies.length === 0 ? NOTHING_YET : await verifyRequests({ ...options, target }, scope);
  const random = randomOf(`${options.seed} sites`);
  const sites = await siteChecks({ ...options, target, random }, scope);
  const chains = await chainChecks({ ...options, target, random }, scope);
  if (proxies.length === 0 && sites.sent + sites.untried === 0) return nothing('proxies and no sites');
  const waited = options.patience ? await patience({ ...options, target, random }, scope) : undefined;
  const failures = [sites, chains, ...(waited ? [waited] : [])].flatMap((each) => each.failures);
  const found = unmet(failures, { target, options: options.options });
  const untried =
    sites.untried === 0
      ? []
      : [verifyCodes.report('untried-sites', ['domainRewrites'], { engine: name, sites: sites.untried })];
  return {
    sent: verified.sent + sites.sent + chains.sent + (waited?.sent ?? 0),
    disagreements: verified.disagreements + found.filter(({ severity }) => severity === 'error').length,
    diagnostics: [
      ...verified.diagnostics,
      ...sites.diagnostics,
      ...chains.diagnostics,
      ...(waited?.diagnostics ?? []),
      ...found,
      ...untried,
    ],
  };
}

const NOTHING_YET: Verified = { sent: 0, disagreements: 0, diagnostics: [] };

/** Starts one engine, sends it the spec's tests and generated probes, and compares everything with the evaluator. */
export async function verifyRequests(options: VerifyOptions, scope: Scope): Promise<Verified> {
  const random = randomOf(`${options.seed} secrets`);
  const started = await startEngineRun({ ...options, random }, scope);
  if (!('run' in started)) return { sent: 0, disagreements: 0, diagnostics: started.diagnostics };
  const { run } = started;
  const deaf = unmet(await withoutTls(run), options);
  if (deaf.length > 0) {
    await run.server.stop();
    return { sent: 0, disagreements: deaf.length, diagnostics: deaf };
  }
  const kinds = new Map<string, Found>();
  const journal = openJournal(options.policy);
  let sent = 0;
  let disagreements = 0;
  const ended = new AbortController();
  void run.server.exited.then(() => ended.abort());
  const { signal } = ended;
  const enough = new AbortController();
  const found = (disagreement: Disagreement) => {
    disagreements += 1;
    if (disagreements >= (options.enough ?? ENOUGH)) enough.abort();
    note(kinds, disagreement);
  };
  const report = () => {
    sent += 1;
    options.progress(sent);
  };
  try {
    const sending = AbortSignal.any([signal, enough.signal]);
    await sendAll(allProbes(run, options), run, { now, signal: sending, found, agreed: journal.note, sent: report });
    if (disagreements > 0 && !signal.aborted) await hasEnded(run);
    // Connections that closed because the engine ended are not reported as disagreements.
    if (signal.aborted) disagreements -= forget(kinds, 'closed');
    const smallest = await smallestOf(kinds, run, signal);
    // After enough disagreements the checks are left out: they would fail for the same reasons.
    const failures = sending.aborted ? undefined : await askedBeside(run, random);
    const early = signal.aborted ? [endedEarly(run, options)] : [];
    await run.server.stop();
    const diagnostics = [...(await findings(smallest, run, options)), ...early];
    if (failures) {
      const rates = await rateLimits({ ...options, random }, scope);
      const logged = await journal.compare(run.accessLog(), options.policy.proxies[0]?.origin ?? []);
      failures.push(...logged, ...rates.failures);
      diagnostics.push(...rates.diagnostics);
    }
    const reported = unmet(failures ?? [], options);
    diagnostics.push(...reported);
    disagreements += reported.filter(({ severity }) => severity === 'error').length;
    if ((await run.leak()) !== undefined)
      diagnostics.push(verifyCodes.report('leak', ['targets', options.target.name], { engine: options.target.name }));
    return { sent, disagreements, diagnostics };
  } catch (error) {
    // When an engine ends, its connections fail first.
    if (!(await hasEnded(run))) throw error;
    disagreements -= forget(kinds, 'closed');
    return { sent, disagreements, diagnostics: [endedEarly(run, options)] };
  }
}

/** Failed checks as diagnostics. A declared limit of the engine is one warning, however many checks it fails. */
function unmet(failures: readonly CheckFailure[], { target, options }: Pick<VerifyOptions, 'target' | 'options'>) {
  const limits = new Set(target.run.limits?.(options));
  const isLimit = ({ limit }: CheckFailure) => limit !== undefined && limits.has(limit);
  const first = (failure: CheckFailure) => failures.find(({ limit }) => limit === failure.limit) === failure;
  return failures.flatMap((failure): Diagnostic[] => {
    const { at, problem } = failure;
    if (!isLimit(failure)) return [verifyCodes.report('unmet', at, { engine: target.name, problem })];
    return first(failure) ? [verifyCodes.report('engine-limit', at, { engine: target.name, problem })] : [];
  });
}

/** The checks beside the probes. `unverifiedUpstreams` is the last, because it changes the upstreams for good. */
async function askedBeside(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  return [
    ...(await ownNames(run, random)),
    ...(await oddAnswers(run, random)),
    ...(await neighbours(run, random)),
    ...(await ownTls(run, random)),
    ...(await upgrades(run, random)),
    ...(await unverifiedUpstreams(run, random)),
  ];
}

interface Found {
  readonly first: Disagreement;
  times: number;
}

function note(kinds: Map<string, Found>, disagreement: Disagreement): void {
  const kind = disagreement.problems[0]?.kind ?? '';
  const known = kinds.get(kind);
  if (known) known.times += 1;
  else kinds.set(kind, { first: disagreement, times: 1 });
}

/** Removes the disagreements of one kind, and returns how many they were. */
function forget(kinds: Map<string, Found>, kind: string): number {
  const times = kinds.get(kind)?.times ?? 0;
  kinds.delete(kind);
  return times;
}

function* allProbes(run: EngineRun, { tests, requests, seed, shard = WHOLE }: VerifyOptions): Generator<Probe> {
  const fixtures = [...run.fixtures.values()];
  yield* testProbes(tests, fixtures);
  const generated = probesOf({ fixtures, ownTargets: run.ownTargets, seed, shard, now: now() });
  for (let count = 0; count < Math.ceil(requests / shard.of); count += 1) {
    const next = generated.next();
    if (next.done) return;
    yield next.value;
  }
}

/** The smallest disagreement of each kind, and how often the kind was found. */
async function smallestOf(
  kinds: ReadonlyMap<string, Found>,
  run: EngineRun,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const { first, times } of [...kinds.values()].slice(0, MOST_KINDS))
    found.push({ first: signal.aborted ? first : await shrink(first, run, { now, signal }), times });
  return found;
}

async function findings(found: readonly Found[], run: EngineRun, { policy, target }: VerifyOptions) {
  const diagnostics: Diagnostic[] = [];
  for (const { first, times } of found) {
    const [problem] = first.problems;
    if (!problem) continue;
    const { proxy } = fixtureOf(first.probe, run);
    const show = await describe(first, { policy, proxy, secrets: run.secrets, log: run.accessLog() });
    const what = { engine: target.name, problem: problem.text, times, show };
    diagnostics.push(verifyCodes.report('disagreement', placeOf(problem, first), what));
  }
  return diagnostics;
}

/** The line of the spec that the evaluator decided by. */
function placeOf({ index }: Problem, { expectation }: Disagreement) {
  return expectation.expected[index ?? 0]?.decision.at ?? [];
}

/** Whether the engine has ended. It waits a second, because the connections of a process close before it has ended. */
async function hasEnded({ server }: EngineRun): Promise<boolean> {
  const later = new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000).unref());
  return (await Promise.race([server.exited, later])) !== false;
}

function endedEarly(run: EngineRun, { target }: VerifyOptions): Diagnostic {
  const last = run.server.output().trim().split('\n').at(-1) ?? '';
  const problem = `ended in the middle of the probes${last === '' ? '' : `: ${last.slice(0, 300)}`}`;
  return verifyCodes.report('engine-failed', ['targets', target.name], { engine: target.name, problem });
}

interface ShrinkOptions {
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Most requests sent to shrink one disagreement, and milliseconds after which the smallest so far will do. */
const MOST_TRIES = 400;
const LONGEST = 30_000;

/**
 * The smallest request that still shows the same kind of disagreement when it is sent alone; the disagreement as found
 * where it shows nothing alone.
 */
async function shrink(found: Disagreement, run: EngineRun, options: ShrinkOptions): Promise<Disagreement> {
  const kind = found.problems[0]?.kind;
  const end = performance.now() + LONGEST;
  let best = found;
  let tries = 0;
  const stillShows = async (raw: string): Promise<boolean> => {
    const probe: Probe = { ...best.probe, raw };
    if (!isAlike(found, expectationOf(probe, fixtureOf(probe, run), options.now()))) return false;
    tries += 1;
    const judged = await judgeAlone(probe, run, options.now()).catch(() => undefined);
    if (judged?.problems[0]?.kind !== kind) return false;
    best = judged ?? best;
    return true;
  };
  if (!(await stillShows(found.probe.raw))) return found;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const smaller of smallerThan(best.probe.raw)) {
      if (tries >= MOST_TRIES || performance.now() > end || options.signal.aborted) return best;
      if (!(await stillShows(smaller))) continue;
      shrunk = true;
      break;
    }
  }
  return best;
}

/**
 * Whether a smaller probe has as many requests as the one found, and the same kind of end. Others are not tried,
 * because an engine may answer them with silence, and waiting takes time.
 */
function isAlike({ expectation }: Disagreement, other: Expectation): boolean {
  return (
    expectation.expected.length === other.expected.length &&
    typeof expectation.end === typeof other.end &&
    (expectation.end === other.end || typeof other.end === 'object')
  );
}

/** Simpler versions of a request, those with the largest cuts first. */
function* smallerThan(raw: string): Generator<string> {
  const end = raw.indexOf('\r\n\r\n');
  const head = end < 0 ? raw : raw.slice(0, end);
  const [start = '', ...lines] = head.split('\r\n');
  const rest = raw.slice(head.length);
  const withLines = (kept: readonly string[]) => [start, ...kept].join('\r\n') + rest;
  if (rest.length > 4)
    yield `${head.replace(/\r\n(?:content-length|transfer-encoding|content-type):[^\r]*/gi, '')}\r\n\r\n`;
  for (const index of lines.keys()) yield withLines(lines.toSpliced(index, 1));
  const [method = '', target = '', ...version] = start.split(' ');
  const withTarget = (shorter: string) => [[method, shorter, ...version].join(' '), ...lines].join('\r\n') + rest;
  for (let size = Math.ceil(target.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < target.length; at += size)
      if (target.length > size) yield withTarget(target.slice(0, at) + target.slice(at + size));
  }
  for (const [index, line] of lines.entries()) {
    const half = line.indexOf(':') + 2 + Math.floor((line.length - line.indexOf(':')) / 2);
    if (half < line.length && !/^content-length/i.test(line)) yield withLines(lines.with(index, line.slice(0, half)));
  }
}
