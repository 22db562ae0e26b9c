import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { checkGolden } from './support/golden.ts';

// What a program that uses the library may rely on: each export, and each type that one of them is made of. A line that
// goes away or changes here is a new major version, or, before 1.0, a new minor one; see the changelog.

/** Made by one function and taken by others. What is in it may change in any version. */
const OPAQUE = 'Policy';

const root = fileURLToPath(new URL('../', import.meta.url));

/** A declaration of a `.d.ts` file. */
interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

/** The declarations of a file, and where the names come from that it imports or passes on. */
interface Module {
  readonly own: ReadonlyMap<string, Declaration>;
  readonly from: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

function moduleOf(file: string, text: string): Module {
  const statements = text.replace(/^[ \t]*\/\*\*[\s\S]*?\*\/\n/gm, '').split(/^(?=[a-z])/m);
  const own = new Map<string, Declaration>();
  const from = new Map<string, { readonly file: string; readonly name: string }>();
  for (const statement of statements) {
    const [, names, source] = /^(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']*)\.ts';/.exec(statement) ?? [];
    const [, name] = /^(?:export )?(?:declare )?(?:interface|type|const|function|class) (\w+)/.exec(statement) ?? [];
    if (name !== undefined) own.set(name, { file, name, text: statement.trim() });
    for (const item of names?.split(',') ?? []) {
      const [, first = '', as = first] = /^(?:type )?(\w+)(?: as (\w+))?$/.exec(item.trim()) ?? [];
      from.set(as, { file: posix.join(posix.dirname(file), source ?? ''), name: first });
    }
  }
  return { own, from };
}

/** Every declaration that the exports of a file are made of, those first. */
function publicApi(index: string, read: (file: string) => string): Declaration[] {
  const modules = new Map<string, Module>();
  const open = (file: string) => {
    const known = modules.get(file) ?? moduleOf(file, read(file));
    modules.set(file, known);
    return known;
  };
  const found = new Map<string, Declaration>();
  const take = (file: string, name: string) => {
    const { own, from } = open(file);
    const elsewhere = from.get(name);
    const declared = own.get(name);
    if (elsewhere) return take(elsewhere.file, elsewhere.name);
    if (!declared || found.has(`${file} ${name}`)) return;
    const text = name === OPAQUE ? `interface ${name} {}` : declared.text.replace(/^export /, '');
    found.set(`${file} ${name}`, { ...declared, text });
    if (name === OPAQUE) return;
    for (const word of new Set(declared.text.match(/\b[A-Z]\w*\b/g))) take(file, word);
  };
  for (const { file, name } of open(index).from.values()) take(file, name);
  return [...found.values()];
}

const api = suite('the library');

api('what is exported, and what that is made of, is what is recorded', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', '.', '--emitDeclarationOnly', '--outDir', path], { cwd: root });
    const declarations = publicApi('index', (file) => readFileSync(join(path, `${file}.d.ts`), 'utf8'));
    const sorted = declarations.map(({ text }) => text).toSorted();
    const report = `# The library\n\n\`\`\`ts\n${sorted.join('\n')}\n\`\`\`\n`;
    checkGolden('test/library.api.md', report);
  } finally {
    await remove();
  }
});

api('a declaration is followed into the files that it is made of', () => {
  const files: Readonly<Record<string, string>> = {
    index: "export { a } from './x/a.ts';\nexport type { B as C } from './b.ts';\n",
    'x/a':
      "import type { B } from '../b.ts';\n/** Words. */\nexport declare function a(b: B): Own;\ninterface Own {\n    readonly x: 1;\n}\n",
    b: 'export interface B {\n    readonly y: string;\n}\nexport type Unused = 1;\n',
  };
  const names = publicApi('index', (file) => files[file] ?? '').map(({ name }) => name);
  assert.equal(names, ['a', 'B', 'Own']);
});

api.run();
