import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Policy } from '../../../src/policy/types.ts';
import { caddy } from '../../../src/targets/caddy/index.ts';
import { startEngine } from '../../../src/verify/engines.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { accepts, type Server } from '../../../src/verify/process.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { proxyTarget } from '../../verify/proxyTargets.ts';

export interface Running {
  /** What holds `caddy/`. */
  readonly folder: string;
  readonly server: Server;
}

export interface RunOptions {
  readonly policy: Policy;
  readonly program: string;
  readonly options?: object;
  /** Secrets by reference; no secrets files where absent. */
  readonly values?: ReadonlyMap<string, string>;
  /** Ports that must be listened on. */
  readonly ports: readonly number[];
  /** What else must hold before it counts as started. */
  readonly ready?: () => Promise<boolean>;
}

/** Writes what the target makes of a policy into a folder of its own and starts Caddy there. */
export async function runCaddy(
  { policy, program, options = {}, values, ports, ready: more }: RunOptions,
  scope: Scope,
): Promise<Running> {
  const emitted = caddy.emit({
    policy,
    options: caddy.options.parse(options),
    at: ['targets', 'caddy'],
    read: () => undefined,
  });
  assert.equal(emitted.diagnostics, []);
  const secretFiles = values ? (caddy.secrets?.({ policy, values }).value ?? []) : [];
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  for (const { path, text } of [...(emitted.value ?? []), ...secretFiles]) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text, { mode: 0o600 });
  }
  const ready = async () => (await Promise.all(ports.map(accepts))).every(Boolean) && ((await more?.()) ?? true);
  const server = await startEngine(proxyTarget('caddy'), { program, folder: folder.path, ready });
  scope.defer(() => server.stop());
  return { folder: folder.path, server };
}
