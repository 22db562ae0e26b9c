import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

// The library stays as tsc emits it; the command becomes a bundle beside it, because most of what a run of a small spec
// takes is the loading of a few hundred modules.
const entry = 'src/cli.ts';
if (!existsSync(entry)) {
  console.warn(`bundle: ${entry} does not exist yet, nothing to bundle`);
  process.exit();
}

/** Templates as code: neither their text nor what reads and compiles it is needed to run the command. */
const compiledTemplates = {
  name: 'compiled-templates',
  setup({ onLoad, onResolve, resolve }) {
    onResolve({ filter: /^nunjucks$/ }, ({ resolveDir, kind }) =>
      resolve('nunjucks/browser/nunjucks-slim.js', { resolveDir, kind }),
    );
    onLoad({ filter: /[\\/]src[\\/]render[\\/]load\.ts$/ }, async () => {
      // From dist/, because node reads no TypeScript; after tsc it is the same.
      const { compileTemplate } = await import('../dist/render/compile.js');
      const entries = templateNames().map(({ target, template }) => {
        const fail = (message, line, column) => {
          throw new Error(`${target}/${template}:${line + 1}:${column + 1}: ${message}`);
        };
        const source = readFileSync(`templates/${target}/${template}`, 'utf8');
        return `${JSON.stringify(`${target}/${template}`)}() {${compileTemplate(source, template, fail)}}`;
      });
      const contents = `const templates = {${entries.join(',\n')}};
        export const loadTemplate = ({ target, template }) => templates[\`\${target}/\${template}\`]();`;
      return { contents, loader: 'js' };
    });
  },
};

function templateNames() {
  const files = readdirSync('templates', { recursive: true }).map((path) => path.replaceAll('\\', '/'));
  return files
    .filter((path) => path.endsWith('.njk'))
    .toSorted()
    .map((path) => ({ target: path.slice(0, path.indexOf('/')), template: path.slice(path.indexOf('/') + 1) }));
}

/** What lays help out takes 15 ms to load, and most runs print none: it is loaded when it is called. */
const lazyLayout = {
  name: 'lazy-layout',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^(?:cliui|string-width)$/ }, ({ path, importer, resolveDir }) =>
      /[\\/]yargs[\\/]lib[\\/]/.test(importer)
        ? { path, namespace: 'lazy', pluginData: resolveDir, sideEffects: false }
        : undefined,
    );
    onLoad({ filter: /^/, namespace: 'lazy' }, ({ path, pluginData }) => ({
      contents: `export default (given) => require('${path}').default(given);`,
      resolveDir: pluginData,
    }));
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

/** The evaluator for the page of a report, as text: the command has no bundler with it. */
const bundledPageScript = {
  name: 'bundled-page-script',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]commands[\\/]pageScript\.ts$/ }, async () => {
      const { pageScript } = await import('../dist/commands/pageScript.js');
      const contents = `export const pageScript = async () => ${JSON.stringify(await pageScript())};`;
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
  // Names stay as they are: stack traces of a thrown error, which is always a mistake of ours, have to say something.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  // prettier is loaded by `fmt` alone; chokidar is an optional part of nunjucks that only watching needs.
  external: ['chokidar', 'prettier', 'prettier/*'],
  plugins: [compiledTemplates, bundledPageScript, lazyLayout, noIdleHelp],
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
);
// tsc has made the file already, and a mode given to writeFile is only for one that it makes: a command that was linked
// by `npm install -g .` would lose its right to run with the next build.
await chmod('dist/cli.js', 0o755);
