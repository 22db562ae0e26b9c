import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import { importers } from '../src/commands/import.ts';
import { survives } from './support/imports.ts';

const corpora = fileURLToPath(new URL('../../shared/corpora/', import.meta.url));
const files = existsSync(corpora)
  ? readdirSync(corpora, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  : [];

// Published files of all kinds, each given to every importer: to its own, and as somebody mistakes it for another.
const published = suite('published files');

for (const { kind } of importers())
  published(`${kind}: each ends in a spec or a reason, at a second for 100 KB`, () => {
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      survives(kind, text, file.slice(corpora.length), 1_000);
      // A file may also end where it should not, as after a download that was cut off.
      survives(kind, text.slice(0, text.length / 2), file.slice(corpora.length), 1_000);
    }
  });

published.run();
