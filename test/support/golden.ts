import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type Case, formatCase, parseCase } from './case.ts';

/** `UPDATE=1 npm test` writes what is there now; the diff of the goldens is then read like code. */
const updating = process.env.UPDATE === '1';
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Reads a section of the case; whatever is read is an input, everything else an expected output. */
type ReadSection = (name: string) => string | undefined;
/** Outputs by section name. What goes wrong belongs first, so that the cause is shown before its effects. */
type Outputs = ReadonlyMap<string, string>;

export interface CaseFile {
  readonly path: string;
  readonly title: string;
}

/** All `*.case` files below a folder of the repository; the walk is the list of tests. */
export function findCases(folder: string): CaseFile[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const cases = files.filter((file) => file.endsWith('.case')).sort();
  if (cases.length === 0) throw new Error(`no case below ${folder}`);
  return cases.map((file) => {
    const path = `${folder}/${file}`;
    return { path, title: `${file}: ${readCase(path).title}` };
  });
}

/** The sections of a case, for a test about all of them. */
export function readSections(path: string): ReadonlyMap<string, string> {
  return readCase(path).sections;
}

/** Runs one case. An output that is missing, different or too many fails, and so does an input that nothing reads. */
export async function checkCase(
  path: string,
  produce: (read: ReadSection) => Outputs | Promise<Outputs>,
): Promise<void> {
  const { head, sections } = readCase(path);
  const inputs = new Map<string, string>();
  const outputs = await produce((name) => {
    const text = sections.get(name);
    if (text !== undefined) inputs.set(name, text);
    return text;
  });
  const both = [...outputs.keys()].find((name) => inputs.has(name));
  if (both !== undefined) throw new Error(`${both} is an input of ${path} and an output`);
  const kept = [...sections].filter(([name]) => inputs.has(name));
  checkGolden(path, formatCase({ head, sections: new Map([...kept, ...outputs]) }));
}

/** Compares a text with a file of the repository; leaves `<file>.actual` beside it where they differ. */
export function checkGolden(path: string, actual: string): void {
  const file = join(root, path);
  const expected = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  rmSync(`${file}.actual`, { force: true });
  if (expected === actual) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(updating ? file : `${file}.actual`, actual);
  if (updating) return;
  if (expected === undefined) throw new Error(`${path} does not exist; UPDATE=1 records what is there now`);
  assert.fixture(actual, expected, `${path} differs; UPDATE=1 records what is there now`);
}

/** Compares a whole folder, file by file; one that is missing or too many fails. */
export function checkTree(folder: string, files: ReadonlyMap<string, string>): void {
  for (const path of [...files.keys()].sort()) checkGolden(`${folder}/${path}`, files.get(path) ?? '');
  const extra = listFiles(join(root, folder)).filter((path) => !files.has(path) && !path.endsWith('.actual'));
  if (updating) for (const path of extra) rmSync(join(root, folder, path));
  else assert.equal(extra, [], `files below ${folder} that nothing makes`);
}

function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function readCase(path: string): Case {
  try {
    return parseCase(readFileSync(join(root, path), 'utf8'));
  } catch (cause) {
    throw new Error(`${path} is not a case: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
