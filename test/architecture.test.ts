import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { targets } from '../src/targets/index.ts';
import { temporaryFolder } from '../src/verify/folder.ts';

/** Everything directly under src/, in the order of the pipeline: each imports only from itself and from what stands before it. */
const layers = [
  'version.ts',
  'templatesRoot.ts',
  'diagnostics',
  'source',
  'spec',
  'compose',
  'policy',
  'accessDiff',
  'guarantees',
  'rules',
  'plan',
  'prove',
  'render',
  'import',
  'targets',
  'output',
  'report',
  'compile.ts',
  'secrets',
  'verify',
  'commands',
  'library.ts',
  'index.ts',
  'cli.ts',
];
/** Each wrapped in one file, so that replacing it is a change of one file. */
const wrapped = ['nunjucks', 'diff', 'yargs', 'prettier'];
const longestFile = 450;

const root = fileURLToPath(new URL('../', import.meta.url));
type Sources = ReadonlyMap<string, string>;

function sourcesIn(folder: string): Sources {
  const names = readdirSync(join(root, folder), { recursive: true }).map((name) => posix.join(folder, String(name)));
  return new Map(
    names.filter((name) => name.endsWith('.ts')).map((name) => [name, readFileSync(join(root, name), 'utf8')]),
  );
}

function importsOf(text: string): string[] {
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier ?? '');
}

function eachImport(sources: Sources): { file: string; specifier: string; target: string }[] {
  return [...sources].flatMap(([file, text]) =>
    importsOf(text).map((specifier) => ({
      file,
      specifier,
      target: specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier) : specifier,
    })),
  );
}

function wrongDirections(sources: Sources): string[] {
  const rank = (file: string) => layers.indexOf(file.split('/')[1] ?? '');
  const homeless = [...sources.keys()].filter((file) => rank(file) < 0).map((file) => `${file} is in no layer`);
  const backwards = eachImport(sources)
    .filter(({ file, target }) => target.startsWith('src/') && rank(target) > rank(file))
    .map(({ file, target }) => `${file} imports ${target}`);
  return [...homeless, ...backwards];
}

function targetsThatImportEachOther(sources: Sources): string[] {
  const targetOf = (file: string) => /^src\/targets\/([^/]+)\//.exec(file)?.[1];
  return eachImport(sources)
    .filter(({ file, target }) => targetOf(file) && targetOf(target) && targetOf(file) !== targetOf(target))
    .map(({ file, target }) => `${file} imports ${target}`);
}

/** Targets that have the name of a section of the spec, which code may say. */
const sections = ['ipRanges', 'vault'];

/** Code that knows a target by its name. Sentences may: "such as nginx". */
function targetsNamedOutside(sources: Sources, targets: readonly string[]): string[] {
  const names = targets.filter((name) => !sections.includes(name));
  const any = names.join('|');
  const home = new RegExp(`^src/targets/(?:list\\.ts$|(?:${targets.join('|')})/)`);
  const named = new RegExp(`(['"\`])/?(?:${any})(?:/[^'"\`]*)?\\1|\\.(?:${any})(?![\\w.])|/targets/(?:${any})/`);
  return [...sources].flatMap(([file, text]) => {
    const line = home.test(file)
      ? undefined
      : text.split('\n').find((each) => named.test(each) && !/^ *(?:\/\*\*|\*|\/\/)/.test(each));
    return line === undefined ? [] : [`${file}: ${line.trim()}`];
  });
}

/** Files that import each other in a ring, types included: whatever is left once nobody's imports and nobody's importers are gone. */
function importRings(sources: Sources): string[] {
  const left = new Set(sources.keys());
  const imports = eachImport(sources).filter(({ target }) => sources.has(target));
  for (let before = Number.POSITIVE_INFINITY; left.size < before; ) {
    before = left.size;
    const inside = imports.filter(({ file, target }) => left.has(file) && left.has(target));
    const [importers, imported] = [
      new Set(inside.map(({ file }) => file)),
      new Set(inside.map(({ target }) => target)),
    ];
    for (const file of left) if (!importers.has(file) || !imported.has(file)) left.delete(file);
  }
  return [...left].sort();
}

function unwrapped(sources: Sources): string[] {
  const importers = (name: string) =>
    new Set(
      eachImport(sources)
        .filter(({ specifier }) => specifier === name || specifier.startsWith(`${name}/`))
        .map(({ file }) => file),
    );
  const scattered = wrapped
    .filter((name) => importers(name).size > 1)
    .map((name) => `${name}: ${[...importers(name)].join(', ')}`);
  const yaml = [...importers('js-yaml')]
    .filter((file) => !file.startsWith('src/source/'))
    .map((file) => `js-yaml: ${file}`);
  return [...scattered, ...yaml];
}

function tooLong(sources: Sources): string[] {
  return [...sources].filter(([, text]) => text.split('\n').length > longestFile + 1).map(([file]) => file);
}

function evasions(sources: Sources): string[] {
  const escape = /@ts-(?:ignore|nocheck|expect-error)/;
  const vague = /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\.ts|\/)/i;
  return [...sources].filter(([file, text]) => escape.test(text) || vague.test(file)).map(([file]) => file);
}

/** Values that a file exports and no other file names; a type may be exported for a signature alone. */
function unread(sources: Sources, readers: Sources): string[] {
  const words = [...readers].map(([file, text]) => ({ file, words: new Set(text.match(/\w+/g)) }));
  return [...sources].flatMap(([file, text]) =>
    [...text.matchAll(/^export (?:async )?(?:function\*?|const|let|class) (\w+)/gm)]
      .map(([, name = '']) => name)
      .filter((name) => !words.some((reader) => reader.file !== file && reader.words.has(name)))
      .map((name) => `${file}: ${name}`),
  );
}

/** Errors that say what a value is: it may be a secret, and an error is printed wherever it ends up. */
function quotingErrors(sources: Sources): string[] {
  const quoting = /new Error\(\s*`[^`]*\$\{(?:JSON\.stringify\(|[^}`]*\.slice\()/;
  return [...sources].filter(([, text]) => quoting.test(text)).map(([file]) => file);
}

/** Names that one of the places has and another has not. */
function incomplete(places: ReadonlyMap<string, readonly string[]>): string[] {
  const all = new Set([...places.values()].flat());
  return [...places].flatMap(([place, names]) =>
    [...all].filter((name) => !names.includes(name)).map((name) => `${place} has no ${name}`),
  );
}

function foldersIn(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** What biome finds against one rule: TypeScript 7 has no compiler API to measure functions with. */
function lint(rule: string, paths: readonly string[]): string {
  // Without version control, because biome fails on files outside of the repository when it looks for what to ignore.
  const options = [
    '--vcs-enabled=false',
    `--only=${rule}`,
    '--max-diagnostics=none',
    '--colors=off',
    `--config-path=${root}`,
  ];
  const biome = join(root, 'node_modules/.bin/biome');
  const { status, stdout, stderr } = spawnSync(biome, ['lint', ...options, ...paths], { cwd: root, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

const src = sourcesIn('src');

const holds = suite('holds');
holds('imports go one way, from the right to the left of the pipeline', () => assert.equal(wrongDirections(src), []));
holds('targets do not know each other', () => assert.equal(targetsThatImportEachOther(src), []));
holds('no target is named outside of its folder', () =>
  assert.equal(targetsNamedOutside(src, foldersIn('src/targets')), []),
);
holds('no file imports itself by a detour', () => assert.equal(importRings(src), []));
holds('a package that may be replaced is imported in one place', () => assert.equal(unwrapped(src), []));
holds('no file is long', () => assert.equal(tooLong(new Map([...src, ...sourcesIn('test')])), []));
holds('nothing evades the type checker, and no file is a drawer for anything', () => assert.equal(evasions(src), []));
holds('what a file exports has a reader', () => assert.equal(unread(src, new Map([...src, ...sourcesIn('test')])), []));
holds('no error quotes a value', () => assert.equal(quotingErrors(src), []));
holds('no function is long', () => assert.is(lint('complexity/noExcessiveLinesPerFunction', ['src', 'test']), ''));
holds('there is no any', () => assert.is(lint('suspicious/noExplicitAny', ['src', 'test']), ''));
holds('a target is one name in four places', () => {
  const places = new Map<string, readonly string[]>([
    ['src/targets/index.ts', targets.map(({ name }) => name)],
    ...['src/targets', 'templates', 'test/targets'].map(
      (folder) =>
        [
          folder,
          foldersIn(folder).filter((name) => !['presets', 'environments', 'rules', 'report'].includes(name)),
        ] as const,
    ),
  ]);
  assert.equal(incomplete(places), []);
});
holds.run();

// A check that cannot fail keeps nothing: each is shown what it is there to find.
const notices = suite('notices');
const planted = (file: string, text: string): Sources => new Map([[file, text]]);
for (const [file, text] of [
  ['src/policy/resolve.ts', "import { nginx } from '../targets/nginx/index.ts';"],
  ['src/policy/resolve.ts', "export type { Token } from '../render/token.ts';"],
  ['src/source/document.ts', "const spec = await import('../spec/schema.ts');"],
  ['src/output/write.ts', "import '../compile.ts';"],
  ['src/extras/thing.ts', ''],
] as const) {
  notices(`a wrong direction: ${file} ${text}`, () => assert.is(wrongDirections(planted(file, text)).length, 1));
}
notices('a target that knows another', () => {
  assert.equal(
    targetsThatImportEachOther(planted('src/targets/caddy/plan.ts', "import { q } from '../nginx/quote.ts';")),
    ['src/targets/caddy/plan.ts imports src/targets/nginx/quote.ts'],
  );
  assert.equal(
    targetsThatImportEachOther(planted('src/targets/caddy/plan.ts', "import { t } from '../target.ts';")),
    [],
  );
});
notices('a target named outside of its folder', () => {
  for (const line of [
    "if (name === 'nginx') skip();",
    'return `nginx/${file}`;',
    'spec.targets.nginx',
    "import { q } from '../targets/nginx/quote.ts';",
    "const ignored = ['/nginx/secrets/'];",
  ]) {
    assert.is(targetsNamedOutside(planted('src/output/write.ts', line), ['nginx']).length, 1, line);
    assert.is(targetsNamedOutside(planted('src/targets/nginx/plan.ts', line), ['nginx']).length, 0, line);
  }
  assert.equal(targetsNamedOutside(planted('src/rules/codes.ts', "'a target such as nginx'"), ['nginx']), []);
});
notices('files that import each other in a ring, and not those that only lead to it', () => {
  const ring = new Map([
    ['src/a.ts', "import { b } from './b.ts';"],
    ['src/b.ts', "import { c } from './c.ts';\nimport { d } from './d.ts';"],
    ['src/c.ts', "import type { B } from './b.ts';"],
    ['src/d.ts', ''],
  ]);
  assert.equal(importRings(ring), ['src/b.ts', 'src/c.ts']);
  ring.set('src/c.ts', '');
  assert.equal(importRings(ring), []);
});
notices('a package imported in two places', () => {
  const twice = new Map([
    ['src/cli.ts', "import yargs from 'yargs';"],
    ['src/commands/help.ts', "import { hideBin } from 'yargs/helpers';"],
  ]);
  assert.equal(unwrapped(twice), ['yargs: src/cli.ts, src/commands/help.ts']);
  assert.is(unwrapped(planted('src/spec/parse.ts', "import { load } from 'js-yaml';")).length, 1);
});
notices('a long file', () => {
  assert.is(tooLong(planted('src/a.ts', 'x\n'.repeat(longestFile))).length, 0);
  assert.is(tooLong(planted('src/a.ts', 'x\n'.repeat(longestFile + 1))).length, 1);
});
notices('an evasion', () => {
  assert.is(evasions(planted('src/a.ts', '// @ts-ignore')).length, 1);
  for (const file of ['src/utils.ts', 'src/spec/helpers/a.ts']) assert.is(evasions(planted(file, '')).length, 1, file);
});
notices('an export that nobody reads', () => {
  const both = new Map([
    ['src/a.ts', 'export const READ = 1;\nexport async function alone() {}\nexport interface Shape {}'],
    ['src/b.ts', "import { READ } from './a.ts';"],
  ]);
  assert.equal(unread(both, both), ['src/a.ts: alone']);
});
notices('an error that quotes a value', () => {
  for (const quoted of ['JSON.stringify(text)', 'text.slice(0, 80)'])
    assert.is(quotingErrors(planted('src/a.ts', `throw new Error(\`not a word: \${${quoted}}\`);`)).length, 1, quoted);
  assert.equal(quotingErrors(planted('src/a.ts', 'throw new Error(`no state ${id}`);')), []);
});
notices('a target that is missing somewhere', () => {
  const places = new Map([
    ['src/targets', ['nginx', 'caddy']],
    ['templates', ['nginx']],
  ]);
  assert.equal(incomplete(places), ['templates has no caddy']);
});
notices('a long function, an any', async () => {
  const { path, remove } = await temporaryFolder();
  const finds = (rule: string, text: string) => {
    writeFileSync(join(path, 'a.ts'), text);
    return lint(rule, [path]).includes(rule);
  };
  const functionOf = (lines: number) => `export function a() {\n${'  b();\n'.repeat(lines - 2)}}\n`;
  assert.not(finds('complexity/noExcessiveLinesPerFunction', functionOf(60)));
  assert.ok(finds('complexity/noExcessiveLinesPerFunction', functionOf(61)));
  assert.not(finds('suspicious/noExplicitAny', 'export let a: unknown;\n'));
  assert.ok(finds('suspicious/noExplicitAny', 'export let a: any;\n'));
  await remove();
});
notices.run();
