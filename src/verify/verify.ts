import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import type { Runner } from '../targets/target.ts';
import { openJournal } from './checks/accessLog.ts';
import { oddAnswers } from './checks/answers.ts';
import { unverifiedUpstreams } from './checks/certificates.ts';
import type { CheckFailure } from './checks/check.ts';
import { neighbours } from './checks/neighbours.ts';
import { rateLimits } from './checks/rates.ts';
import { siteChecks } from './checks/sites.ts';
import { upgrades } from './checks/websockets.ts';
import { verifyCodes } from './codes.ts';
import type { Probe } from './draft.ts';
import { type EngineRun, startEngineRun, type Verified, type VerifyOptions } from './engineRun.ts';
import { serves } from './engines.ts';
import { type Expectation, type Expected, expectationOf, type Problem } from './expect.ts';
import { fieldOf } from './http1.ts';
import { verifyNames } from './names.ts';
import { probesOf, WHOLE } from './probes/generate.ts';
import { testProbes } from './probes/tests.ts';
import { type Random, randomOf } from './random.ts';
import type { Scope } from './scope.ts';
import type { Secrets } from './secrets.ts';
import { type Disagreement, fixtureOf, judgeAlone, sendAll } from './send.ts';

/** So many kinds of disagreement are shrunk and shown. */
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
  const sent = verified.sent + sites.sent;
  if (proxies.length === 0 && sites.sent + sites.untried === 0) return nothing('proxies and no sites');
  const found = sites.failures.map(({ at, problem }) => verifyCodes.report('unmet', at, { engine: name, problem }));
  const untried =
    sites.untried === 0
      ? []
      : [verifyCodes.report('untried-sites', ['domainRewrites'], { engine: name, sites: sites.untried })];
  return {
    sent,
    disagreements: verified.disagreements + found.length,
    diagnostics: [...verified.diagnostics, ...sites.diagnostics, ...found, ...untried],
  };
}

const NOTHING_YET: Verified = { sent: 0, disagreements: 0, diagnostics: [] };

/** Starts one engine, sends it the spec's tests and generated probes, and compares everything with the evaluator. */
export async function verifyRequests(options: VerifyOptions, scope: Scope): Promise<Verified> {
  const random = randomOf(`${options.seed} secrets`);
  const started = await startEngineRun({ ...options, random }, scope);
  if (!('run' in started)) return { sent: 0, disagreements: 0, diagnostics: started.diagnostics };
  const { run } = started;
  const kinds = new Map<string, Found>();
  const journal = openJournal();
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
    // Connections closed because the engine ended are no findings.
    if (signal.aborted) disagreements -= forget(kinds, 'closed');
    const diagnostics = await findings(kinds, { run, options, signal });
    // An engine that decides wrongly would fail these checks for the same reasons.
    const failures = sending.aborted ? undefined : await askedBeside(run, random);
    if (signal.aborted) diagnostics.push(endedEarly(run, options));
    await run.server.stop();
    if (failures) {
      const rates = await rateLimits({ ...options, random }, scope);
      failures.push(
        ...journal.compare(await run.accessLog(), options.policy.proxies[0]?.origin ?? []),
        ...rates.failures,
      );
      diagnostics.push(...rates.diagnostics);
    }
    for (const { at, problem } of failures ?? []) {
      disagreements += 1;
      diagnostics.push(verifyCodes.report('unmet', at, { engine: options.target.name, problem }));
    }
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

/** The last one changes the upstreams for good. */
async function askedBeside(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  return [
    ...(await oddAnswers(run, random)),
    ...(await neighbours(run, random)),
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

/** Returns how many there were. */
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

async function findings(
  kinds: ReadonlyMap<string, Found>,
  context: { run: EngineRun; options: VerifyOptions; signal: AbortSignal },
): Promise<Diagnostic[]> {
  const { run, options, signal } = context;
  const diagnostics: Diagnostic[] = [];
  for (const { first, times } of [...kinds.values()].slice(0, MOST_KINDS)) {
    const smallest = signal.aborted ? first : await shrink(first, run, { now, signal });
    const fixture = fixtureOf(smallest.probe, run);
    const [problem] = smallest.problems;
    if (!problem) continue;
    const show = describe(smallest, { policy: options.policy, proxy: fixture.proxy, secrets: run.secrets });
    diagnostics.push(
      verifyCodes.report('disagreement', placeOf(problem, smallest), {
        engine: options.target.name,
        problem: problem.text,
        times,
        show,
      }),
    );
  }
  return diagnostics;
}

/** The line of the spec that the evaluator decided by. */
function placeOf({ index }: Problem, { expectation }: Disagreement) {
  return expectation.expected[index ?? 0]?.decision.at ?? [];
}

/** A closed connection is seen before the end of the process that closed it. */
async function hasEnded({ server }: EngineRun): Promise<boolean> {
  const later = new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000).unref());
  return (await Promise.race([server.exited, later])) !== false;
}

function endedEarly(run: EngineRun, { target }: VerifyOptions): Diagnostic {
  const last = run.server.output().trim().split('\n').at(-1) ?? '';
  const problem = `ended in the middle of the probes${last === '' ? '' : `: ${last.slice(0, 300)}`}`;
  return verifyCodes.report('engine-failed', ['targets', target.name], { engine: target.name, problem });
}

interface DescribeContext {
  /** The user's policy, which has the address that their proxy listens on. */
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly secrets: Secrets;
}

/** A disagreement as commands to try: a `curl` line where curl can send it, and the raw bytes. */
function describe({ probe, expectation }: Disagreement, context: DescribeContext): string {
  const bytes = `printf '${forPrintf(named(probe.raw, context.secrets))}' | nc ${hostPort(context).join(' ')}`;
  const [only, ...others] = expectation.expected;
  const curl =
    only && others.length === 0 && expectation.end === 'clean' && isForCurl(only, probe.raw)
      ? [curlLine(only, context)]
      : [];
  const from = context.proxy.clientIp.kind === 'header' ? '' : ` (sent from ${probe.peer})`;
  return `${[...curl, bytes].join(', or byte for byte: ')}${from}`;
}

/** The listener that the user's spec has for this proxy or its twin. */
function hostPort({ policy, proxy }: DescribeContext): [host: string, port: string] {
  const origin = JSON.stringify(proxy.origin);
  const own = policy.proxies.find((each) => JSON.stringify(each.origin) === origin);
  const { address = 'localhost', port } = own?.listen ?? proxy.listen;
  return [address.includes(':') ? `[${address}]` : address, String(port)];
}

/** Replaces throw-away keys by whose they are. */
function named(text: string, secrets: Secrets): string {
  let result = text;
  for (let leak = secrets.leakIn(result); leak !== undefined; leak = secrets.leakIn(result)) {
    const value = leak;
    const id = secrets.idOf(value);
    result = result.replace(value, () => (id === undefined ? '<no key of anybody>' : `<key of ${id}>`));
  }
  return result;
}

function forPrintf(text: string): string {
  return [...text]
    .map(
      (char) =>
        ESCAPES[char] ?? (/[\x20-\x7e]/.test(char) ? char : `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`),
    )
    .join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\r': '\\r',
  '\n': '\\n',
  '\t': '\\t',
  '\\': '\\\\',
  '%': '%%',
  "'": "'\\''",
};

function isForCurl({ request, refusable }: Expected, raw: string): boolean {
  return (
    refusable === undefined &&
    request.target.startsWith('/') &&
    /^[\x20-\x7e\r\n]*$/.test(raw) &&
    !/^[^ ]+ [^ ]*#/.test(raw)
  );
}

function curlLine({ request }: Expected, context: DescribeContext): string {
  const quote = (text: string) => `'${named(text, context.secrets).replaceAll("'", "'\\''")}'`;
  const { method, target, fields, body } = request;
  const skipped = ['host', 'content-length', 'transfer-encoding'];
  const host = fieldOf(fields, 'host');
  const headers = fields
    .filter(([name]) => !skipped.includes(name.toLowerCase()))
    .map(([name, value]) => `-H ${quote(value === '' ? `${name};` : `${name}: ${value}`)}`);
  const unwanted = ['User-Agent', 'Accept']
    .filter((name) => fieldOf(fields, name) === undefined)
    .map((name) => `-H '${name}:'`);
  const chunked = fieldOf(fields, 'transfer-encoding') === undefined ? [] : ["-H 'Transfer-Encoding: chunked'"];
  const data =
    body === ''
      ? []
      : [
          `--data-binary ${quote(body)}`,
          ...(fieldOf(fields, 'content-type') === undefined ? ["-H 'Content-Type:'"] : []),
        ];
  const verb = method === 'HEAD' ? ['--head'] : method === 'GET' && body === '' ? [] : [`-X ${quote(method)}`];
  const url = quote(`http://${hostPort(context).join(':')}${target}`);
  return [
    'curl -si --http1.1 --path-as-is --globoff',
    ...verb,
    `-H ${quote(`Host: ${host ?? ''}`)}`,
    ...headers,
    ...unwanted,
    ...chunked,
    ...data,
    url,
  ].join(' ');
}

interface ShrinkOptions {
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Most requests sent to shrink one disagreement. */
const MOST_TRIES = 400;

/**
 * The smallest request that still shows the same kind of disagreement when it is sent alone. Returns the first one
 * where it shows nothing alone.
 */
async function shrink(found: Disagreement, run: EngineRun, options: ShrinkOptions): Promise<Disagreement> {
  const kind = found.problems[0]?.kind;
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
      if (tries >= MOST_TRIES || options.signal.aborted) return best;
      if (!(await stillShows(smaller))) continue;
      shrunk = true;
      break;
    }
  }
  return best;
}

/**
 * The same number of requests and the same kind of end: an engine may answer anything else with silence, which takes
 * time.
 */
function isAlike({ expectation }: Disagreement, other: Expectation): boolean {
  return (
    expectation.expected.length === other.expected.length &&
    typeof expectation.end === typeof other.end &&
    (expectation.end === other.end || typeof other.end === 'object')
  );
}

/** Simpler requests, the largest cuts first. */
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
