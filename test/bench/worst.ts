/**
 * What hostile requests cost beside a short one: nginx and Caddy with 1,000 routes, 1,000 keys and 1,000 address ranges,
 * and the same engines that only forward (`bare`), in microseconds of processor time a request. What is timed has the
 * status that the evaluator says. `--quick`; `--only nginx` or `caddy`.
 */
import { connect } from 'node:net';

import { startEngine } from '../../src/verify/engines.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { openScope, type Scope } from '../../src/verify/scope.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { type Engine, filesOf, keyOf } from './contenders.ts';
import { decidedBy } from './decisions.ts';
import { cpuSeconds } from './load.ts';
import { costRow, openBench } from './report.ts';
import { programOf, startUpstream, unpack } from './running.ts';
import { route } from './specs.ts';

const SIZE = 16_000;
const size = { routes: 1_000, keys: 1_000, cidrs: 1_000 };
const bench = openBench();
const requests = bench.quick ? 8_000 : 40_000;
const LANES = 8;

const repeated = (text: string) => text.repeat(Math.ceil(SIZE / text.length)).slice(0, SIZE);
const { request } = route(0);
const [, path = ''] = request.split(' ');

interface Hostile {
  readonly name: string;
  readonly target?: string;
  readonly header?: readonly [string, string];
  readonly key?: string;
}

const CASES: readonly Hostile[] = [
  { name: 'short' },
  { name: 'short, no route', target: '/api/v4/nothing/like/this' },
  { name: 'target, nearly a route', target: path.replace('4242', repeated('group%2F')) },
  { name: 'target of letters', target: `/api/v4/${repeated('a')}` },
  { name: 'target of slashes', target: repeated('/') },
  { name: 'target of short segments', target: repeated('/a') },
  { name: 'target of escapes', target: `/${'%41'.repeat(SIZE / 3)}` },
  { name: 'target of dots', target: repeated('/..;') },
  { name: 'query of letters', target: `${path}?a=${repeated('b')}` },
  { name: 'query of pairs', target: `${path}?${repeated('a=b&')}a=b` },
  { name: 'query of escapes', target: `${path}?a=${repeated('%41')}` },
  { name: 'query of brackets', target: `${path}?a${repeated('[b]')}` },
  { name: 'query of names, nearly forbidden', target: `${path}?${repeated('runner_toke&')}a=b` },
  { name: 'key', key: repeated('k') },
  { name: 'cookie', header: ['Cookie', repeated('a=b; ')] },
  { name: 'accept', header: ['Accept', repeated('a/b, ')] },
  { name: 'forwarded', header: ['X-Forwarded-For', repeated('10.0.0.1, ')] },
  { name: 'type', header: ['Content-Type', repeated('a')] },
];

function headOf({ target = path, header, key = keyOf(0) }: Hostile): string {
  const lines = ['Host: 127.0.0.1', `PRIVATE-TOKEN: ${key}`, ...(header ? [header.join(': ')] : [])];
  return `GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** Sends a request on a connection that is kept while the engine keeps it; returns the status. */
function lane(port: number, head: string, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let left = count;
    let status = 0;
    const open = (): void => {
      let text = '';
      let isClosed = false;
      const socket = connect(port, '127.0.0.1', () => socket.write(head));
      socket.setNoDelay(true).setEncoding('latin1');
      socket.on('error', () => {});
      socket.on('data', (part: string) => {
        text += part;
        for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
          const answer = text.slice(0, end);
          const body = Number(/\r\ncontent-length: (\d+)/i.exec(answer)?.[1] ?? 0);
          if (text.length < end + 4 + body) return;
          text = text.slice(end + 4 + body);
          status = Number(answer.slice(9, 12));
          left -= 1;
          if (left <= 0 || /\r\nconnection: close/i.test(answer)) {
            isClosed = true;
            socket.destroy();
            break;
          }
          socket.write(head);
        }
      });
      socket.on('close', () => {
        if (!isClosed) left -= 1;
        if (left <= 0) resolve(status);
        else open();
      });
    };
    setTimeout(() => reject(new Error(`no answer within two minutes: ${head.slice(0, 80)}`)), 120_000).unref();
    open();
  });
}

const decided = decidedBy(size);

function expected({ target = path, header, key }: Hostile): number {
  const headers = [...(header ? [header] : []), ...(key === undefined ? [] : [['PRIVATE-TOKEN', key] as const])];
  const caller = key === undefined && { apiKey: 'caller-0' };
  return decided({ method: 'GET', target, headers, ...caller });
}

async function costOf(one: Hostile, { port, pid }: { readonly port: number; readonly pid: number }) {
  const head = headOf(one);
  const status = await lane(port, head, 20);
  const before = cpuSeconds(pid);
  await Promise.all(Array.from({ length: LANES }, () => lane(port, head, requests / LANES)));
  return { cpu: ((cpuSeconds(pid) - before) * 1e6) / requests, status };
}

async function started(engine: Engine, kind: 'generated' | 'bare', upstreamPort: number, scope: Scope) {
  const port = await freePort();
  const folder = await unpack(filesOf(engine, kind, { ...size, upstreamPort }, port), scope);
  const server = await startEngine(proxyTarget(engine), {
    program: await programOf(engine),
    folder,
    ready: () => accepts(port),
  });
  scope.defer(() => server.stop());
  return { port, pid: server.pid };
}

const scope = openScope();
try {
  const upstreamPort = await startUpstream(scope);
  for (const engine of (['nginx', 'caddy'] as const).filter((each) => (bench.only ?? each) === each)) {
    const [own, bare] = [
      await started(engine, 'generated', upstreamPort, scope),
      await started(engine, 'bare', upstreamPort, scope),
    ];
    const short = { own: 0, bare: 0 };
    for (const one of CASES) {
      const [mine, control] = [await costOf(one, own), await costOf(one, bare)];
      if (mine.status !== expected(one))
        throw new Error(`${engine}, ${one.name}: ${mine.status} in place of ${expected(one)}`);
      if (one === CASES[0]) Object.assign(short, { own: mine.cpu, bare: control.cpu });
      const times = (cost: number, least: number) => (cost / least).toFixed(1);
      console.log(
        `${engine} ${one.name}: ${mine.status} ${times(mine.cpu, short.own)} times short; bare ${control.status} ${times(control.cpu, short.bare)} times`,
      );
      bench.add(
        costRow({
          bench: 'worst',
          engine,
          case: one.name,
          size: SIZE,
          control: 'bare',
          cpu: mine.cpu,
          controlCpu: control.cpu,
        }),
      );
    }
  }
  bench.finish();
} finally {
  await scope.close();
}
