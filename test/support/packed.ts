import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The package as `npm pack` makes it, from what is built. In a copy below `folder`, because packing builds anew, and other
 * tests are running what is built.
 */
export function packed(folder: string): string {
  const copy = join(folder, 'copy');
  mkdirSync(join(copy, 'node_modules/typescript'), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const name of [...manifest.files, '.build', 'README.md', 'LICENSE'].filter((one) => !one.startsWith('!')))
    if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true });
  const written = `${JSON.stringify({ ...manifest, scripts: { ...manifest.scripts, build: 'node -e 0' } }, undefined, 2)}\n`;
  writeFileSync(join(copy, 'package.json'), written);
  const said = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: copy, encoding: 'utf8' });
  if (readFileSync(join(copy, 'package.json'), 'utf8') !== written) throw new Error('packing has changed package.json');
  return join(folder, said.trim().split('\n').at(-1) ?? '');
}
