import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TemporaryFolder {
  readonly path: string;
  /** Writes a file below the folder and gives its whole path. */
  write(name: string, text: string): Promise<string>;
  remove(): Promise<void>;
}

const leftOver = new Set<string>();
process.once('exit', () => {
  for (const path of leftOver) rmSync(path, { recursive: true, force: true });
});

/** A folder of its own, removed by `remove` or at the latest when this process ends. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'postern-')));
  leftOver.add(path);
  return {
    path,
    async write(name, text) {
      const file = join(path, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
      return file;
    },
    async remove() {
      await rm(path, { recursive: true, force: true });
      leftOver.delete(path);
    },
  };
}
