import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../', import.meta.url));

const links = suite('links');
links('every link of every page leads to a file, and to a heading that it has', () => {
  const all = readdirSync(`${root}examples`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.includes('generated/'))
    .map((name) => `examples/${name}`);
  for (const page of ['README.md', 'CHANGELOG.md', '.github/CONTRIBUTING.md', ...all]) {
    const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https:/.test(link)) continue;
      const [file = '', heading] = link.split('#');
      const target = join(root, posix.join(posix.dirname(page), file));
      assert.ok(existsSync(target), `${page} links to ${link}`);
      if (heading !== undefined) assert.match(readFileSync(target, 'utf8').toLowerCase(), heading.replaceAll('-', ' '));
    }
  }
});
links.run();
