import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

// `npm install --global` from git, as pre-commit does it, hands "global" on to the install that should bring what builds
// the package, which then brings nothing.
const env = { ...process.env, npm_config_global: 'false' };
const npm = (...args) => execFileSync('npm', args, { stdio: 'inherit', env });
if (!existsSync('node_modules/typescript')) npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
npm('run', 'build');
