/**
 * What it takes to prove many guarantees of a large spec, beside compiling it: each case in a process of its own, three
 * times.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compile } from '../../src/compile.ts';
import { claimsOf } from '../../src/guarantees/claims.ts';
import { prove } from '../../src/guarantees/prove.ts';
import { specText } from './specs.ts';

const KINDS = [
  (n: number) => ({ never: `DELETE /api/v4/area${n % 97}/{id}/other/{rest*}` }),
  (n: number) => ({ never: { request: `* /api/v4/area${n % 97}/{id}/secrets`, reason: 'secrets of others' } }),
  (n: number) => ({ only: { request: `GET /api/v4/area${n % 97}/{any*}`, from: ['@clients'] } }),
  (n: number) => ({
    always: { request: `GET /api/v4/area${(n * 4) % 97}/{id:int}/thing${n * 4}`, keys: ['caller-0'] },
  }),
];

/** Guarantees about all paths of an area, each about a hundred of 10,000 routes; the last one is broken. */
function guarantees(count: number): object[] {
  const kept = Array.from({ length: count - 1 }, (_, n) => KINDS[n % KINDS.length]?.(n) ?? {});
  return [...kept, { never: '* /api/v4/{any*}' }];
}

function measure(routes: number, keys: number, count: number): void {
  const text = JSON.stringify({
    ...JSON.parse(specText({ routes, keys, cidrs: 1000 }, {})),
    guarantees: guarantees(count),
  });
  const read = () => undefined;
  const start = performance.now();
  const { policy, composition } = compile(text, { file: 'bench.json', read });
  if (!policy || !composition) throw new Error('no policy');
  const compiled = performance.now();
  const claims = claimsOf(composition.spec, policy, read, []).filter((claim) => claim.kind !== 'same');
  const proofs = prove(claims, policy) ?? [];
  const proven = performance.now();
  const broken = proofs.filter(({ witness }) => witness).length;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${routes} routes, ${keys} keys, ${proofs.length} guarantees, ${broken} broken: ${(proven - compiled).toFixed(0)} ms after ${(compiled - start).toFixed(0)} ms of compiling, ${megabytes.toFixed(0)} MB`,
  );
}

const SIZES = [
  [1_000, 100, 100],
  [10_000, 100, 10],
  [10_000, 100, 100],
  [10_000, 10_000, 100],
  [10_000, 100, 1_000],
] as const;

const [routes, keys, count] = process.argv.slice(2).map(Number);
if (routes !== undefined && keys !== undefined && count !== undefined) measure(routes, keys, count);
else
  for (const size of SIZES)
    for (let time = 0; time < 3; time += 1)
      spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), ...size.map(String)], {
        stdio: 'inherit',
      });
