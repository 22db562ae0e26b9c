import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Node's own tests of addresses, by the same expressions, and what no decision asks for. */
const SHIMS: Readonly<Record<string, string>> = {
  'node:net': `
    const v4 = '(?:25[0-5]|2[0-4]\\\\d|1\\\\d\\\\d|[1-9]\\\\d|\\\\d)(?:\\\\.(?:25[0-5]|2[0-4]\\\\d|1\\\\d\\\\d|[1-9]\\\\d|\\\\d)){3}';
    const seg = '[0-9a-fA-F]{1,4}';
    const v6 = [
      [7, seg + '|:'], [6, v4 + '|:' + seg + '|:'], [5, ':' + v4 + '|(?::' + seg + '){1,2}|:'],
      [4, '(?::' + seg + '){0,1}:' + v4 + '|(?::' + seg + '){1,3}|:'],
      [3, '(?::' + seg + '){0,2}:' + v4 + '|(?::' + seg + '){1,4}|:'],
      [2, '(?::' + seg + '){0,3}:' + v4 + '|(?::' + seg + '){1,5}|:'],
      [1, '(?::' + seg + '){0,4}:' + v4 + '|(?::' + seg + '){1,6}|:'],
    ].map(([count, rest]) => '(?:' + seg + ':){' + count + '}(?:' + rest + ')')
      .concat(':(?:(?::' + seg + '){0,5}:' + v4 + '|(?::' + seg + '){1,7}|:)');
    const [four, six] = [new RegExp('^' + v4 + '$'), new RegExp('^(?:' + v6.join('|') + ')$')];
    export const isIPv4 = (text) => four.test(text);
    export const isIPv6 = (text) => six.test(text);`,
  'node:url': 'export const domainToASCII = () => { throw new Error("no name is read in a page"); };',
};

/**
 * Returns the evaluator as a script for browsers, which sets `postern`. It is built from the source here; the bundled
 * command has another version of this file, which holds the script.
 */
export async function pageScript(): Promise<string> {
  const { build } = await import('esbuild');
  const here = fileURLToPath(new URL('.', import.meta.url));
  const entry = ['pageEntry.ts', 'pageEntry.js'].find((name) => existsSync(join(here, name)));
  const { outputFiles } = await build({
    // The folder that esbuild was started in may be gone by now.
    absWorkingDir: here,
    entryPoints: [`./${entry}`],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'postern',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    // A function of Node that no shim has would be missed only when somebody asks the page.
    logOverride: { 'import-is-undefined': 'error' },
    plugins: [
      {
        name: 'shims',
        setup({ onLoad, onResolve }) {
          onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'shim', sideEffects: false }));
          onLoad({ filter: /^/, namespace: 'shim' }, ({ path }) => ({ contents: SHIMS[path] ?? '' }));
        },
      },
    ],
  });
  return outputFiles[0]?.text ?? '';
}
