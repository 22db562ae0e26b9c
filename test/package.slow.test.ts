import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { packed } from './support/packed.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Paths in the tarball that `npm pack` would make now. */
function packedFiles(): readonly string[] {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }] = JSON.parse(said);
  return files.map(({ path }: { path: string }) => path);
}

/** A package that runs, as the lock file has it. */
interface Locked {
  readonly version: string;
  readonly dev?: boolean;
}

async function inFolder(check: (folder: string) => void): Promise<void> {
  const { path, remove } = await temporaryFolder();
  try {
    check(path);
  } finally {
    await remove();
  }
}

const pack = suite('the package');
const files = packedFiles();

/** What npm runs when a package is installed, and warns of. */
const ON_INSTALL = ['install', 'prepare', 'prepublish'].flatMap((name) => [`pre${name}`, name, `post${name}`]);
const onInstall = (manifest: string) =>
  Object.keys(JSON.parse(manifest).scripts).filter((name) => ON_INSTALL.includes(name));

pack('holds no script that is run when it is installed', () =>
  inFolder((folder) => {
    const manifest = execFileSync('tar', ['-xzOf', packed(folder), 'package/package.json'], { encoding: 'utf8' });
    assert.equal(onInstall(manifest), []);
    assert.not.ok(files.includes('binding.gyp'));
  }),
);

pack('nor does the one that npm makes from git', () =>
  inFolder((folder) => {
    mkdirSync(join(folder, 'node_modules/typescript'), { recursive: true });
    const written = JSON.stringify({ ...manifest, scripts: { ...manifest.scripts, build: 'node -e 0' } }, undefined, 2);
    writeFileSync(join(folder, 'package.json'), written);
    const prepare = () =>
      execFileSync(process.execPath, [join(root, '.build/prepare.mjs'), 'prepare'], {
        cwd: folder,
        env: { ...process.env, npm_config_cache: cache },
        stdio: 'ignore',
      });
    let cache = join(folder, 'elsewhere');
    prepare();
    assert.is(readFileSync(join(folder, 'package.json'), 'utf8'), written);
    cache = folder;
    prepare();
    assert.equal(onInstall(readFileSync(join(folder, 'package.json'), 'utf8')), []);
  }),
);

pack('holds what its pages link to, and the examples with their dotfiles', () => {
  const pages = files.filter((file) => file === 'README.md' || /^examples\/[^/]+\/README\.md$/.test(file));
  assert.ok(pages.length > 8);
  for (const page of pages) {
    const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      const file = posix.join(posix.dirname(page), link).replace(/\/$/, '');
      // Whoever wants to contribute has the repository.
      if (file.startsWith('.github/')) continue;
      assert.ok(
        files.some((one) => one === file || one.startsWith(`${file}/`)),
        `${page} links to ${link}`,
      );
    }
  }
  for (const file of ['examples/ci/.gitlab-ci.yml', 'examples/ci/.pre-commit-config.yaml', 'CHANGELOG.md', 'LICENSE'])
    assert.ok(files.includes(file), file);
});

pack('nothing of it installs a package by a name alone, which anybody could register', () => {
  for (const file of files.filter((name) => /^(?:README|examples|templates)/.test(name))) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [line] of text.matchAll(/\b(?:npm (?:i|install|add|exec)|npx|pnpm|yarn)\b.*$/gm))
      assert.not.match(line, /\spostern(?:@\S*)?["'`]?(?:\s|$)/, file);
  }
});

pack('holds nothing else', () => {
  const wanted = /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|(?:dist|templates|schema|examples)\/.*)$/;
  assert.equal(
    files.filter((file) => !wanted.test(file)),
    [],
  );
  assert.equal(
    files.filter((file) => file.endsWith('.map') || /generated\/.*secrets\//.test(file)),
    [],
  );
});

pack('says what it is made of: what the lock file has, with digests', () => {
  const file = join(root, 'dist/sbom.cdx.json');
  // Made by the build, which runs before all tests.
  if (!existsSync(file)) return;
  const { components, metadata, serialNumber } = JSON.parse(readFileSync(file, 'utf8'));
  assert.is(metadata.component.name, 'postern');
  assert.is(serialNumber, undefined);
  assert.is(metadata.timestamp, undefined);
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const locked = Object.entries<Locked>(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`);
  type Component = { readonly name: string; readonly version: string; readonly hashes?: readonly unknown[] };
  const listed = components.map(({ name, version }: Component) => `${name}@${version}`);
  assert.equal([...listed].sort(), [...new Set(locked)].sort());
  for (const name of Object.keys(manifest.dependencies))
    assert.ok(
      listed.some((one: string) => one.startsWith(`${name}@`)),
      name,
    );
  for (const { hashes = [] } of components as Component[]) assert.is(hashes.length, 1);
});

pack.run();
