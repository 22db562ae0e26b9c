import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { type Report, runFile } from '../runner/file.ts';
import { run } from './run.ts';
import { type Recipe, recipes } from './table.ts';
import { isWithin } from './version.ts';

const source = (ci: boolean) => `
  import { engineSuite } from '${new URL('./suite.ts', import.meta.url).href}';
  process.env.CI = '${ci}';
  const find = async (name) => (name === 'nginx' ? { path: '/nginx', version: '1.22.1' } : { missing: 'no network' });
  const there = await engineSuite('there', ['nginx'], find);
  there.test('has the engine', () => { if (there.engines.nginx.version !== '1.22.1') throw new Error(); });
  there.test.run();
  const { test } = await engineSuite('gone', ['nginx', 'caddy'], find);
  test.before(() => { throw new Error('started an engine that is missing'); });
  test('one', () => { throw new Error('ran'); });
  test('two', () => { throw new Error('ran'); });
  test.run();
`;

async function reportOf(text: string): Promise<Report> {
  const folder = await temporaryFolder();
  await folder.write('package.json', '{"type":"module"}');
  await folder.write('a.test.ts', text);
  const report = await runFile(folder.path, 'a.test.ts');
  await folder.remove();
  return report;
}

const missing = suite('a missing engine');
missing('is a reason to skip, and the reason is said', async () => {
  const { passed, failed, skipped, output } = await reportOf(source(false));
  assert.equal({ passed, failed, skipped }, { passed: 1, failed: 0, skipped: 2 }, output);
  assert.match(output, /^skipped: caddy not found \(no network\)$/m);
});
missing('is a failure where CI=true', async () => {
  const { passed, failed, skipped, output } = await reportOf(source(true));
  assert.equal({ passed, failed, skipped }, { passed: 1, failed: 1, skipped: 2 }, output);
  assert.match(output, 'caddy not found (no network)');
});
missing.run();

const hooks = suite('a hook');
hooks('that throws is a failure that shows what it threw', async () => {
  const { failed, output } = await reportOf(`
    import { engineSuite } from '${new URL('./suite.ts', import.meta.url).href}';
    const { test } = await engineSuite('broken', []);
    test.before(() => { throw new Error('nginx: [emerg] unknown directive'); });
    test('one', () => {});
    test.run();
  `);
  assert.is(failed, 1);
  assert.match(output, 'before hook: Error: nginx: [emerg] unknown directive');
});
hooks.run();

const table = suite('every recipe');
for (const [name, recipe] of Object.entries<Recipe>(recipes)) {
  table(`${name} pins a version that it would accept`, () => {
    const { origin } = recipe;
    assert.ok(origin.kind === 'debian' || isWithin(origin.version, recipe));
  });
}
table('is not fooled by a program that does not exist in a folder named after its version', async () => {
  assert.equal(await run('/nowhere/caddy-2.11.4/caddy', ['version']), { code: undefined, text: '' });
});
table.run();

const versions = suite('versions');
for (const [version, from, below, within] of [
  ['2.11.3', '2.11.3', undefined, true],
  ['2.11.4', '2.11.3', undefined, true],
  ['2.6.2', '2.11.3', undefined, false],
  ['1.12.0', '1.11.0', '1.12.0', false],
  ['1.11.13', '1.11.0', '1.12.0', true],
  ['10.0.0', '9.9.9', undefined, true],
] as const) {
  versions(`${version} from ${from} below ${below}`, () => {
    assert.is(isWithin(version, { from, ...(below === undefined ? {} : { below }) }), within);
  });
}
versions.run();
