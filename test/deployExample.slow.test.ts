import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import * as assert from 'uvu/assert';
import { memberOf } from '../src/source/value.ts';
import { type TemporaryFolder, temporaryFolder } from '../src/verify/folder.ts';
import { freePort } from '../src/verify/ports.ts';
import { accepts, guardGroup } from '../src/verify/process.ts';
import { engine } from './engines/engine.ts';
import { mustRun, run } from './engines/run.ts';
import { engineSuite } from './engines/suite.ts';

const example = fileURLToPath(new URL('../examples/deploy/', import.meta.url));
const read = (file: string) => readFileSync(join(example, file), 'utf8');
const unit = read('systemd/postern.service');

const compose = memberOf(memberOf(load(read('compose.yaml')), 'services'), 'proxy');
const pod = memberOf(
  memberOf(memberOf(load(read('generated/kubernetes/deployment.yaml')), 'spec'), 'template'),
  'spec',
);
const container = memberOf(memberOf(pod, 'containers'), '0');

/** The program and its arguments, as each platform starts them. */
const STARTS: Readonly<Record<string, readonly string[]>> = {
  'docker compose': memberOf(compose, 'command') as string[],
  Kubernetes: memberOf(container, 'command') as string[],
  systemd: [...(/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, word]) => quoted ?? word ?? '',
  ),
};

const { test, engines } = await engineSuite('examples/deploy', ['nginx']);

/** Waits for something that a program is about to do. */
async function until(question: () => boolean | Promise<boolean>, known: () => string): Promise<void> {
  for (const end = performance.now() + 15_000; !(await question()); await delay(20))
    assert.ok(performance.now() < end, `waited in vain: ${known()}`);
}

/** The generated files as they are deployed, for another port and without a name to look up; nobody may write to them. */
async function deployed(folder: TemporaryFolder, edit: (text: string) => string = (text) => text) {
  const [port, base, writable] = [await freePort(), join(folder.path, 'nginx'), join(folder.path, 'writable')];
  cpSync(join(example, 'generated/nginx'), base, { recursive: true });
  for (const name of readdirSync(base)) {
    const text = readFileSync(join(base, name), 'utf8')
      .replaceAll('/run/postern', writable)
      .replace(/\blisten 8080/g, `listen 127.0.0.1:${port}`)
      .replace('server gitlab.example.com:443', 'server 127.0.0.1:1');
    writeFileSync(join(base, name), edit(text));
  }
  await mkdir(writable);
  await chmod(folder.path, 0o755);
  await chmod(writable, 0o777);
  await chmod(base, 0o555);
  return { port, base, writable };
}

/** Starts nginx as one of the platforms does, as nobody, with its output in a pipe as containers have it. */
async function started(words: readonly string[], { port, base }: { port: number; base: string }) {
  const args = words.slice(1).map((word) => (word.startsWith('/etc/postern/') ? `${base}/` : word));
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const line = 'program=$1; shift; { "$program" "$@"; echo "ended $?" >&2; } | cat';
  const shell = spawn('/bin/sh', ['-c', line, 'sh', engines.nginx.path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...nobody,
  });
  const guard = guardGroup(shell.pid ?? 0);
  shell.once('close', () => guard.disarm());
  const said = { output: '', errors: '' };
  shell.stdout.on('data', (data: Buffer) => {
    said.output += data.toString();
  });
  shell.stderr.on('data', (data: Buffer) => {
    said.errors += data.toString();
  });
  await until(
    () => accepts(port),
    () => said.errors,
  );
  return { said, ended: () => shell.exitCode !== null };
}

function signal(writable: string, name: NodeJS.Signals): void {
  const file = join(writable, 'nginx.pid');
  if (existsSync(file)) process.kill(Number(readFileSync(file, 'utf8')), name);
}

for (const [platform, words] of Object.entries(STARTS)) {
  test(`${platform}: what it runs answers, takes new files, and comes to its end when it is told to`, async () => {
    const folder = await temporaryFolder();
    const place = await deployed(folder);
    try {
      assert.match(words[0] ?? '', /(?:^|\/)nginx$/);
      const { said, ended } = await started(words, place);
      const ask = () => fetch(`http://127.0.0.1:${place.port}/healthz`, { headers: { connection: 'close' } });
      assert.is((await ask()).status, 200);
      await until(
        () => said.output.includes('\n'),
        () => said.errors,
      );
      assert.is(JSON.parse(said.output.split('\n')[0] ?? '').path, '/healthz');
      signal(place.writable, 'SIGHUP');
      assert.is((await ask()).status, 200);
      signal(place.writable, 'SIGQUIT');
      await until(ended, () => said.errors);
      assert.is(said.errors, 'ended 0\n');
    } finally {
      signal(place.writable, 'SIGKILL');
      await folder.remove();
    }
  });
}

test('all three start the same program, in the same image, and stop it in the same way', () => {
  assert.equal(STARTS['docker compose'], STARTS['Kubernetes']);
  assert.is(memberOf(compose, 'image'), memberOf(container, 'image'));
  assert.is(memberOf(compose, 'stop_grace_period'), `${memberOf(pod, 'terminationGracePeriodSeconds')}s`);
  assert.is(memberOf(compose, 'stop_signal'), 'SIGQUIT');
  assert.match(unit, /^KillSignal=SIGQUIT$/m);
  assert.match(unit, new RegExp(`^TimeoutStopSec=${memberOf(pod, 'terminationGracePeriodSeconds')}$`, 'm'));
  assert.is(memberOf(compose, 'read_only'), true);
  assert.equal(memberOf(compose, 'cap_drop'), ['ALL']);
});

test('docker compose reads it, and finds a misspelt key', async () => {
  const reader = await engine('compose-reader');
  if ('missing' in reader) {
    assert.is.not(process.env['CI'], 'true', reader.missing);
    return void console.log(`skipped: compose-reader not found (${reader.missing})`);
  }
  const folder = await temporaryFolder();
  try {
    const project = JSON.parse(await mustRun(reader.path, [join(example, 'compose.yaml')]));
    const { read_only, user, stop_grace_period, volumes } = project.services.proxy;
    assert.equal([read_only, user, stop_grace_period], [true, '1000:1000', '1m15s']);
    assert.equal(volumes, [
      { type: 'bind', source: './generated/nginx', target: '/etc/postern', read_only: true, bind: {} },
    ]);
    const misspelt = await folder.write('compose.yaml', read('compose.yaml').replace('read_only', 'readonly'));
    const { code, text } = await run(reader.path, [misspelt]);
    assert.is(code, 1);
    assert.match(text, /services\.proxy.*readonly/);
  } finally {
    await folder.remove();
  }
});

test('systemd reads the unit, and finds little that it could take away yet', async () => {
  if ((await run('systemd-analyze', ['--version'])).code !== 0) return void console.log('skipped: no systemd-analyze');
  const folder = await temporaryFolder();
  try {
    const file = await folder.write('postern.service', unit.replaceAll('/usr/sbin/nginx', process.execPath));
    assert.equal(await run('systemd-analyze', ['verify', file]), { code: 0, text: '' });
    const { code, text } = await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', file]);
    assert.is(code, 0, text);
    const broken = await folder.write('broken.service', unit.replace('KillMode=mixed', 'KillMood=mixed'));
    assert.match((await run('systemd-analyze', ['verify', broken])).text, /KillMood/);
  } finally {
    await folder.remove();
  }
});

test('logrotate rotates the log under load, and no line is lost', async () => {
  const logrotate = await engine('logrotate');
  if ('missing' in logrotate) {
    assert.is.not(process.env['CI'], 'true', logrotate.missing);
    return void console.log(`skipped: logrotate not found (${logrotate.missing})`);
  }
  const folder = await temporaryFolder();
  const place = await deployed(folder, (text) =>
    text.replaceAll('/dev/stdout', join(folder.path, 'writable/access.log')),
  );
  try {
    const { said, ended } = await started(STARTS['systemd'] ?? [], place);
    const owner = process.getuid?.() === 0 ? 'nobody nogroup' : execFileSync('id', ['-nu']).toString().trim();
    const config = read('systemd/logrotate.conf')
      .replace('/var/log/postern/', `${place.writable}/`)
      .replace(/create 0600 .*/, `create 0600 ${owner}\n    su ${owner.includes(' ') ? owner : 'root root'}`)
      .replace('    compress\n    delaycompress\n', '')
      .replace(/\/bin\/systemctl kill .*/, `kill -USR1 $(cat ${place.writable}/nginx.pid)`);
    const file = await folder.write('logrotate.conf', config);
    await chmod(file, 0o644);
    let sent = 0;
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 20; count++, sent++) await fetch(`http://127.0.0.1:${place.port}/healthz`);
      // nginx writes after a second at the latest, and an empty log is not rotated.
      await until(
        () => readFileSync(join(place.writable, 'access.log'), 'utf8') !== '',
        () => said.errors,
      );
      await mustRun(logrotate.path, ['--force', '--state', join(folder.path, 'state'), file]);
    }
    signal(place.writable, 'SIGQUIT');
    await until(ended, () => said.errors);
    const logs = readdirSync(place.writable).filter((name) => name.startsWith('access.log'));
    assert.ok(logs.length >= 3, logs.join(' '));
    const lines = logs.flatMap((name) => readFileSync(join(place.writable, name), 'utf8').trim().split('\n'));
    assert.is(lines.filter((line) => line !== '').length, sent);
  } finally {
    signal(place.writable, 'SIGKILL');
    await folder.remove();
  }
});

test.run();
