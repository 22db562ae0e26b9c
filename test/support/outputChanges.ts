import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../src/compile.ts';
import { compareLines } from '../../src/output/lines.ts';

/** The text of what is generated: by target, then by path. */
export type Output = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** @param folder in which the files are that the spec names */
export function outputOf(spec: object, folder: string): Output {
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  const { files, diagnostics } = compile(JSON.stringify(spec), { file: 'postern.json', read });
  if (!files) throw new Error(JSON.stringify(diagnostics));
  const ofTarget = (name: string) => files.filter(({ target }) => target === name);
  const targets = [...new Set(files.map(({ target }) => target))];
  return new Map(targets.map((name) => [name, new Map(ofTarget(name).map(({ path, text }) => [path, text]))]));
}

export interface Changes {
  readonly gone: readonly string[];
  readonly added: readonly string[];
}

/** Of files that are there before and after; a new file is read as what it is. */
export function changesOf(before: Output, after: Output, target: string): ReadonlyMap<string, Changes> {
  const [left, right] = [before.get(target), after.get(target)];
  const changes = [...(right ?? [])].flatMap(([path, text]) => {
    const old = left?.get(path);
    if (old === undefined || old === text) return [];
    const parts = compareLines(old.split('\n'), text.split('\n'));
    const lines = (kind: string) => parts.flatMap((part) => (part.kind === kind ? part.lines : []));
    return [[path, { gone: lines('before'), added: lines('after') }] as const];
  });
  return new Map(changes);
}

/** How many lines a reviewer has to read: what changed, and two more a file for its digest in the list of files. */
export function countOf(changes: ReadonlyMap<string, Changes>): number {
  return [...changes.values()].reduce((sum, { gone, added }) => sum + gone.length + added.length + 2, 0);
}

/** Lines that stood there and do not any more, but for digests; braces and blank lines look alike wherever they are. */
export function goneFrom(changes: ReadonlyMap<string, Changes>): string[] {
  return [...changes.values()].flatMap(({ gone }) => gone).filter(saysSomething);
}

/** Lines that did not stand there before, likewise. */
export function addedTo(changes: ReadonlyMap<string, Changes>): string[] {
  return [...changes.values()].flatMap(({ added }) => added).filter(saysSomething);
}

function saysSomething(line: string): boolean {
  return !line.includes('sha256:') && /[a-z0-9]/i.test(line);
}

/** Six lines, two for each segment that no other route has, two a method; a choice stands for as many routes. */
export function budgetOf(request: string, others: readonly string[]): number {
  const known = new Set(others.flatMap(pathsOf).flatMap(beginnings));
  const paths = pathsOf(request);
  const segments = new Set(paths.flatMap(beginnings).filter((place) => !known.has(place)));
  const methods = (request.split(' ')[0] ?? '').split(',');
  return 6 + 2 * segments.size + 2 * methods.length * paths.length;
}

/** `GET /{kind:a|b}/{id:int}` → `/a/{int}`, `/b/{int}` */
function pathsOf(request: string): string[] {
  const path = request.split(' ').at(-1) ?? '';
  const [whole, choice] = /\{[^{}:]+:([^{}]*\|[^{}]*)\}/.exec(path) ?? [];
  if (whole === undefined || choice === undefined)
    return [path.replace(/\{[^{}:]+:/g, '{').replace(/\{\w+(?=\*?\})/g, '{')];
  return choice.split('|').flatMap((value) => pathsOf(path.replace(whole, value)));
}

function beginnings(path: string): string[] {
  return path.split('/').flatMap((_, end, parts) => (end === 0 ? [] : [parts.slice(0, end + 1).join('/')]));
}

/** Whether a line holds what a path has written out, however the target writes a dot or a capital letter. */
export function holdsPath(line: string, request: string): boolean {
  const plain = line.replace(/\[([^\]])\]/g, '$1').replace(/\{\^([A-Z]+)\}/g, '$1');
  const literals = (request.split(' ').at(-1) ?? '').split('/').filter((part) => part !== '' && !part.startsWith('{'));
  let from = 0;
  return literals.every((text) => {
    const at = plain.indexOf(text, from);
    from = at + text.length;
    return at >= 0;
  });
}
