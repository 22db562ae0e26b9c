import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startServer } from '../../src/verify/process.ts';
import { entry } from '../support/cli.ts';
import { given, withIssuer } from './leased.ts';
import { KEY } from './spec.ts';

// A reload that failed is tried again after a minute.
const reload = suite('a reload of the watch');

reload('a reload that fails is told and tried again, and one that hangs holds nothing up', () =>
  withIssuer(async ({ path, read, write }, issuer) => {
    write(
      'reload.mjs',
      `import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
console.log(process.env.PARTNER_KEY);
console.error(process.env.VAULT_TOKEN);
if (!existsSync('failed')) {
  writeFileSync('failed', '');
  process.exit(7);
}
process.on('SIGTERM', () => {});
writeFileSync('hanging', String(process.pid));
setInterval(() => {}, 1000);
`,
    );
    const watching = await startServer({
      command: process.execPath,
      args: [...entry, 'secrets', 'render', '--watch', '--reload', JSON.stringify([process.execPath, 'reload.mjs'])],
      cwd: path,
      env: { ...process.env, ...given(issuer).settings },
      ready: async () => existsSync(join(path, 'hanging')) && read('hanging') !== '',
    });
    try {
      watching.signal('SIGTERM');
      assert.equal(await watching.exited, { code: 0, signal: null }, watching.output());
      assert.match(watching.output(), /exit status 7/);
      assert.not.ok(watching.output().includes(KEY) || watching.output().includes('token-of-the-caller'));
    } finally {
      process.kill(Number(read('hanging')), 'SIGKILL');
    }
  }),
);

reload.run();
