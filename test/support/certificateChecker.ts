import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import * as assert from 'uvu/assert';
import type { Engine, Made } from './proofs.ts';

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

/** A checker that is run here with the files at hand, since a process for each run would take minutes. */
export type Checker = (certificate: unknown, files: Made['files']) => Checked;

/** Takes the text of a checker, which may have been changed, and what else that calls. */
export function checkerHere(engine: Engine, text: string, calls: Readonly<Record<string, unknown>> = {}): Checker {
  const names = ['readFileSync', 'join', 'process', 'console', ...Object.keys(calls)];
  const program = new Function(...names, text.replace(/^(?:#!|import ).*$/gm, ''));
  return (certificate, files) => {
    const texts = new Map(files.map((each) => [each.path, each.text]));
    const read = (path: string) => {
      if (path === 'certificate') return JSON.stringify(certificate);
      const found = texts.get(path);
      if (found === undefined) throw new Error(`${path} is not there`);
      return Buffer.from(found).toString('latin1');
    };
    const own = { argv: ['', '', 'certificate', engine], exitCode: 0 };
    const told: string[] = [];
    const say = { log: (line: string) => told.push(line), error: (line: string) => told.push(line) };
    try {
      timed(() => program(read, join, own, say, ...Object.values(calls)));
    } catch (error) {
      return { status: 2, told: String(error) };
    }
    return { status: own.exitCode, told: told.join('\n') };
  };
}

/** Runs something that may not end, which a checker without one of its checks may not. */
function timed(work: () => void): void {
  const world = globalThis as { timedWork?: () => void };
  world.timedWork = work;
  new Script('timedWork()').runInThisContext({ timeout: 300_000 });
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
