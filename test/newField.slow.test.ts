import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { AccessChange } from '../src/accessDiff/types.ts';
import type { Policy } from '../src/policy/types.ts';
import type { Spec } from '../src/spec/schema.ts';
import { temporaryFolder } from '../src/verify/folder.ts';

/** A field that nobody has heard of, added to each record in a copy of the sources. */
const RECORDS = {
  Forwarding: { type: 'toy: boolean', table: ['routes.ts', 'FORWARDING'] },
  Proxy: { type: 'toy?: string', table: ['proxies.ts', 'PROXY'] },
  ApiKey: { type: 'toy?: string', table: ['apiKeys.ts', 'API_KEY'] },
  Upstream: { type: 'toy?: string', table: ['upstreams.ts', 'UPSTREAM'] },
  DomainRewrite: { type: 'toy?: string', table: ['domains.ts', 'DOMAIN_REWRITE'] },
  RegistryRewrite: { type: 'toy?: string', table: ['registries.ts', 'REGISTRY_REWRITE'] },
} as const;

/** Schemas with one more field, and what has to say how it touches access. */
const OPTIONS = [
  ['spec/schema.ts', 'apiKeyHeader: headerName', 'src/accessDiff/spec.ts'],
  ['targets/nginx/options.ts', 'workerProcesses: z', 'src/targets/nginx/options.ts'],
  ['targets/coredns/options.ts', 'port: port', 'src/targets/coredns/options.ts'],
] as const;

const root = fileURLToPath(new URL('../', import.meta.url));
const { path: copy, remove } = await temporaryFolder();
cpSync(join(root, 'src'), join(copy, 'src'), { recursive: true });
cpSync(join(root, 'tsconfig.json'), join(copy, 'tsconfig.json'));
cpSync(join(root, 'package.json'), join(copy, 'package.json'));
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

function edit(file: string, from: string, to: string): void {
  const path = join(copy, 'src', file);
  const text = readFileSync(path, 'utf8');
  assert.ok(text.includes(from), `${file} has no ${from}`);
  writeFileSync(path, text.replace(from, to));
}

const test = suite('a new field');

test('does not compile until every place knows it', () => {
  for (const [record, { type }] of Object.entries(RECORDS))
    edit('policy/types.ts', `export interface ${record} {`, `export interface ${record} {\n  readonly ${type};`);
  for (const [file, beside] of OPTIONS) edit(file, beside, `toy: z.string().optional(), ${beside}`);
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.', '--noEmit', '--pretty', 'false'], {
    cwd: copy,
    encoding: 'utf8',
  });
  const complaints = stdout.split('\n').filter((line) => line.startsWith('src/'));
  const files = complaints.map((line) => line.replace(/\(.*/, ''));
  const tables = Object.values(RECORDS).map(({ table: [file] }) => `src/policy/${file}`);
  const places = [
    ...tables,
    'src/commands/explainRequest.ts',
    'src/verify/compareUpstream.ts',
    'src/targets/nginx/run.ts',
    'src/targets/caddy/run.ts',
    ...OPTIONS.map(([, , declares]) => declares),
  ];
  assert.equal(
    places.filter((place) => !files.includes(place)),
    [],
  );
  // Each engine is asked about each record.
  for (const engine of ['nginx', 'caddy'])
    assert.is(files.filter((file) => file === `src/targets/${engine}/run.ts`).length, 5, engine);
});

/** The copy, with what the compiler asked for: the field in each table, and a way into the first record. */
async function withToys() {
  for (const { table } of Object.values(RECORDS)) {
    const [file, name] = table;
    const path = join(copy, 'src/policy', file);
    const entry = "{ words: 'the toy', kind: 'headers', compare: () => [{ effect: 'unclear', words: 'has a toy' }] }";
    const text = readFileSync(path, 'utf8').replace(
      new RegExp(`(export const ${name}: .* = \\{\n)`),
      `$1  toy: ${entry},\n`,
    );
    writeFileSync(path, text);
  }
  edit(
    'policy/routes.ts',
    '    upstream: group.upstream,\n',
    "    upstream: group.upstream,\n    toy: entry.reason === 'toy',\n",
  );
  for (const [file, table] of [
    ['policy/routes.ts', 'VARIANT'],
    ['plan/forwards.ts', 'NAMED'],
  ] as const) {
    const path = join(copy, 'src', file);
    const text = readFileSync(path, 'utf8').replace(
      new RegExp(`(const ${table}: .* = \\{\n)`),
      "$1  toy: (toy) => (toy ? 'toy' : ''),\n",
    );
    writeFileSync(path, text);
  }
  const load = async (file: string) => tsImport(pathToFileURL(join(copy, 'src', file)).href, import.meta.url);
  const { resolvePolicy }: typeof import('../src/policy/resolve.ts') = await load('policy/resolve.ts');
  const { accessOf }: typeof import('../src/policy/access.ts') = await load('policy/access.ts');
  const { diffAccess }: typeof import('../src/accessDiff/diff.ts') = await load('accessDiff/diff.ts');
  const { forwardsOf }: typeof import('../src/plan/forwards.ts') = await load('plan/forwards.ts');
  return { resolvePolicy, accessOf, diffAccess, forwardsOf };
}

const specOf = (allow: readonly object[]) =>
  ({
    version: 1,
    name: 'toys',
    upstreams: { u: { url: 'https://u.example.com' } },
    routes: { r: { upstream: 'u', allow } },
    apiKeys: { k: { key: 'env:K', token: 'env:T' } },
    proxies: { api: { listen: 8080, ipRanges: 'any' } },
    domainRewrites: [
      { from: 'a.example.com', to: 'b.example.com' },
      { from: 'c.example.com:5050', to: 'd.example.com:5050', containerRegistry: true },
    ],
  }) as unknown as Spec;
const toy = { request: 'GET /a', reason: 'toy' };
const plain = { request: 'GET /b' };

test('keeps routes apart and names them apart, makes overlaps a conflict and shows in the access diff', async () => {
  const { resolvePolicy, accessOf, diffAccess, forwardsOf } = await withToys();
  const policyOf = (allow: readonly object[]): Policy => {
    const { value, diagnostics } = resolvePolicy(specOf(allow), () => undefined);
    if (!value) throw new Error(diagnostics[0]?.message);
    return value;
  };
  const both = policyOf([toy, plain]);
  const proxy = both.proxies[0];
  const access = proxy && accessOf(proxy);
  assert.equal(access?.classes.map(({ id }) => id).sort(), ['r', 'r~toy']);
  assert.is(access && forwardsOf(access, both).all.length, 2);
  const overlap = resolvePolicy(specOf([toy, { request: 'GET /{x}' }]), () => undefined).diagnostics;
  assert.equal(
    overlap.map(({ code, message }) => `${code}: ${message}`),
    ['policy/overlap-conflict: two patterns match GET /a but disagree on the toy'],
  );
  const changes = (after: Policy): readonly AccessChange[] => diffAccess(both, after).value ?? [];
  assert.match(changes(policyOf([{ request: 'GET /a' }, plain]))[0]?.message ?? '', /GET \/a has a toy/);
  const lists = { proxies: 'proxy', apiKeys: 'key', upstreams: 'upstream', rewrites: '', registries: '' } as const;
  for (const list of Object.keys(lists) as (keyof typeof lists)[]) {
    const other = { ...both, [list]: both[list].map((one) => ({ ...one, toy: 'x' })) };
    assert.ok(
      changes(other).some(({ effect, message }) => effect === 'unclear' && message.includes('has a toy')),
      list,
    );
  }
  await remove();
});

test.run();
