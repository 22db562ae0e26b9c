/**
 * What it takes to prove many guarantees of a large spec, against compiling it: each case in a process of its own, three
 * times.
 */
import { compile } from '../../src/compile.ts';
import { claimsOf } from '../../src/guarantees/claims.ts';
import { prove } from '../../src/guarantees/prove.ts';
import { cpuTime, inProcess, leastOf, NODE, tellParent } from './child.ts';
import { costRow, openBench } from './report.ts';
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
  const start = cpuTime();
  const { policy, composition } = compile(text, { file: 'bench.json', read });
  if (!policy || !composition) throw new Error('no policy');
  const compiled = cpuTime();
  const claims = claimsOf(composition.spec, policy, read, []).filter((claim) => claim.kind !== 'same');
  const proofs = prove(claims, policy) ?? [];
  const proven = cpuTime();
  const broken = proofs.filter(({ witness }) => witness).length;
  if (proofs.length !== count || broken !== 1) throw new Error(`${broken} of ${proofs.length} are broken`);
  tellParent({ cost: proven - compiled, control: compiled - start });
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
else {
  const bench = openBench();
  for (const size of bench.quick ? SIZES.slice(0, 1) : SIZES) {
    const [cost, memory] = leastOf(bench.quick ? 1 : 3, () => inProcess(import.meta.url, size.map(String)));
    const common = { bench: 'guarantees', engine: NODE, case: `${size[0]} routes, ${size[1]} keys`, size: size[2] };
    bench.add(costRow({ ...common, control: 'compiling', ...cost }));
    bench.add(costRow({ ...common, bench: 'guarantees MB', control: 'before', ...memory }));
  }
  bench.finish();
}
