/**
 * What the command costs: start-up on a small spec against an empty node process, and time and memory on specs that grow
 * in each direction. Ratios of one run count, not milliseconds of one machine; on a busy one, CPU time.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE } from './child.ts';
import { costRow, openBench } from './report.ts';
import { type Size, specText } from './specs.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const SMALL = fileURLToPath(new URL('../../examples/gitlab-proxy', import.meta.url));
const TARGETS = { nginx: {}, caddy: {}, coredns: { form: 'configMap' }, bottlerocket: {} };
// Printed by the child itself as it ends, since nobody else knows what it took.
const USAGE = "process.on('exit',()=>process._rawDebug('usage',JSON.stringify(process.resourceUsage())))";

interface Cost {
  readonly wall: number;
  /** Of all threads, those that collect garbage and compile included. */
  readonly cpu: number;
  readonly megabytes: number;
}

function node(args: readonly string[]): Cost {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    env: { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${USAGE}` },
  });
  const wall = performance.now() - start;
  const [, usage] = /usage (\{.*\})/.exec(stderr) ?? [];
  // What has changed is no failure.
  const isDone = status === 0 || (status === 1 && args.includes('--base'));
  if (!isDone || usage === undefined) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  const { userCPUTime, systemCPUTime, maxRSS }: NodeJS.ResourceUsage = JSON.parse(usage);
  return { wall, cpu: (userCPUTime + systemCPUTime) / 1000, megabytes: maxRSS / 1024 };
}

/** The least of several runs in turns, since others on the machine can only add to it. */
function leastEach(rounds: number, lines: readonly (readonly string[])[]): Cost[] {
  const all = Array.from({ length: rounds }, () => lines.map((line) => node(line)));
  const least = (index: number, field: keyof Cost) => Math.min(...all.map((run) => run[index]?.[field] ?? Number.NaN));
  return lines.map((_, index) => ({
    wall: least(index, 'wall'),
    cpu: least(index, 'cpu'),
    megabytes: least(index, 'megabytes'),
  }));
}

const EMPTY = ['-e', '0'];
const bench = openBench();
const { quick } = bench;
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));

interface Case {
  readonly name: string;
  readonly size: number;
  readonly lines: readonly (readonly string[])[];
  readonly rounds: number;
}

/** Rows for the time and the memory of a case, held against an empty process that runs in turns with it. */
function measure({ name, size, lines: [line = [], ...before], rounds }: Case): void {
  for (const each of before) node(each);
  const [own, empty] = leastEach(rounds, [line, EMPTY]);
  if (!own || !empty) return;
  const common = { engine: NODE, case: name, size, control: 'empty process' };
  for (const field of ['cpu', 'wall', 'megabytes'] as const)
    bench.add(costRow({ bench: field, ...common, cpu: own[field], controlCpu: empty[field] }));
}

/** A spec in a folder of its own, and what it is called there. */
function specOf(name: string, size: Size, targets: object): string {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'postern.yaml'), specText(size, targets));
  return at;
}

const one = { routes: 10, keys: 10, cidrs: 10 };
const tenth = { routes: 1_000, keys: 10_000, cidrs: 10_000 };
const whole = { routes: 10_000, keys: 100_000, cidrs: 100_000 };
const ENGINES = { nginx: {}, caddy: {} };

/** In which direction a spec grows, to what size, for which targets. The small sizes are those of `--quick`. */
const GROWN: readonly (readonly [name: string, size: number, spec: Size, targets: object])[] = [
  ['routes', 1_000, { ...one, routes: 1_000 }, TARGETS],
  ['routes, keys and ranges', 1_000, tenth, TARGETS],
  ['groups', 80, { ...one, routes: 800, groups: 80 }, ENGINES],
  ['proxies', 10, { ...one, routes: 1_000, proxies: 10 }, ENGINES],
  ['rewrites', 1_000, { ...one, rewrites: 1_000 }, TARGETS],
  ['routes', 100_000, { ...one, routes: 100_000 }, TARGETS],
  ['routes, keys and ranges', 10_000, whole, TARGETS],
  ['groups', 800, { ...one, routes: 8_000, groups: 800 }, ENGINES],
  ['proxies', 100, { ...one, routes: 1_000, proxies: 100 }, ENGINES],
  ['proxies of 10,000 routes', 100, { ...one, routes: 10_000, proxies: 100 }, ENGINES],
  ['proxies of 10,000 routes', 1_000, { ...one, routes: 10_000, proxies: 1_000 }, ENGINES],
  ['rewrites', 10_000, { ...one, rewrites: 10_000 }, TARGETS],
];

function generated(): void {
  for (const [name, size, spec, targets] of GROWN.slice(0, quick ? 5 : undefined)) {
    const at = specOf(`${name} ${size}`, spec, targets);
    measure({ name: `generate: ${name}`, size, lines: [['generate', at]].map(command), rounds: quick ? 1 : 3 });
  }
}

function command(line: readonly string[]): readonly string[] {
  return [CLI, ...line];
}

/** What else is asked of a large spec, and of many small ones. */
function others(): void {
  const size = quick ? 1_000 : 10_000;
  const large = specOf('large', quick ? tenth : whole, TARGETS);
  measure({
    name: 'diff: nothing changed',
    size,
    lines: [
      ['diff', large],
      ['generate', large],
    ].map(command),
    rounds: 1,
  });
  const before = specOf('before', { ...one, rewrites: size }, TARGETS);
  const after = specOf('after', { ...one, rewrites: size + 1 }, TARGETS);
  const base = ['diff', after, '--base', join(before, 'postern.yaml')];
  measure({ name: 'diff --base: one rewrite more', size, lines: [command(base)], rounds: 1 });
  const many = join(folder, 'many');
  const count = quick ? 50 : 500;
  for (let n = 0; n < count; n += 1) cpSync(SMALL, join(many, `spec${n}`), { recursive: true });
  for (const name of ['validate', 'generate', 'diff', 'lint'])
    measure({ name: `${name}: many specs`, size: count, lines: [command([name, `${many}/*`])], rounds: 1 });
}

try {
  measure({
    name: 'generate: small spec',
    size: 1,
    lines: [command(['generate', SMALL, '--out', join(folder, 'small')])],
    rounds: quick ? 5 : 17,
  });
  generated();
  others();
  bench.finish();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
