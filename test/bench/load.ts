import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What one run of load cost. */
export interface Measured {
  readonly perSecond: number;
  /** Microseconds of processor time of the proxy for each request. */
  readonly cpu: number;
}

export interface Load {
  readonly program: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly seconds: number;
  /** The proxy; its children count too. */
  readonly pid: number;
}

const TICKS_PER_SECOND = 100;

/** Seconds of processor time that a process and its children have used. */
export function cpuSeconds(pid: number): number {
  return ticks(pid) / TICKS_PER_SECOND;
}

function ticks(pid: number): number {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const fields = rest.split(' ');
  const own = Number(fields[11]) + Number(fields[12]);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return own + children.map(Number).reduce((sum, child) => sum + ticks(child), 0);
}

export function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child
      .on('error', reject)
      .on('close', (status) => (status === 0 ? resolve(text) : reject(new Error(`${command} ended with ${status}`))));
  });
}

/** Sixteen connections of wrk, for so many seconds. */
export async function measure({ program, url, headers, seconds, pid }: Load): Promise<Measured> {
  const before = cpuSeconds(pid);
  const named = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const text = await output(program, ['-t1', '-c16', `-d${seconds}s`, ...named, url]);
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  const used = cpuSeconds(pid) - before;
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), cpu: (used * 1e6) / requests };
}

export const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
