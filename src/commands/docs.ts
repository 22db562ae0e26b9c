import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { templatesRoot } from '../templatesRoot.ts';
import type { Io, Status } from './io.ts';

interface Page {
  readonly file: string;
  readonly about: string;
}

/** Prints where the pages are that came with this version, a line each, and opens none. */
export function docs(words: readonly string[], io: Io): Status {
  const wanted = words.map((word) => word.toLowerCase());
  const pages = [...general(), ...examples()].filter(({ file, about }) => {
    const text = `${file.slice(root.length)} ${about}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const width = Math.max(...pages.map(({ file }) => file.length));
  io.out(pages.map(({ file, about }) => `${file.padEnd(width)}  ${about}\n`).join(''));
  if (pages.length === 0) io.err(`no page is about "${words.join(' ')}"; "postern docs" lists all\n`);
  else if (words.length === 0)
    io.err('also: postern COMMAND --help, postern lint --explain CODE, postern show --preset NAME\n');
  return pages.length === 0 ? 1 : 0;
}

const root = fileURLToPath(new URL('../', templatesRoot));

function general(): Page[] {
  return [
    { file: `${root}README.md`, about: 'all commands, the spec, the targets' },
    { file: `${root}CHANGELOG.md`, about: 'what each version changes, and may change' },
    { file: `${root}schema/postern.schema.json`, about: 'JSON Schema of a spec, for editors' },
  ];
}

/** Each example and guide, with the title of its page. */
function examples(): Page[] {
  const folder = `${root}examples`;
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return names
    .filter((name) => !name.includes('generated/'))
    .sort()
    .map((name) => {
      const file = `${folder}/${name}`;
      return { file, about: /^# (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '' };
    });
}
