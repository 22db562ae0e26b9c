/**
 * What comparing two versions of a large spec costs, as a multiple of reading one of them: each case in a
 * process of its own, which says what it needed at the end.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { diffAccess } from '../../src/accessDiff/diff.ts';
import { compile } from '../../src/compile.ts';
import type { Policy } from '../../src/policy/types.ts';
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
  const start = performance.now();
  const value = work();
  return [value, performance.now() - start];
}

function measure(routes: number, name: string): void {
  const text = specText({ routes, keys: 1000, cidrs: 1000 }, {});
  const other = JSON.parse(text) as Spec;
  EDITS[name]?.(other);
  const [before, reading] = timed(() => policyOf(text));
  const after = policyOf(JSON.stringify(other));
  const [{ value: changes = [] }, comparing] = timed(() => diffAccess(before, after));
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const ratio = (comparing / reading).toFixed(2);
  console.log(
    `${routes} routes, ${name}: ${changes.length} changes, ${comparing.toFixed(0)} ms, ${ratio} of reading one spec, ${megabytes.toFixed(0)} MB`,
  );
}

const [routes, name] = process.argv.slice(2);
if (name !== undefined) measure(Number(routes), name);
else {
  for (const size of ['10000', '100000'])
    for (const one of Object.keys(EDITS))
      spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url), size, one], { stdio: 'inherit' });
}
