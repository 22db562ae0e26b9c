/**
 * What it takes to prove the files of large specs, beside making them: each case in a process of its own, which says
 * what it needed at the end.
 */
import { compile } from '../../src/compile.ts';
import { compareFiles } from '../../src/prove/files.ts';
import { targets } from '../../src/targets/index.ts';
import { cpuTime, inProcess, leastOf, tellParent } from './child.ts';
import { costRow, openBench } from './report.ts';
import { specText } from './specs.ts';

const ENGINES = ['nginx', 'caddy'] as const;

function measure(engine: string, routes: number): void {
  const text = specText({ routes, keys: 10, cidrs: 10 }, { [engine]: {} });
  const start = cpuTime();
  const { policy, files } = compile(text, { file: 'bench.json', read: () => undefined });
  const made = cpuTime() - start;
  const [proxy] = policy?.proxies ?? [];
  const readBack = targets.find(({ name }) => name === engine)?.readBack;
  if (!policy || !files || !proxy || readBack?.decides !== 'requests') throw new Error('nothing to prove');
  const { kind } = compareFiles(policy, proxy, { files, read: readBack.read });
  const proven = cpuTime() - start - made;
  if (kind !== 'proved') throw new Error(`${engine}, ${routes} routes: ${kind}`);
  tellParent({ cost: proven, control: made });
}

const [engine, routes] = process.argv.slice(2);
if (routes !== undefined && engine !== undefined) measure(engine, Number(routes));
else {
  const bench = openBench();
  for (const size of bench.quick ? [100] : [100, 1_000, 10_000])
    for (const one of ENGINES) {
      const [cost, memory] = leastOf(1, () => inProcess(import.meta.url, [one, String(size)]));
      const common = { bench: 'prove', engine: one, case: 'routes', size };
      bench.add(costRow({ ...common, control: 'making them', ...cost }));
      bench.add(costRow({ ...common, bench: 'prove MB', control: 'before', ...memory }));
    }
  bench.finish();
}
