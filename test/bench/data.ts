/**
 * What enforcing a policy costs per request: the generated configuration against the same engine that only
 * forwards (`bare`), and against a hand-written allowlist (`seedStyle`), all running side by side and loaded
 * in turns, so that a busy machine slows every one of them alike. `--quick` and `--json FILE`.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startEngine } from '../../src/verify/engines.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts, startServer } from '../../src/verify/process.ts';
import { openScope, type Scope } from '../../src/verify/scope.ts';
import { engine } from '../engines/engine.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { type ConfigFile, type Engine, filesOf, type Kind, keyOf, type Setting } from './contenders.ts';
import { type Measured, measure, median } from './load.ts';
import { route } from './specs.ts';

interface Case {
  readonly bench: string;
  readonly name: string;
  readonly size: number;
  readonly setting: Omit<Setting, 'upstreamPort'>;
  /** Which route is asked for; undefined: a path that none of them has. */
  readonly route: number | undefined;
  readonly key: number;
}

interface Row {
  readonly bench: string;
  readonly engine: Engine;
  readonly case: string;
  readonly size: number;
  readonly control: Exclude<Kind, 'generated'>;
  /** Requests a second of the generated configuration over those of the control. */
  readonly ratio: number;
  readonly cpu: number;
  readonly controlCpu: number;
}

const quick = process.argv.includes('--quick');
const rounds = quick ? 2 : 5;
const small = { routes: 10, keys: 10, cidrs: 10 };

function cases(): Case[] {
  const sizes = quick ? [10, 1_000] : [10, 1_000, 10_000];
  const routes = sizes.flatMap((size) => {
    const setting = { ...small, routes: size };
    const common = { bench: 'routes', size, setting, key: 0 };
    // The last route of a shape that is read with GET.
    const last = size - 1 - ((size - 1) % 4 === 3 ? 1 : 0);
    return [
      { ...common, name: 'first', route: 0 },
      { ...common, name: 'last', route: last },
      { ...common, name: 'miss', route: undefined },
    ];
  });
  const keys = [10, quick ? 1_000 : 10_000].map((size) => ({
    bench: 'keys',
    name: 'last',
    size,
    setting: { ...small, keys: size },
    route: 0,
    key: size - 1,
  }));
  const cidrs = [10, quick ? 10_000 : 100_000].map((size) => ({
    bench: 'cidrs',
    name: 'last',
    size,
    setting: { ...small, cidrs: size },
    route: 0,
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
          route: 9_998,
          key: 9_999,
        },
      ];
  return [...routes, ...keys, ...cidrs, ...whole];
}

async function programOf(name: Parameters<typeof engine>[0]): Promise<string> {
  const found = await engine(name);
  if ('missing' in found) throw new Error(`${name}: ${found.missing}`);
  return found.path;
}

async function unpack(files: readonly ConfigFile[], scope: Scope): Promise<string> {
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  await chmod(folder.path, 0o711);
  for (const { path, text } of files) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  return folder.path;
}

/** An upstream that answers at once, in a process of its own. */
async function startUpstream(scope: Scope): Promise<number> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${name}_temp;`)
    .join(' ');
  const server = `server { listen 127.0.0.1:${port}; keepalive_requests 1000000; location / { default_type application/json; return 200 '{"id":1}'; } }`;
  const text = `pid nginx.pid; error_log stderr crit; worker_processes 1; events {} http { access_log off; ${temporary} ${server} }`;
  const folder = await unpack([{ path: 'nginx/nginx.conf', text }], scope);
  const cwd = join(folder, 'nginx');
  const running = await startServer({
    command: await programOf('nginx'),
    args: ['-p', `${cwd}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
    cwd,
    ready: { port },
  });
  scope.defer(() => running.stop());
  return port;
}

async function compare(name: Engine, one: Case, upstreamPort: number): Promise<Row[]> {
  const scope = openScope();
  try {
    const setting = { ...one.setting, upstreamPort };
    const kinds: readonly Kind[] = ['generated', 'bare', 'seedStyle'];
    const request = one.route === undefined ? 'GET /api/v4/nothing/like/this' : route(one.route).request;
    const headers = { 'PRIVATE-TOKEN': keyOf(one.key) };
    const running = new Map<Kind, { readonly url: string; readonly pid: number }>();
    for (const kind of kinds) {
      const port = await freePort();
      const folder = await unpack(filesOf(name, kind, setting, port), scope);
      const server = await startEngine(proxyTarget(name), {
        program: await programOf(name),
        folder,
        ready: () => accepts(port),
      });
      scope.defer(() => server.stop());
      running.set(kind, { url: `http://127.0.0.1:${port}${request.split(' ')[1]}`, pid: server.pid });
    }
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
  return (['bare', 'seedStyle'] as const).map((control) => ({
    bench: one.bench,
    engine: name,
    case: one.name,
    size: one.size,
    control,
    ratio: Number((of('generated', 'perSecond') / of(control, 'perSecond')).toFixed(3)),
    cpu: Number(of('generated', 'cpu').toFixed(1)),
    controlCpu: Number(of(control, 'cpu').toFixed(1)),
  }));
}

const scope = openScope();
try {
  const upstreamPort = await startUpstream(scope);
  const rows: Row[] = [];
  console.log(
    '| bench | engine | case | size | against | ratio | CPU µs | its CPU µs |\n| --- | --- | --- | --: | --- | --: | --: | --: |',
  );
  for (const name of ['nginx', 'caddy'] as const) {
    for (const one of cases()) {
      for (const row of await compare(name, one, upstreamPort)) {
        rows.push(row);
        console.log(
          `| ${row.bench} | ${row.engine} | ${row.case} | ${row.size} | ${row.control} | ${row.ratio} | ${row.cpu} | ${row.controlCpu} |`,
        );
      }
    }
  }
  const file = process.argv[process.argv.indexOf('--json') + 1];
  if (process.argv.includes('--json') && file) await writeFile(file, `${JSON.stringify(rows, null, 2)}\n`);
} finally {
  await scope.close();
}
