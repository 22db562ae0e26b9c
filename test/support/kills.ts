import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { exclusively, type Write } from '../../src/output/write.ts';

/** Files that all say the same number; every second generation has one more, and one less. */
export function generation(n: number): Write[] {
  const text = `generation ${n}\n`;
  const paths = [
    '.postern.json',
    ...['a', 'b/c'].flatMap((folder) => ['x', 'y', 'z'].map((name) => `${folder}/${name}`)),
  ];
  const [more, less] = n % 2 === 0 ? ['even/file', 'odd/file'] : ['odd/file', 'even/file'];
  return [...paths, more].map((path): Write => ({ path, text })).concat(n > 1 ? [{ path: less }] : []);
}

/** Text by path of all files below a folder; an empty folder has an entry too. */
export function contentOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true }).map(String).sort();
  return Object.fromEntries(
    paths.map((path) => {
      const file = join(folder, path);
      return [path, statSync(file).isFile() ? readFileSync(file, 'utf8') : ''];
    }),
  );
}

/** Whether all files are of one generation and nothing else is there. */
export function isWhole(folder: string): { readonly mixed: boolean; readonly left: readonly string[] } {
  const content = contentOf(folder);
  const [n = 0] = Object.values(content).flatMap((text) => Number(/^generation (\d+)$/m.exec(text)?.[1] ?? []));
  const wanted = generation(n).flatMap(({ path, text }) => (text === undefined ? [] : [path]));
  const folders = wanted.flatMap((path) =>
    path
      .split('/')
      .slice(0, -1)
      .map((_, at, parts) => parts.slice(0, at + 1).join('/')),
  );
  const left = Object.keys(content).filter((path) => !wanted.includes(path) && !folders.includes(path));
  return { mixed: wanted.some((path) => content[path] !== `generation ${n}\n`), left };
}

const built = process.env['POSTERN_BUILT'] === '1';
const module = new URL(built ? '../../dist/output/write.js' : '../../src/output/write.ts', import.meta.url);

/** Kills that many processes while they write one generation after another into the folder. */
export async function killsOf(count: number, folder: string): Promise<{ killed: number; mixed: number; left: number }> {
  const source = `
    import { exclusively, writeAll } from ${JSON.stringify(module.href)};
    const [, folder, from] = process.argv;
    const paths = ${JSON.stringify([1, 2].map((n) => generation(n + 2)))};
    // Where the test is ended, nobody is left to kill this one.
    for (let n = Number(from); process.ppid === ${process.pid}; n += 1) {
      const writes = paths[(n + 1) % 2].map(({ path, text }) => ({ path, text: text && 'generation ' + n + '\\n' }));
      const { value, diagnostics } = exclusively(folder, () => writeAll(writes, { folder }));
      if (value?.length !== 0) throw new Error(JSON.stringify([value, diagnostics]));
      process.send?.(n);
    }`;
  const found = { killed: 0, mixed: 0, left: 0 };
  for (let round = 0, next = 1; round < count; round += 1) {
    const loader = built ? [] : ['--import', 'tsx'];
    const child = spawn(process.execPath, [...loader, '--input-type=module', '-e', source, folder, String(next)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [ended] = await Promise.race([
      once(child, 'message').then(() => [false]),
      once(child, 'exit').then(() => [true]),
    ]);
    if (ended) throw new Error('the writer ended by itself');
    await pause(Math.random() * 20);
    child.kill('SIGKILL');
    const [, signal] = await once(child, 'exit');
    if (signal === 'SIGKILL') found.killed += 1;
    exclusively(folder, () => {});
    const { mixed, left } = isWhole(folder);
    if (mixed) found.mixed += 1;
    if (left.length > 0) found.left += 1;
    next = Number(/\d+/.exec(readFileSync(join(folder, '.postern.json'), 'utf8'))?.[0]) + 1;
  }
  return found;
}
