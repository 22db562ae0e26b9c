import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import { engineSuite } from './engines/suite.ts';
import { checkPage } from './support/page.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const pages = readdirSync(join(root, 'examples/guides')).filter((name) => name !== 'README.md');

const guides = suite('guides');
for (const name of pages.filter((one) => one !== 'from-nginx.md'))
  guides(`${name}: every command prints what it says`, () => checkPage(`examples/guides/${name}`));
guides.run();

const { test: withNginx, engines } = await engineSuite('guides with nginx', ['nginx']);
withNginx('from-nginx.md: every command prints what it says', () =>
  checkPage('examples/guides/from-nginx.md', { env: { POSTERN_NGINX: engines.nginx.path } }),
);
withNginx.run();
