import { readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXAMPLES } from '../src/commands/examples.ts';
import { checkPage } from './support/page.ts';

const folder = new URL('../examples/commands/', import.meta.url);
const pages = readdirSync(folder).filter((name) => name.endsWith('.md') && name !== 'README.md');

const commands = suite('commands');
for (const name of pages)
  commands(`${name}: every command prints what it says`, () =>
    checkPage(`examples/commands/${name}`, { prepare: (run) => run('postern init') }),
  );
commands('each command has a page', () => {
  assert.equal(
    pages.map((name) => name.replace('.md', '')),
    Object.keys(EXAMPLES).sort(),
  );
});
commands.run();
