import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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
    const texts = new Map(textsOf(certificate, files));
    const read = (path: string) => {
      const found = texts.get(path);
      if (found === undefined) throw Object.assign(new Error(`${path} is not there`), { code: 'ENOENT' });
      return found;
    };
    const own = { argv: ['', '', 'certificate', engine], exitCode: 0 };
    const told: string[] = [];
    const say = { log: (line: string) => told.push(line), error: (line: string) => told.push(line) };
    try {
      program(read, join, own, say, ...Object.values(calls));
    } catch (error) {
      return { status: 2, told: String(error) };
    }
    return { status: own.exitCode, told: told.join('\n') };
  };
}

/** What a checker reads. A certificate that is a text is one that nobody has written as a certificate is. */
function textsOf(certificate: unknown, files: Made['files']): readonly (readonly [path: string, text: string])[] {
  const own = typeof certificate === 'string' ? certificate : JSON.stringify(certificate);
  const all = [{ path: 'certificate', text: own }, ...files];
  return all.map(({ path, text }) => [path, Buffer.from(text).toString('latin1')]);
}

/** What a changed checker says of a case that the whole one tells in its own way. */
export interface Trial {
  readonly certificate: unknown;
  readonly files: Made['files'];
  /** Nothing where the certificate holds. */
  readonly told?: string | undefined;
}

/** Runs a checker until it tells something else of a case. It may not end, or use up all memory. */
const TRIAL = `
const { readFileSync } = require('node:fs');
const { text, engine, cases } = JSON.parse(readFileSync(0, 'utf8'));
const program = new Function('readFileSync', 'join', 'process', 'console', text);
const isOther = ({ texts, told }) => {
  const [files, lines, own] = [new Map(texts), [], { argv: ['', '', 'certificate', engine], exitCode: 0 }];
  const read = (path) => {
    if (!files.has(path)) throw Object.assign(new Error(path + ' is not there'), { code: 'ENOENT' });
    return files.get(path);
  };
  const say = (line) => lines.push(line);
  program(read, (folder, name) => folder + '/' + name, own, { log: say, error: say });
  return (own.exitCode === 0) !== (told === undefined) || !lines.join('\\n').includes(told ?? '');
};
process.exitCode = cases.some(isOther) ? 10 : 20;
`;

/** Returns whether a changed checker is told from the whole one by a case, or gives no answer at all. */
export function tryChecker(
  engine: Engine,
  text: string,
  cases: readonly Trial[],
): 'noticed' | 'unnoticed' | 'no answer' {
  const input = JSON.stringify({
    engine,
    text: text.replace(/^(?:#!|import ).*$/gm, ''),
    cases: cases.map(({ certificate, files, told }) => ({ texts: textsOf(certificate, files), told })),
  });
  const limits = ['--max-old-space-size=1000', '--stack-size=900'];
  const { status } = spawnSync(process.execPath, [...limits, '--eval', TRIAL], { input, timeout: 300_000 });
  return status === 10 ? 'noticed' : status === 20 ? 'unnoticed' : 'no answer';
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
