/**
 * What comparing two versions of a large spec costs, as a multiple of reading one of them: each case in a
 * process of its own, which says what it needed at the end.
 */
import { diffAccess } from '../../src/accessDiff/diff.ts';
import { compile } from '../../src/compile.ts';
import type { Policy } from '../../src/policy/types.ts';
import { cpuTime, inProcess, leastOf, NODE, tellParent } from './child.ts';
import { costRow, openBench } from './report.ts';
import { specText } from './specs.ts';

interface Spec {
  readonly name: string;
  routes: { main: { allow: string[] } };
  apiKeys: Record<string, { ipRanges?: string[]; routes?: string[] }>;
}

/** What is different in the other version. */
const EDITS: Readonly<Record<string, (spec: Spec) => void>> = {
  nothing: () => {},
  'the order': ({ routes }) => void routes.main.allow.reverse(),
  'one route': ({ routes }) => void routes.main.allow.push('GET /api/v4/new'),
  'one route in a hundred': ({ routes }) => edit(routes.main.allow, 100),
  'every route': ({ routes }) => edit(routes.main.allow, 1),
  'every key': ({ apiKeys }) => {
    for (const key of Object.values(apiKeys)) key.ipRanges = ['10.0.0.0/30'];
  },
};

function edit(allow: string[], step: number): void {
  for (let index = 0; index < allow.length; index += step) allow[index] = `${allow[index]}/more`;
}

function policyOf(text: string): Policy {
  const { policy, diagnostics } = compile(text, { file: 'bench.json', read: () => undefined });
  if (!policy) throw new Error(diagnostics[0]?.message);
  return policy;
}

function timed<T>(work: () => T): readonly [T, milliseconds: number] {
  const start = cpuTime();
  const value = work();
  return [value, cpuTime() - start];
}

function measure(routes: number, name: string): void {
  const text = specText({ routes, keys: 1000, cidrs: 1000 }, {});
  const other = JSON.parse(text) as Spec;
  EDITS[name]?.(other);
  const [before, reading] = timed(() => policyOf(text));
  const after = policyOf(JSON.stringify(other));
  const [{ value: changes = [] }, comparing] = timed(() => diffAccess(before, after));
  if (changes.length === 0 && CHANGING.test(name)) throw new Error(`${name}: no change found`);
  tellParent({ cost: comparing, control: reading });
}

const CHANGING = /^one|^every/;

const [routes, name] = process.argv.slice(2);
if (name !== undefined) measure(Number(routes), name);
else {
  const bench = openBench();
  for (const size of bench.quick ? [10_000] : [10_000, 100_000])
    for (const one of Object.keys(EDITS)) {
      const [cost, memory] = leastOf(1, () => inProcess(import.meta.url, [String(size), one]));
      const common = { bench: 'access', engine: NODE, case: one, size };
      bench.add(costRow({ ...common, control: 'reading one spec', ...cost }));
      bench.add(costRow({ ...common, bench: 'access MB', control: 'before', ...memory }));
    }
  bench.finish();
}
