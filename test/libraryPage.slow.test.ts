import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { checkGolden } from './support/golden.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const PAGE = 'examples/library/README.md';
const page = readFileSync(join(root, PAGE), 'utf8');
const BLOCK = /^```(ts|text)\n([\s\S]*?)^```$/gm;
const END = '<end of block>';

/** The blocks of the page as one program, which prints where the output of each block ends. */
function program(): string {
  const blocks = [...page.matchAll(BLOCK)].flatMap(([, language, text = '']) => {
    return language === 'ts' ? [text] : [`console.log('${END}');\n`];
  });
  return blocks.join('');
}

const documented = suite('examples/library');

documented('prints what it says, and is well typed', async () => {
  const { path, write, remove } = await temporaryFolder();
  try {
    const index = join(root, 'src/index.ts');
    await write('page.mts', program().replace("'postern'", JSON.stringify(index)));
    const file = join(path, 'page.mts');
    const tsx = import.meta.resolve('tsx');
    const ran = spawnSync(process.execPath, ['--import', tsx, file], { cwd: root, encoding: 'utf8' });
    assert.is(ran.status, 0, ran.stderr);
    const outputs = ran.stdout.split(`${END}\n`);
    assert.is(outputs.pop(), '');
    checkGolden(
      PAGE,
      page.replace(BLOCK, (block, language) => (language === 'ts' ? block : `\`\`\`text\n${outputs.shift()}\`\`\``)),
    );
    await write('typed.mts', program());
    const typeRoots = [join(root, 'node_modules/@types')];
    const compilerOptions = { rootDir: '/', typeRoots, paths: { postern: [index] }, noEmit: true };
    await write(
      'tsconfig.json',
      JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, files: ['typed.mts'], include: [] }),
    );
    const typed = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', path], {
      encoding: 'utf8',
    });
    assert.is(typed.status, 0, typed.stdout);
  } finally {
    await remove();
  }
});

documented('shows every export', () => {
  const exported = [...readFileSync(join(root, 'src/index.ts'), 'utf8').matchAll(/^export (?:type )?\{([^}]*)\}/gm)]
    .flatMap(([, names = '']) => names.split(','))
    .map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/.* as /, ''),
    );
  const [imported = '', ...rest] = [...page.matchAll(BLOCK)].map(([, , text = '']) => text);
  for (const name of exported) {
    assert.match(imported, new RegExp(`\\b${name}\\b`), name);
    assert.match(rest.join('\n'), new RegExp(`\\b${name}\\b`), `${name} is imported and not shown`);
  }
});

documented.run();
