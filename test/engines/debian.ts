import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mustRun } from './run.ts';
import type { DebianOrigin } from './table.ts';

const mirror = 'http://deb.debian.org/debian';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Unpacks a Debian package with the libraries it needs and puts a starter beside it. Works as any user and whatever is
 * installed: apt gets folders of its own, and the program runs with the C library of its own suite.
 */
export async function installDebian(origin: DebianOrigin, folder: string, command: string): Promise<void> {
  const { suite, package: wanted, parts = [], loader } = origin;
  const apt = join(folder, 'apt');
  const root = join(folder, 'root');
  await mkdir(root, { recursive: true });
  const env = { ...process.env, APT_CONFIG: await privateApt(apt, suite) };
  await mustRun('apt-get', ['update'], { env });
  const plan = await mustRun('apt-get', ['install', '--simulate', wanted], { env });
  const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name ?? '');
  const debs = join(apt, 'debs');
  await mkdir(debs);
  const needed = packages.filter((name) => [wanted, ...parts].includes(name) || isLibrary(name));
  const fetched = loader === 'machine' ? needed.filter((name) => name !== 'libc6') : needed;
  await mustRun('apt-get', ['download', ...fetched], { cwd: debs, env });
  for (const deb of await readdir(debs)) await mustRun('dpkg-deb', ['-x', join(debs, deb), root]);
  await writeStarter(root, origin, join(folder, command));
  await rm(apt, { recursive: true });
}

/** What a program needs to run; the rest of its dependencies are there to set up a whole system. */
function isLibrary(name: string): boolean {
  return /^(lib|zlib|python3)/.test(name);
}

async function privateApt(folder: string, suite: string): Promise<string> {
  for (const part of ['lists/partial', 'cache/archives/partial', 'empty'])
    await mkdir(join(folder, part), { recursive: true });
  const file = (name: string) => join(folder, name);
  await writeFile(file('status'), '');
  await writeFile(file('sources.list'), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const settings = {
    'Dir::State::lists': file('lists'),
    'Dir::State::status': file('status'),
    'Dir::Cache': file('cache'),
    'Dir::Etc::sourcelist': file('sources.list'),
    'Dir::Etc::sourceparts': file('empty'),
    'Dir::Etc::preferences': file('empty/preferences'),
    'Dir::Etc::preferencesparts': file('empty'),
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    // As root, apt would fetch as a user who may not write here.
    'APT::Sandbox::User': '',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
  await writeFile(file('apt.conf'), lines.join(''));
  return file('apt.conf');
}

async function writeStarter(root: string, origin: DebianOrigin, starter: string): Promise<void> {
  const files = (await readdir(root, { recursive: true })).map((file) => join(root, file));
  const folders = new Set(files.filter((file) => /\.so(\.\d+)*$/.test(file)).map((file) => dirname(file)));
  const libraries = [...folders].join(':');
  const program = join(root, origin.program);
  const settings = Object.entries(origin.variables ?? {}).map(
    ([name, path]) => `export ${name}='${join(root, path)}'\n`,
  );
  const start =
    origin.loader === 'machine'
      ? `LD_LIBRARY_PATH='${libraries}' exec '${program}' "$@"\n`
      : `exec '${loaderOf(files, program)}' --argv0 "$0" --library-path '${libraries}' '${program}' "$@"\n`;
  await writeFile(starter, `#!/bin/sh\n${settings.join('')}${start}`);
  await chmod(starter, 0o755);
}

function loaderOf(files: readonly string[], program: string): string {
  const loader = files.find((file) => /^ld-linux.*\.so\.\d$/.test(basename(file)) && !file.includes('/lib64/'));
  if (loader === undefined) throw new Error(`no dynamic loader among the libraries of ${program}`);
  return loader;
}
