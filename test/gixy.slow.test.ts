import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { run } from './engines/run.ts';
import { engineSuite } from './engines/suite.ts';

interface Finding {
  readonly plugin: string;
  readonly file: string;
}

/** What gixy says about the nginx of each example. Whatever stands here is answered by a comment in the file itself. */
const answered: Readonly<Record<string, readonly string[]>> = {
  'all-options': ['api.conf proxy_buffering_off'],
  'dependency-proxy': ['pulls.conf proxy_buffering_off', 'pulls.conf stale_dns_cache'],
  deploy: ['api.conf proxy_buffering_off', 'api.conf stale_dns_cache'],
  'gitlab-flow': ['api.conf proxy_buffering_off', 'api.conf stale_dns_cache'],
  'gitlab-proxy': ['api.conf proxy_buffering_off', 'api.conf stale_dns_cache'],
  privatelink: ['sites.conf proxy_buffering_off'],
  runner: ['runners.conf proxy_buffering_off', 'runners.conf stale_dns_cache'],
  vault: ['api.conf proxy_buffering_off', 'api.conf stale_dns_cache'],
};

const examples = fileURLToPath(new URL('../examples/', import.meta.url));
const generated = (name: string) => join(examples, name, 'generated/nginx');
const names = readdirSync(examples).filter((name) => existsSync(generated(name)));

const { test, engines } = await engineSuite('gixy', ['gixy']);

async function findingsOf(config: string): Promise<Finding[]> {
  const { code, text } = await run(engines.gixy.path, ['-f', 'json', config]);
  // 2 and above: it could not read the file, and would have found nothing.
  assert.ok(code === 0 || code === 1, text);
  // Warnings about expressions that it cannot read follow what it found.
  const [json = '[]'] = /^\[[\s\S]*?^\]$/m.exec(text) ?? [];
  return JSON.parse(json);
}

for (const name of names) {
  test(`${name}: finds nothing but what is answered`, async () => {
    const found = await findingsOf(join(generated(name), 'nginx.conf'));
    const short = found.map(({ file, plugin }) => `${basename(file)} ${plugin}`);
    assert.equal([...new Set(short)].sort(), answered[name]);
    const texts = readdirSync(generated(name)).map((file) => readFileSync(join(generated(name), file), 'utf8'));
    const comments =
      texts
        .join('\n')
        .match(/(?<=^ *# ).*/gm)
        ?.join(' ') ?? '';
    for (const { plugin } of found) assert.match(comments, `gixy: ${plugin}`);
  });
}

test('is not blind: a line of the request in a redirect is found', async () => {
  const folder = await temporaryFolder();
  try {
    const bad = 'events {}\nhttp { server { listen 1; location / { return 301 https://a.example$uri; } } }\n';
    const found = await findingsOf(await folder.write('nginx.conf', bad));
    assert.ok(found.some(({ plugin }) => plugin === 'http_splitting'));
  } finally {
    await folder.remove();
  }
});

test.run();
