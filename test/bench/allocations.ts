/**
 * Bytes and objects that Caddy allocates for one request: counts that hardly any other load on the machine can move. Its
 * admin API tells them.
 */
import { get } from 'node:http';
import { startEngine } from '../../src/verify/engines.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { openScope } from '../../src/verify/scope.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { filesOf, type Kind, keyOf, type Setting } from './contenders.ts';
import { checkDecisions } from './decisions.ts';
import { output } from './load.ts';
import { costRow, openBench } from './report.ts';
import { casesOfRoutes, programOf, startUpstream, unpack } from './running.ts';

interface Count {
  readonly bytes: number;
  readonly objects: number;
}

async function allocated(admin: number): Promise<Count> {
  // `fetch` says that it comes from a page, which Caddy refuses.
  const text = await new Promise<string>((resolve, reject) => {
    get({ host: '127.0.0.1', port: admin, path: '/metrics' }, (answer) => {
      let all = '';
      answer
        .setEncoding('utf8')
        .on('data', (part: string) => (all += part))
        .on('end', () => resolve(all))
        .on('error', reject);
    }).on('error', reject);
  });
  const of = (name: string) => Number(new RegExp(`^go_memstats_${name}_total (\\S+)$`, 'm').exec(text)?.[1]);
  return { bytes: of('alloc_bytes'), objects: of('mallocs') };
}

async function count(
  kind: Kind,
  setting: Setting,
  cases: readonly { readonly name: string; readonly request: string }[],
): Promise<ReadonlyMap<string, Count>> {
  const scope = openScope();
  try {
    const port = await freePort();
    const admin = await freePort();
    const files = filesOf('caddy', kind, setting, port).map(({ path, text }) => ({
      path,
      text: text.replace(/^\tadmin .*$/m, `\tadmin 127.0.0.1:${admin}`),
    }));
    const folder = await unpack(files, scope);
    const program = await programOf('caddy');
    const server = await startEngine(proxyTarget('caddy'), { program, folder, ready: () => accepts(port) });
    scope.defer(() => server.stop());
    if (kind === 'generated') await checkDecisions(setting, port);
    const counts = new Map<string, Count>();
    for (const { name, request } of cases) {
      await load(port, request);
      const before = await allocated(admin);
      const requests = await load(port, request);
      const after = await allocated(admin);
      const each = (field: keyof Count) => (after[field] - before[field]) / requests;
      counts.set(name, { bytes: each('bytes'), objects: each('objects') });
    }
    return counts;
  } finally {
    await scope.close();
  }
}

async function load(port: number, request: string): Promise<number> {
  const options = ['-t1', '-c1', '-d1s', '-H', `PRIVATE-TOKEN: ${keyOf(0)}`];
  const text = await output(await programOf('wrk'), [...options, `http://127.0.0.1:${port}${request.split(' ')[1]}`]);
  return Number(/(\d+) requests in/.exec(text)?.[1]);
}

const bench = openBench();
const scope = openScope();
try {
  const upstreamPort = await startUpstream(scope);
  const small = { routes: 10, keys: 10, cidrs: 10, upstreamPort };
  const [first = { name: '', request: '' }] = casesOfRoutes(1);
  const controls = ['bare', 'sameWork'] as const;
  const others = new Map<string, Count | undefined>();
  for (const control of controls) others.set(control, (await count(control, small, [first])).get('first'));
  for (const size of bench.quick ? [10, 1_000] : [10, 1_000, 10_000])
    for (const [name, own] of await count('generated', { ...small, routes: size }, casesOfRoutes(size)))
      for (const control of controls)
        for (const field of ['bytes', 'objects'] as const) {
          const controlCpu = others.get(control)?.[field] ?? Number.NaN;
          bench.add(costRow({ bench: field, engine: 'caddy', case: name, size, control, cpu: own[field], controlCpu }));
        }
  for (const proxies of bench.quick ? [100] : [10, 100, 200])
    for (const [, own] of await count('generated', { ...small, routes: 10, proxies }, [first]))
      for (const control of controls)
        for (const field of ['bytes', 'objects'] as const) {
          const controlCpu = others.get(control)?.[field] ?? Number.NaN;
          const row = { case: 'proxies', size: proxies, control, cpu: own[field], controlCpu };
          bench.add(costRow({ bench: field, engine: 'caddy', ...row }));
        }
  bench.finish();
} finally {
  await scope.close();
}
