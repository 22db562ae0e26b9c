/**
 * What it takes to prove the files of large specs, beside making them: each case in a process of its own, which says
 * what it needed at the end.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compile } from '../../src/compile.ts';
import { compareFiles } from '../../src/prove/files.ts';
import { targets } from '../../src/targets/index.ts';
import { specText } from './specs.ts';

const ENGINES = ['nginx', 'caddy'] as const;

/** Milliseconds of CPU, of all threads. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function measure(engine: string, routes: number): void {
  const text = specText({ routes, keys: 10, cidrs: 10 }, { [engine]: {} });
  const start = spent();
  const { policy, files } = compile(text, { file: 'bench.json', read: () => undefined });
  const made = spent() - start;
  const [proxy] = policy?.proxies ?? [];
  const readBack = targets.find(({ name }) => name === engine)?.readBack;
  if (!policy || !files || !proxy || readBack?.decides !== 'requests') throw new Error('nothing to prove');
  const { kind } = compareFiles(policy, proxy, { files, read: readBack.read });
  const proven = spent() - start - made;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${engine}, ${routes} routes: ${kind} in ${proven.toFixed(0)} ms of CPU, ${(proven / made).toFixed(0)} times making them, ${megabytes.toFixed(0)} MB`,
  );
}

const [engine, routes] = process.argv.slice(2);
if (routes !== undefined && engine !== undefined) measure(engine, Number(routes));
else {
  for (const size of engine === '--quick' ? ['100'] : ['100', '1000', '10000'])
    for (const one of ENGINES)
      spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), one, size], { stdio: 'inherit' });
}
