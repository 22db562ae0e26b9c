import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';

// npm runs this in a clone, in the one that it makes of a package from git too, and before and after it packs. What is
// packed has no script that is run when it is installed: npm warns of one, whatever it does.
const [event] = process.argv.slice(2);
if (event !== 'postpack') build();
if (event === 'prepack' || (event === 'prepare' && inCacheOfNpm())) rename('prepare', 'prepared');
if (event === 'postpack') rename('prepared', 'prepare');

function build() {
  // `npm install --global` from git, as pre-commit does it, hands "global" on to the install that should bring what
  // builds the package, which then brings nothing.
  const env = { ...process.env, npm_config_global: 'false' };
  const npm = (...args) => execFileSync('npm', args, { stdio: 'inherit', env });
  if (!existsSync('node_modules/typescript')) npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
  npm('run', 'build');
}

/** Whether this is npm's own clone, which it packs after "prepare" alone. */
function inCacheOfNpm() {
  const cache = process.env.npm_config_cache;
  return cache !== undefined && existsSync(cache) && process.cwd().startsWith(realpathSync(cache));
}

/** Gives a script of package.json another name and leaves all else as it is written. */
function rename(from, to) {
  const written = readFileSync('package.json', 'utf8');
  writeFileSync('package.json', written.replace(`"${from}": "node .build/`, `"${to}": "node .build/`));
}
