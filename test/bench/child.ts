import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Cases that run in a process of their own, which says what it needed at the end. */
export interface Told {
  /** Milliseconds of processor time of what is measured, and of what it is held against. */
  readonly cost: number;
  readonly control: number;
  /** The most that it had in memory, and what it had before. */
  readonly megabytes: number;
  readonly megabytesBefore: number;
}

export const NODE = `node ${process.versions.node.split('.').slice(0, 2).join('.')}`;

/** Milliseconds of processor time of all threads so far. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const megabytesBefore = process.memoryUsage.rss() / 2 ** 20;

export function tellParent(told: Pick<Told, 'cost' | 'control'>): void {
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify({ ...told, megabytes, megabytesBefore } satisfies Told));
}

/** Runs a bench as a child that measures one case. */
export function inProcess(bench: string, args: readonly string[]): Told {
  const line = ['--import', 'tsx', fileURLToPath(bench), ...args];
  const { status, stdout } = spawnSync(process.execPath, line, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  const told: Told = JSON.parse(stdout);
  return told;
}

interface Costs {
  readonly cpu: number;
  readonly controlCpu: number;
}

/** The least time and memory of several runs, since others on the machine can only add to them. */
export function leastOf(rounds: number, run: () => Told): readonly [time: Costs, memory: Costs] {
  const all = Array.from({ length: rounds }, run);
  const least = (field: keyof Told) => Math.min(...all.map((told) => told[field]));
  const [best] = all.toSorted((a, b) => a.cost / a.control - b.cost / b.control);
  return [
    { cpu: best?.cost ?? Number.NaN, controlCpu: best?.control ?? Number.NaN },
    { cpu: least('megabytes'), controlCpu: least('megabytesBefore') },
  ];
}
