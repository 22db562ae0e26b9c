/**
 * Instructions that nginx takes for one request: a count that no other load on the machine can move. Needs valgrind.
 * `--quick` leaves out 10,000 routes.
 */
import { readdir, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../../src/verify/ports.ts';
import { startServer } from '../../src/verify/process.ts';
import { openScope } from '../../src/verify/scope.ts';
import { mustRun } from '../engines/run.ts';
import { filesOf, type Kind, keyOf, type Setting } from './contenders.ts';
import { costRow, openBench, type Row } from './report.ts';
import { casesOfRoutes, casesOfShadow, programOf, startUpstream, unpack } from './running.ts';

/** For a shadow the control is `generated`, what is generated without one. */
function rowOf(row: Omit<Row, 'bench' | 'engine' | 'ratio'>): Row {
  return costRow({ bench: 'instructions', engine: 'nginx', ...row });
}

const WARM = 50;
const COUNTED = 200;

/**
 * Clearing and copying of long stretches is done by one instruction that valgrind counts once a byte, unless the C
 * library is told to do it in steps.
 */
const IN_STEPS = 'glibc.cpu.x86_rep_stosb_threshold=1000000000:glibc.cpu.x86_rep_movsb_threshold=1000000000';

async function ask(port: number, line: string, times: number): Promise<void> {
  const [method = 'GET', path = '/'] = line.split(' ');
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let number = 0; number < times; number++)
    await new Promise<void>((resolve, reject) => {
      const headers = { 'PRIVATE-TOKEN': keyOf(0) };
      const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (answer) => {
        answer.resume().on('end', resolve).on('error', reject);
      });
      sent.on('error', reject).end();
    });
  agent.destroy();
}

/** The counts of a dump that callgrind was just asked for. */
async function newestDump(folder: string): Promise<number> {
  const dumps = (await readdir(folder)).filter((name) => /^counts\.\d+$/.test(name));
  const newest = Math.max(...dumps.map((name) => Number(name.split('.')[1])));
  const text = await readFile(join(folder, `counts.${newest}`), 'utf8');
  return Number(/^(?:summary|totals): (\d+)/m.exec(text)?.[1]);
}

async function count(
  kind: Kind,
  size: Pick<Setting, 'routes' | 'proxies'>,
  upstreamPort: number,
  cases: readonly { readonly name: string; readonly request: string }[],
): Promise<ReadonlyMap<string, number>> {
  const scope = openScope();
  try {
    const port = await freePort();
    const folder = await unpack(filesOf('nginx', kind, { ...size, keys: 10, cidrs: 10, upstreamPort }, port), scope);
    const cwd = join(folder, 'nginx');
    const own = ['-p', `${cwd}/`, '-c', 'nginx.conf', '-g', 'daemon off; master_process off;'];
    const valgrind = ['-q', '--tool=callgrind', '--trace-children=yes', '--callgrind-out-file=counts'];
    const server = await startServer({
      command: 'valgrind',
      args: [...valgrind, await programOf('nginx'), ...own],
      cwd,
      env: { ...process.env, GLIBC_TUNABLES: IN_STEPS },
      ready: { port },
      patience: 300_000,
    });
    scope.defer(() => server.stop());
    const counts = new Map<string, number>();
    for (const { name, request: line } of cases) {
      await ask(port, line, WARM);
      await mustRun('callgrind_control', ['-z', String(server.pid)]);
      await ask(port, line, COUNTED);
      await mustRun('callgrind_control', ['-d', String(server.pid)]);
      counts.set(name, Math.round((await newestDump(cwd)) / COUNTED));
    }
    return counts;
  } finally {
    await scope.close();
  }
}

const bench = openBench();
const scope = openScope();
try {
  const upstreamPort = await startUpstream(scope);
  const sizes = bench.quick ? [10, 1_000] : [10, 1_000, 10_000];
  const [first = { name: '', request: '' }] = casesOfRoutes(1);
  const bare = (await count('bare', { routes: 10 }, upstreamPort, [first])).get('first') ?? Number.NaN;
  const sameWork = (await count('sameWork', { routes: 10 }, upstreamPort, [first])).get('first') ?? Number.NaN;
  for (const size of sizes) {
    for (const [name, cpu] of await count('generated', { routes: size }, upstreamPort, casesOfRoutes(size))) {
      bench.add(rowOf({ case: name, size, control: 'bare', cpu, controlCpu: bare }));
      bench.add(rowOf({ case: name, size, control: 'sameWork', cpu, controlCpu: sameWork }));
    }
  }
  for (const size of sizes) {
    const without = await count('generated', { routes: size }, upstreamPort, casesOfShadow(size));
    for (const [name, cpu] of await count('shadowed', { routes: size }, upstreamPort, casesOfShadow(size))) {
      const controlCpu = without.get(name) ?? Number.NaN;
      bench.add(rowOf({ case: name, size, control: 'generated', cpu, controlCpu }));
    }
  }
  for (const proxies of bench.quick ? [100] : [10, 100, 200]) {
    const cpu = (await count('generated', { routes: 10, proxies }, upstreamPort, [first])).get('first') ?? Number.NaN;
    bench.add(rowOf({ case: 'proxies', size: proxies, control: 'bare', cpu, controlCpu: bare }));
    bench.add(rowOf({ case: 'proxies', size: proxies, control: 'sameWork', cpu, controlCpu: sameWork }));
  }
  bench.finish();
} finally {
  await scope.close();
}
