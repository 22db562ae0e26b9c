import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

/** Test files as JavaScript: the arguments that make node run one, such as `a.test.ts`. */
export interface Compiled {
  start(file: string): readonly string[];
  remove(): Promise<void>;
}

const MAIN = 'test/runner/main.ts';

/**
 * Compiles test files and all that they import, once for the whole run: a loader that does so in each process takes a
 * second of every file.
 */
export async function compile(root: string, files: readonly string[]): Promise<Compiled> {
  // Below the root, so that packages are found; a folder of its own, because two runs may go on at once.
  await mkdir(join(root, '.build'), { recursive: true });
  const folder = await mkdtemp(join(root, '.build/tests-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [MAIN, ...files],
      outbase: root,
      outdir: folder,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      bundle: true,
      splitting: true,
      packages: 'external',
      sourcemap: 'linked',
      logLevel: 'warning',
      plugins: [ownPlaces],
    });
  } catch (error) {
    await remove();
    throw error;
  }
  const script = (file: string) => join(folder, file.replace(/\.ts$/, '.js'));
  return { start: (file) => ['--enable-source-maps', script(MAIN), script(file)], remove };
}

/** Modules go on finding what lies beside their source. */
const ownPlaces: Plugin = {
  name: 'own-places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = source.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: 'ts' };
    });
  },
};
