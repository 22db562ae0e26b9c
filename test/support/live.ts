import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { compile } from '../../src/compile.ts';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.ts';
import { resolveDiagnostics } from '../../src/diagnostics/resolve.ts';
import type { OutputFile } from '../../src/output/files.ts';
import type { Policy } from '../../src/policy/types.ts';
import { targets } from '../../src/targets/index.ts';
import type { ReadFile } from '../../src/targets/target.ts';

/** What a comparison with a live text says, a line each; problems stand alone. */
export interface Told {
  readonly drift: readonly string[];
  readonly foreign: readonly string[];
  readonly problems: readonly string[];
}

export interface LiveCase {
  /** The spec. */
  readonly text: string;
  readonly policy: Policy;
  /** The file of a target as it is rendered. */
  file(target: string, end?: string): string;
  files(target: string): readonly OutputFile[];
  compare(target: string, live: string): Told;
}

/** A spec whose files are compared with live texts; `beside` are the files that it names. */
export function liveCase(spec: string, beside: Readonly<Record<string, string>> = {}): LiveCase {
  const read: ReadFile = (path) => beside[path];
  const { document, spec: parsed, policy, files, diagnostics } = compile(spec, { file: 'postern.yaml', read });
  assert.equal(
    diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message),
    [],
  );
  if (!document || !parsed || !policy || !files) throw new Error('no files and no error');
  const lines = (found: readonly Diagnostic[] = []) =>
    resolveDiagnostics(found, document).map(
      ({ code, message, location }) => `${location?.from.line}: ${message} [${code}]`,
    );
  return {
    text: spec,
    policy,
    file(target, end = '') {
      const found = files.find((file) => file.target === target && file.path.endsWith(end));
      if (!found) throw new Error(`no file of ${target}`);
      return found.text;
    },
    files: (target) => files.filter((file) => file.target === target),
    compare(target, text) {
      const own = files.filter((file) => file.target === target);
      const compared = targets
        .find(({ name }) => name === target)
        ?.live?.(
          { name: 'live', text },
          { target, policy, options: parsed.targets?.[target], at: ['targets', target], files: own, read },
        );
      if (!compared) throw new Error(`${target} cannot be compared live`);
      return {
        drift: lines(compared.value?.drift),
        foreign: lines(compared.value?.foreign),
        problems: lines(compared.diagnostics),
      };
    },
  };
}

/** The JSON that Caddy makes of our files. */
export function adapted(program: string, here: LiveCase): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'));
  try {
    for (const { path, text } of here.files('caddy')) writeFileSync(join(folder, basename(path)), text);
    const args = ['adapt', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
    return spawnSync(program, args, { cwd: folder, encoding: 'utf8' }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const IN_SYNC: Told = { drift: [], foreign: [], problems: [] };

/** What is told beside the warning that no secrets were rendered where it runs. */
export function exceptKeys({ problems, ...told }: Told): Told {
  return { ...told, problems: problems.filter((line) => !line.endsWith('[drift/no-keys]')) };
}
