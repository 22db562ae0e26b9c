/**
 * What enforcing a policy costs per request: the generated configuration against the same engine that only forwards
 * (`bare`), that does the same work without a policy (`sameWork`), and against a hand-written allowlist (`seedStyle`),
 * all running side by side and loaded in turns, so that a busy machine slows every one of them alike; and what a shadow
 * costs on top. `--quick`, `--only BENCH` and `--json FILE`.
 */
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { startEngine } from '../../src/verify/engines.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { openScope, type Scope } from '../../src/verify/scope.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { type Engine, filesOf, type Kind, keyOf, type Setting } from './contenders.ts';
import { checkDecisions, checkLogLines } from './decisions.ts';
import { type Measured, measure, median } from './load.ts';
import { openBench, type Row, rounded } from './report.ts';
import { casesOfRoutes, casesOfShadow, programOf, startUpstream, unpack } from './running.ts';
import { route } from './specs.ts';

interface Case {
  readonly bench: string;
  /** Every engine where absent. */
  readonly engine?: Engine;
  /** What is measured; the generated configuration where absent. */
  readonly subject?: Kind;
  /** What it is measured against; each that does without it where absent. */
  readonly controls?: readonly Kind[];
  readonly name: string;
  readonly size: number;
  readonly setting: Omit<Setting, 'upstreamPort'>;
  /** `GET /path` */
  readonly request: string;
  readonly key: number;
}

const CONTROLS: readonly Kind[] = ['bare', 'sameWork', 'seedStyle'];
const bench = openBench();
const { quick, only } = bench;
const rounds = quick ? 2 : 5;
const small = { routes: 10, keys: 10, cidrs: 10 };

/** The same 1,000 routes in many groups, and with one proxy and many. */
function casesOfMany(): Case[] {
  const many = quick ? 10 : 100;
  const common = { name: 'last', key: 0, request: route(998).request };
  // Callers of even numbers have one group.
  const groups = { ...common, bench: 'groups', size: many, key: 1, setting: { ...small, routes: 1_000, groups: many } };
  const proxies = [1, many].map((size) => ({
    ...common,
    bench: 'proxies',
    size,
    setting: { ...small, routes: 1_000, proxies: size },
  }));
  return [groups, ...proxies];
}

function cases(): Case[] {
  const sizes = quick ? [10, 1_000] : [10, 1_000, 10_000];
  const routes = sizes.flatMap((size) => {
    const setting = { ...small, routes: size };
    const common = { bench: 'routes', size, setting, key: 0 };
    return casesOfRoutes(size).map(({ name, request }) => ({ ...common, name, request }));
  });
  const keys = [10, quick ? 1_000 : 10_000].map((size) => ({
    bench: 'keys',
    name: 'last',
    size,
    setting: { ...small, keys: size },
    request: route(0).request,
    key: size - 1,
  }));
  const cidrs = [10, quick ? 10_000 : 100_000].map((size) => ({
    bench: 'cidrs',
    name: 'last',
    size,
    setting: { ...small, cidrs: size },
    request: route(0).request,
    key: 0,
  }));
  const whole = quick
    ? []
    : [
        {
          bench: 'whole',
          name: 'last',
          size: 10_000,
          setting: { routes: 10_000, keys: 10_000, cidrs: 10_000 },
          request: route(9_998).request,
          key: 9_999,
        },
      ];
  const shadow = sizes.flatMap((size) =>
    casesOfShadow(size).map(({ name, request }) => ({
      bench: 'shadow',
      name,
      size,
      setting: { ...small, routes: size },
      request,
      key: 0,
      subject: 'shadowed' as const,
      controls: ['generated'] as const,
    })),
  );
  const tuned = [...routes, ...whole]
    .filter(({ name }) => name === 'last')
    .map((one) => ({
      ...one,
      bench: 'tuned',
      engine: 'caddy' as const,
      subject: 'tuned' as const,
      controls: ['bare'] as const,
    }));
  return [...routes, ...keys, ...cidrs, ...casesOfMany(), ...whole, ...tuned, ...shadow].filter(
    (one) => only === undefined || one.bench === only,
  );
}

/** A program that collects garbage as `templates/kubernetes/deployment.yaml.njk` says. */
async function tunedProgram(program: string, scope: Scope): Promise<string> {
  const text = `#!/bin/sh\nGOGC=400 exec "${program}" "$@"\n`;
  const file = join(await unpack([{ path: 'program', text }], scope), 'program');
  await chmod(file, 0o755);
  return file;
}

interface Running {
  readonly url: string;
  readonly pid: number;
  readonly log: string;
}

async function checkSameWork(running: ReadonlyMap<Kind, Running>): Promise<void> {
  const [own, control] = [running.get('generated'), running.get('sameWork')];
  if (!own || !control) return;
  await fetch(control.url);
  await checkLogLines(own.log, control.log);
}

async function compare(name: Engine, one: Case, upstreamPort: number): Promise<Row[]> {
  const scope = openScope();
  try {
    const setting = { ...one.setting, upstreamPort };
    const { subject = 'generated', controls = CONTROLS } = one;
    const kinds: readonly Kind[] = [subject, ...controls];
    const headers = { 'PRIVATE-TOKEN': keyOf(one.key) };
    const running = new Map<Kind, Running>();
    for (const kind of kinds) {
      const port = await freePort();
      const folder = await unpack(filesOf(name, kind, setting, port), scope);
      const program = await programOf(name);
      const server = await startEngine(proxyTarget(name), {
        program: kind === 'tuned' ? await tunedProgram(program, scope) : program,
        folder,
        ready: () => accepts(port),
      });
      scope.defer(() => server.stop());
      const url = `http://127.0.0.1:${port}${one.request.split(' ')[1]}`;
      if (!CONTROLS.includes(kind)) {
        await checkDecisions(setting, port);
        const { status } = await fetch(url, { headers });
        if (status !== (one.name === 'miss' ? 404 : 200)) throw new Error(`${one.bench} ${one.name} gets ${status}`);
      }
      const log = join(folder, name, 'access.log');
      running.set(kind, { url, pid: server.pid, log });
    }
    await checkSameWork(running);
    const results = new Map<Kind, Measured[]>(kinds.map((kind) => [kind, []]));
    const program = await programOf('wrk');
    for (let round = 0; round < rounds; round++) {
      for (const [kind, { url, pid }] of running)
        results.get(kind)?.push(await measure({ program, url, headers, seconds: 1, pid }));
    }
    return rowsOf(name, one, results);
  } finally {
    await scope.close();
  }
}

function rowsOf(name: Engine, one: Case, results: ReadonlyMap<Kind, readonly Measured[]>): Row[] {
  const of = (kind: Kind, field: keyof Measured) => median((results.get(kind) ?? []).map((result) => result[field]));
  const { subject = 'generated', controls = CONTROLS } = one;
  return controls.map((control) => ({
    bench: one.bench,
    engine: name,
    case: one.name,
    size: one.size,
    control,
    ratio: rounded(of(subject, 'perSecond') / of(control, 'perSecond'), 3),
    cpu: rounded(of(subject, 'cpu'), 1),
    controlCpu: rounded(of(control, 'cpu'), 1),
  }));
}

const scope = openScope();
try {
  const upstreamPort = await startUpstream(scope);
  for (const name of ['nginx', 'caddy'] as const)
    for (const one of cases().filter(({ engine }) => engine === undefined || engine === name))
      for (const row of await compare(name, one, upstreamPort)) bench.add(row);
  bench.finish();
} finally {
  await scope.close();
}
