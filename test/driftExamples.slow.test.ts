import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dump, load } from 'js-yaml';
import { parse, stringify } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TemporaryFolder, temporaryFolder } from '../src/verify/folder.ts';
import { certificateFor } from './engines/certificate.ts';
import { engineSuite } from './engines/suite.ts';
import { adapted, exceptKeys, IN_SYNC, type LiveCase, liveCase } from './support/live.ts';

const examples = fileURLToPath(new URL('../examples/', import.meta.url));
const names = readdirSync(examples).filter((name) => readdirSync(join(examples, name)).includes('postern.yaml'));

function exampleOf(name: string): LiveCase {
  const folder = join(examples, name);
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !path.startsWith('generated'),
  );
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  const beside = Object.fromEntries(files.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
  return liveCase(beside['postern.yaml'] ?? '', beside);
}

function nginxDump(here: LiveCase): string {
  const files = here.files('nginx').filter(({ path }) => path.endsWith('.conf'));
  return files.map(({ path, text }) => `# configuration file /etc/${path}:\n${text}`).join('\n');
}

/** The same for nginx: no comments, other blanks, other quotes, the exact rows of each map the other way round. */
function rewritten(text: string): string {
  return text
    .replace(/^ *#(?! configuration file).*\n/gm, '')
    .replace(
      /(?:^ +"[^"~\\$][^"\\$]*" "[^"\\$]*";\n)+/gm,
      (rows) => `${rows.trimEnd().split('\n').reverse().join('\n')}\n`,
    )
    .replace(/^( *)"([^"'\\$]*)" "([A-Za-z0-9_.-]+)";$/gm, "$1'$2'  $3 ;")
    .replace(/^ +/gm, '\t');
}

const test = suite('every example against what runs');

for (const name of names) {
  const here = exampleOf(name);
  const has = (target: string) => here.files(target).length > 0;

  if (has('nginx'))
    test(`${name}: nginx, also written differently; a hand edit is told at its line`, () => {
      const live = nginxDump(here);
      const other = rewritten(live);
      assert.is.not(other, live);
      assert.equal(exceptKeys(here.compare('nginx', live)), IN_SYNC);
      assert.equal(exceptKeys(here.compare('nginx', other)), IN_SYNC);
      const edited = live.replace(/^( *server [^;{}]*):(\d+)( [^;]*)?;$/m, '$1.evil.example:$2$3;');
      assert.is.not(edited, live);
      const { drift } = here.compare('nginx', edited);
      assert.is(drift.length, 1);
      assert.match(here.text.split('\n')[Number.parseInt(drift[0] ?? '', 10) - 1] ?? '', /url:|to:/, drift[0]);
    });

  if (has('nginx'))
    test(`${name}: no directive can go from nginx unseen, and what decides is told at its part of the spec`, () => {
      const lines = nginxDump(here).split('\n');
      const optionsLine = here.text.split('\n').findIndex((line) => /^ {2}nginx:/.test(line)) + 1;
      const places = lines.flatMap((line, index) => (/^ +[^#]*;$/.test(line) && index % 3 === 0 ? [index] : []));
      assert.ok(places.length > 80, String(places.length));
      for (const place of places) {
        const { drift, problems } = here.compare('nginx', lines.toSpliced(place, 1).join('\n'));
        assert.ok(drift.length + problems.length > 0, lines[place]);
        const decides = /^ +(?:allow|deny|if|return|proxy_pass|proxy_set_header|proxy_ssl\w*|"\d)/.test(
          lines[place] ?? '',
        );
        const deciding = drift.filter((line) => decides && !/ \$(?:\w+_)?log_/.test(line));
        for (const line of deciding) assert.is.not(Number.parseInt(line, 10), optionsLine, line);
      }
    });

  if (has('coredns'))
    test(`${name}: CoreDNS as kubectl prints it`, () => {
      const text = here.file('coredns');
      assert.equal(here.compare('coredns', text), IN_SYNC);
      for (const other of [JSON.stringify(load(text)), dump(load(text), { forceQuotes: true })])
        assert.equal(here.compare('coredns', other), IN_SYNC);
    });

  if (has('bottlerocket'))
    test(`${name}: Bottlerocket through TOML and JSON`, () => {
      const settings = parse(here.file('bottlerocket'));
      assert.equal(here.compare('bottlerocket', stringify(settings)), IN_SYNC);
      assert.equal(here.compare('bottlerocket', JSON.stringify(settings)), IN_SYNC);
      const edited = JSON.stringify(settings).replace('https://', 'https://evil.');
      assert.match(
        here.compare('bottlerocket', edited).drift.join('\n'),
        /^\d+: live has https:\/\/evil\..* in place of /,
      );
    });
}
test.run();

const { test: caddy, engines } = await engineSuite('every example against Caddy', ['caddy']);
for (const name of names) {
  const here = exampleOf(name);
  if (here.files('caddy').length === 0) continue;
  caddy(`${name}: Caddy, with its keys in another order`, () => {
    process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
    const turned = JSON.parse(adapted(engines.caddy.path, here), (_, value) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    );
    assert.equal(exceptKeys(here.compare('caddy', JSON.stringify(turned, null, 2))), IN_SYNC);
  });
}
caddy.run();

const { test: nginx, engines: found } = await engineSuite('every example as nginx prints it', [
  'nginx-newest',
  'openssl',
]);

/** What does not exist here, and what stands for it: hosts, certificates, keys, folders. Turned back in what nginx prints. */
async function standIns(text: string, folder: TemporaryFolder): Promise<[missing: string, here: string][]> {
  const { certFile, keyFile } = await certificateFor(['postern.example'], found.openssl.path, folder);
  const files = new Set(text.match(/\/etc\/[\w./-]+\.(?:pem|crt|key)/g));
  const hosts = new Set([...text.matchAll(/^ *server ([a-z][\w.-]*):\d+/gm)].map(([, host = '']) => host));
  const [, writable] = /^pid (\/.*)\/nginx\.pid;$/m.exec(text) ?? [];
  if (writable !== undefined) mkdirSync(join(folder.path, 'writable'));
  return [
    ...(writable === undefined ? [] : [[writable, join(folder.path, 'writable')] as [string, string]]),
    // What this process reads is a socket here, which nothing can open by name.
    ['/dev/stdout', join(folder.path, 'stdout')],
    ...[...files].map((file, index): [string, string] => {
      const copy = join(folder.path, `stand-in-${index}.pem`);
      copyFileSync(file.endsWith('.key') ? keyFile : certFile, copy);
      return [file, copy];
    }),
    ...[...hosts].map((host, index): [string, string] => [` ${host}:`, ` 127.9.9.${index + 1}:`]),
  ];
}

for (const name of names) {
  const here = exampleOf(name);
  const files = here.files('nginx').filter(({ path }) => path.endsWith('.conf'));
  if (files.length === 0) continue;
  nginx(`${name}: what nginx -T prints is in sync`, async () => {
    const folder = await temporaryFolder();
    try {
      const pairs = await standIns(files.map(({ text }) => text).join('\n'), folder);
      for (const { path, text } of files) {
        mkdirSync(dirname(join(folder.path, path)), { recursive: true });
        const placed = pairs.reduce((rest, [from, to]) => rest.replaceAll(from, to), text);
        writeFileSync(join(folder.path, path), placed);
      }
      const prefix = join(folder.path, 'nginx');
      mkdirSync(join(prefix, 'logs'), { recursive: true });
      const args = ['-T', '-p', `${prefix}/`, '-c', 'nginx.conf'];
      const { stdout, stderr, status } = spawnSync(found['nginx-newest'].path, args, { encoding: 'utf8' });
      assert.is(status, 0, stderr);
      const live = pairs.reduce((rest, [to, from]) => rest.replaceAll(from, to), stdout);
      assert.equal(exceptKeys(here.compare('nginx', live)), IN_SYNC);
    } finally {
      await folder.remove();
    }
  });
}
nginx.run();
