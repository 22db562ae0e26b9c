import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

// The library stays as tsc emits it; the command becomes a bundle beside it, because most of what a run of a small spec
// takes is the loading of a few hundred modules.
const entry = 'src/cli.ts';
if (!existsSync(entry)) {
  console.warn(`bundle: ${entry} does not exist yet, nothing to bundle`);
  process.exit();
}

/** yargs' layout makes an Intl.Segmenter when it is loaded, which takes 10 ms and is needed for help texts only. */
const lazySegmenter = {
  name: 'lazy-segmenter',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](string-width|wrap-ansi|cliui)[\\/].*\.m?js$/ }, async ({ path }) => {
      const contents = (await readFile(path, 'utf8')).replace(
        /^const segmenter = new Intl\.Segmenter\(\);/m,
        'let made; const segmenter = { segment: (text) => (made ??= new Intl.Segmenter()).segment(text) };',
      );
      return { contents, loader: 'js' };
    });
  },
};

/** yargs lays its help out for every command that runs, in case somebody asks for it later; nobody does. */
const noIdleHelp = {
  name: 'no-idle-help',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]yargs[\\/]build[\\/]lib[\\/]command\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const contents = source.replace('yargs.getInternalMethods().getUsageInstance().cacheHelpMessage();', '');
      if (contents === source) console.warn('bundle: yargs has changed, its help is laid out in every run');
      return { contents, loader: 'js' };
    });
  },
};

await build({
  entryPoints: { main: entry },
  outdir: 'dist',
  entryNames: 'cli-[name]',
  chunkNames: 'cli-[name]-[hash]',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  bundle: true,
  splitting: true,
  minify: true,
  // Stack traces of a thrown error, which is always a mistake of ours, have to name our functions.
  keepNames: true,
  legalComments: 'linked',
  // prettier is loaded by `fmt` alone; chokidar is an optional part of nunjucks that only watching needs.
  external: ['chokidar', 'prettier', 'prettier/*'],
  plugins: [lazySegmenter, noIdleHelp],
  logLevel: 'warning',
  // nunjucks is CommonJS and calls require() when it is loaded.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});

await writeFile(
  'dist/cli.js',
  `#!/usr/bin/env node
import module from 'node:module';
module.enableCompileCache?.();
await import('./cli-main.js');
`,
  { mode: 0o755 },
);
