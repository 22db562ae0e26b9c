/**
 * What `postern generate` costs: start-up on a small spec above an empty node process, and time and memory
 * on growing specs. Ratios of one run count, not milliseconds of one machine; on a busy one, CPU time.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './load.ts';
import { type Size, specText } from './specs.ts';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const SMALL = fileURLToPath(new URL('../../examples/gitlab-proxy', import.meta.url));
const TARGETS = { nginx: {}, caddy: {}, coredns: { form: 'configMap' }, bottlerocket: {} };
// Printed by the child itself as it ends, since nobody else knows what it took.
const USAGE = "process.on('exit',()=>process._rawDebug('usage',JSON.stringify(process.resourceUsage())))";

interface Cost {
  readonly milliseconds: number;
  /** Of all threads, those that collect garbage and compile included. */
  readonly cpu: number;
  readonly megabytes: number;
}

function node(args: readonly string[]): Cost {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${USAGE}` },
  });
  const milliseconds = performance.now() - start;
  const [, usage] = /usage (\{.*\})/.exec(stderr) ?? [];
  if (status !== 0 || usage === undefined) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  const { userCPUTime, systemCPUTime, maxRSS }: NodeJS.ResourceUsage = JSON.parse(usage);
  return { milliseconds, cpu: (userCPUTime + systemCPUTime) / 1000, megabytes: maxRSS / 1024 };
}

function startUp(folder: string, rounds: number): void {
  const empty: Cost[] = [];
  const small: Cost[] = [];
  for (let round = 0; round < rounds; round++) {
    empty.push(node(['-e', '0']));
    small.push(node([CLI, 'generate', SMALL, '--out', join(folder, 'small')]));
  }
  for (const [what, field] of [
    ['', 'milliseconds'],
    [' of CPU', 'cpu'],
  ] as const) {
    const [all, none] = [small, empty].map((costs) => median(costs.map((cost) => cost[field])));
    const above = (all ?? Number.NaN) - (none ?? Number.NaN);
    console.log(
      `small spec: ${all?.toFixed(0)} ms${what}, empty process ${none?.toFixed(0)} ms, above it ${above.toFixed(0)} ms`,
    );
  }
}

function scale(folder: string, size: Size): Cost {
  const spec = join(folder, 'postern.yaml');
  writeFileSync(spec, specText(size, TARGETS));
  const cost = node([CLI, 'generate', spec, '--out', join(folder, 'out')]);
  const { milliseconds, cpu, megabytes } = cost;
  console.log(
    `${size.routes} routes, ${size.keys} keys, ${size.cidrs} CIDRs: ${milliseconds.toFixed(0)} ms, ${cpu.toFixed(0)} ms of CPU, ${megabytes.toFixed(0)} MB`,
  );
  return cost;
}

const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
try {
  startUp(folder, process.argv.includes('--quick') ? 5 : 17);
  const tenth = scale(folder, { routes: 1_000, keys: 10_000, cidrs: 10_000 });
  const whole = scale(folder, { routes: 10_000, keys: 100_000, cidrs: 100_000 });
  const times = (field: 'milliseconds' | 'cpu') => (whole[field] / tenth[field]).toFixed(1);
  console.log(`ten times the input costs ${times('milliseconds')} times, ${times('cpu')} times the CPU`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
