import { chmod } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { compile } from '../../src/compile.ts';
import { targets } from '../../src/targets/index.ts';
import { type TemporaryFolder, temporaryFolder } from '../../src/verify/folder.ts';
import type { Scope } from '../../src/verify/scope.ts';

/** What `generate` and `secrets render` write for a spec, in a folder of its own. */
export async function writeGenerated(
  spec: object,
  secrets: Readonly<Record<string, string>>,
  scope: Scope,
): Promise<TemporaryFolder> {
  const text = JSON.stringify({ version: 1, name: 'e2e', ...spec });
  const { files, policy, diagnostics } = compile(text, { file: 'postern.json', read: () => undefined });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  assert.equal(
    errors.map(({ message }) => message),
    [],
  );
  if (!files || !policy) throw new Error('no files and no error');
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  // nginx started by root works as somebody else, who must get to its temporary files.
  await chmod(folder.path, 0o755);
  for (const { path, text } of files) await folder.write(path, text);
  const values = new Map(Object.entries(secrets));
  for (const name of new Set(files.map((file) => file.target))) {
    const kept = targets.find((target) => target.name === name)?.secrets?.({ policy, values });
    for (const { path, text } of kept?.value ?? []) await folder.write(path, text);
  }
  return folder;
}

export const proxyEngines = ['caddy', 'nginx'] as const;
export type ProxyEngine = (typeof proxyEngines)[number];

/** Programs that the sites of domain rewrites are put to work in; both of nginx get the same files. */
export const siteEngines = [...proxyEngines, 'nginx-newest'] as const;
export type SiteEngine = (typeof siteEngines)[number];

export function targetOf(engine: SiteEngine): ProxyEngine {
  return engine === 'caddy' ? 'caddy' : 'nginx';
}
