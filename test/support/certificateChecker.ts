import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Engine } from './proofs.ts';

/** What a checker of certificates says. */
export interface Checked {
  readonly status: number | null;
  readonly told: string;
}

function checkerFile(engine: Engine): string {
  return fileURLToPath(new URL(`../../templates/${engine}/check-certificate.js`, import.meta.url));
}

export function checkerText(engine: Engine): string {
  return readFileSync(checkerFile(engine), 'utf8');
}

/** Runs the checker of an engine as people do. */
export function checkFiles(engine: Engine, certificate: string, folder: string): Checked {
  const line = [checkerFile(engine), certificate, folder];
  const { status, stdout, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8' });
  return { status, told: stdout + stderr };
}

/** Asserts that people can read a checker whole. */
export function assertReadable(engine: Engine, mostLines: number): void {
  const text = checkerText(engine);
  const lines = text.split('\n');
  assert.ok(lines.length <= mostLines, `${lines.length} lines`);
  assert.equal(
    lines.filter((line) => line.length > 120),
    [],
  );
  const imported = [...text.matchAll(/\bfrom '([^']*)'|import\(/g)].map(([, name]) => name);
  assert.equal(imported, ['node:fs', 'node:path']);
}
