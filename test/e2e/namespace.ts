import { chmod, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { TemporaryFolder } from '../../src/verify/folder.ts';
import { startServer } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { OWN_USER } from '../engines/table.ts';

/** A machine in miniature: all ports are free, nothing leads out, and no name resolves but those of its hosts file. */
export interface Namespace {
  /** A program that is this one, run inside. */
  enter(program: string): Promise<string>;
  listens(port: number): Promise<boolean>;
}

export interface NamespaceOptions {
  readonly unshare: string;
  readonly ip: string;
  readonly folder: TemporaryFolder;
  /** Names that resolve, all to 127.0.0.1. */
  readonly hosts: readonly string[];
}

const setUp = [
  'set -e',
  '"$1" link set lo up',
  'mount --bind "$2" /etc/hosts',
  'mount --bind "$3" /etc/resolv.conf',
  'echo ready',
  'exec sleep infinity',
].join('; ');

export async function startNamespace(
  { unshare, ip, folder, hosts }: NamespaceOptions,
  scope: Scope,
): Promise<Namespace> {
  const hostsFile = await folder.write('etc/hosts', `127.0.0.1 localhost ${hosts.join(' ')}\n`);
  // Nobody answers there, and the kernel says so at once.
  const resolver = await folder.write('etc/resolv.conf', 'nameserver 127.0.0.1\noptions attempts:1 timeout:1\n');
  const holder = await startServer({
    command: unshare,
    args: [...OWN_USER, '--net', '--mount', 'sh', '-c', setUp, 'sh', ip, hostsFile, resolver],
    cwd: folder.path,
    ready: { line: /^ready$/m },
  });
  scope.defer(() => holder.stop());
  const target = `--target ${holder.pid} ${OWN_USER.length > 0 ? '--user --preserve-credentials ' : ''}--net --mount`;
  return {
    async enter(program) {
      const script = `#!/bin/sh\nexec nsenter ${target} --wd="$PWD" '${program}' "$@"\n`;
      const file = await folder.write(`inside/${basename(program)}`, script);
      await chmod(file, 0o755);
      return file;
    },
    async listens(port) {
      const tables = ['tcp', 'tcp6'].map((name) => readFile(`/proc/${holder.pid}/net/${name}`, 'utf8'));
      const hex = port.toString(16).toUpperCase().padStart(4, '0');
      const listening = new RegExp(`:${hex} [0-9A-F]+:0000 0A `);
      return (await Promise.all(tables)).some((table) => listening.test(table));
    },
  };
}
