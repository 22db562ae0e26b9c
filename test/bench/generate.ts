/**
 * What `postern generate` costs: start-up on a small spec above an empty node process, and time and memory
 * on growing specs. Ratios of one run count, not milliseconds of one machine.
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
// Printed by the child itself as it ends, since nobody else knows its peak.
const PEAK =
  "--import=data:text/javascript,process.on('exit',()=>process._rawDebug('maxRSS',process.resourceUsage().maxRSS))";

function node(args: readonly string[]): { milliseconds: number; megabytes: number } {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: PEAK },
  });
  const milliseconds = performance.now() - start;
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return { milliseconds, megabytes: Number(/maxRSS (\d+)/.exec(stderr)?.[1]) / 1024 };
}

function startUp(folder: string, rounds: number): void {
  const empty: number[] = [];
  const small: number[] = [];
  for (let round = 0; round < rounds; round++) {
    empty.push(node(['-e', '0']).milliseconds);
    small.push(node([CLI, 'generate', SMALL, '--out', join(folder, 'small')]).milliseconds);
  }
  console.log(
    `small spec: ${median(small).toFixed(0)} ms, empty process ${median(empty).toFixed(0)} ms, above it ${(median(small) - median(empty)).toFixed(0)} ms`,
  );
}

function scale(folder: string, size: Size): number {
  const spec = join(folder, 'postern.yaml');
  writeFileSync(spec, specText(size, TARGETS));
  const { milliseconds, megabytes } = node([CLI, 'generate', spec, '--out', join(folder, 'out')]);
  console.log(
    `${size.routes} routes, ${size.keys} keys, ${size.cidrs} CIDRs: ${milliseconds.toFixed(0)} ms, ${megabytes.toFixed(0)} MB`,
  );
  return milliseconds;
}

const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
try {
  startUp(folder, process.argv.includes('--quick') ? 5 : 17);
  const tenth = scale(folder, { routes: 1_000, keys: 10_000, cidrs: 10_000 });
  const whole = scale(folder, { routes: 10_000, keys: 100_000, cidrs: 100_000 });
  console.log(`ten times the input costs ${(whole / tenth).toFixed(1)} times`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
