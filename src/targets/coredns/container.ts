import type { Diagnostic, SpecPath, TextSpan } from '../../diagnostics/diagnostic.ts';
import { parseDocument } from '../../source/document.ts';
import { memberOf } from '../../source/value.ts';
import { corednsCodes } from './codes.ts';

/** A Corefile, and the file that holds it: the Corefile itself, or a ConfigMap. */
export interface Container {
  readonly corefile: string;
  placeOf(span: { readonly start: number; readonly end: number }): TextSpan;
  /** Returns the whole file with these edits of the Corefile. */
  apply(edits: readonly Edit[]): string;
}

export interface ContainerFile {
  readonly file: string;
  readonly text: string;
  readonly at: SpecPath;
}

export function plainContainer({ file, text }: ContainerFile): Container {
  return {
    corefile: text,
    placeOf: ({ start, end }) => ({ file, text, start, end }),
    apply: (edits) => applyEdits(text, edits),
  };
}

/** Returns whether a file is an object of Kubernetes, in YAML or JSON, instead of a Corefile. */
export function isObject(text: string): boolean {
  return /^\s*\{\s*["}]/.test(text) || /^(?:apiVersion|kind|data|metadata):(?:\s|$)/m.test(text);
}

/**
 * Returns a ConfigMap that holds a Corefile as a literal block, each line of which is a line of the file, or in double
 * quotes; `undefined` with a problem.
 */
export function configMapContainer(source: ContainerFile, problems: Diagnostic[]): Container | undefined {
  const { file, text, at } = source;
  const refuse = (problem: string, hint: string, place?: TextSpan) => {
    problems.push(corednsCodes.report('bad-merge', at, { file, problem, hint }, place ? { place } : {}));
    return undefined;
  };
  if (!isObject(text)) return refuse('is no ConfigMap', 'a Corefile goes with "form: corefile"');
  const parsed = parseDocument({ name: file, text });
  if (!parsed.value) {
    problems.push(...parsed.diagnostics);
    return undefined;
  }
  const { value, locate } = parsed.value;
  const corefile = corefileOf(value);
  if (corefile === undefined)
    return refuse('has no data.Corefile', 'give the ConfigMap itself, as kubectl get -o yaml prints it');
  const inString = quotedContainer(source, locate(['data', 'Corefile'], 'value'), corefile);
  if (inString) return inString;
  const key = locate(['data', 'Corefile'], 'key');
  const head = /^["']?:[ ]+\|[-+0-9]*[ ]*(?:#.*)?\r?$/.exec(text.slice(key.end).split('\n', 1)[0] ?? '');
  const first = text.slice(0, key.end).split('\n').length;
  const lines = text.split('\n');
  const indent = /^ */.exec(lines.slice(first).find((line) => line.trim() !== '') ?? '')?.[0] ?? '';
  const asWritten = corefile
    .split('\n')
    .every((line, index) => line === '' || lines[first + index]?.replace(/\r$/, '') === indent + line);
  if (!head || !asWritten) {
    const hint =
      'write it as a literal block, "Corefile: |"; kubectl does so once no line ends with a blank or holds a tab';
    return refuse('does not show its Corefile line by line', hint, key);
  }
  const lineEnd = lines[first]?.endsWith('\r') ? '\r' : '';
  const starts = offsetsOf(lines);
  const outer = (offset: number) => {
    const before = corefile.slice(0, offset).split('\n');
    return (starts[first + before.length - 1] ?? 0) + indent.length + (before.at(-1)?.length ?? 0);
  };
  return {
    corefile,
    placeOf: ({ start, end }) => ({ file, text, start: outer(start), end: outer(end) }),
    apply: (edits) =>
      applyEdits(
        text,
        edits.map(({ line, remove, insert }) => ({
          line: first + line,
          remove,
          insert: insert.map((inner) => indent + inner + lineEnd),
        })),
      ),
  };
}

function corefileOf(value: unknown): string | undefined {
  const data = memberOf(value, 'data');
  const corefile = memberOf(data, 'Corefile');
  return typeof corefile === 'string' ? corefile : undefined;
}

function offsetsOf(lines: readonly string[]): number[] {
  let offset = 0;
  return lines.map((line) => {
    const start = offset;
    offset += line.length + 1;
    return start;
  });
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  return editedLines(text.split('\n'), edits).join('\n');
}

/**
 * A Corefile in double quotes: in JSON, as `kubectl get -o json` prints it, or in YAML, where kubectl does so once a line
 * ends with a blank or holds a tab. Its lines end at the escaped line feeds.
 */
function quotedContainer(
  { file, text }: ContainerFile,
  span: { readonly start: number; readonly end: number },
  corefile: string,
): Container | undefined {
  const pieces = piecesOf(text.slice(span.start, span.end));
  if (pieces?.map(({ value }) => value).join('') !== corefile) return undefined;
  const raws = pieces.map(({ raw }) => raw);
  const outer = (offset: number) => span.start + 1 + raws.slice(0, offset).join('').length;
  return {
    corefile,
    placeOf: ({ start, end }) => ({ file, text, start: outer(start), end: outer(end) }),
    apply: (edits) => {
      const escaped = edits.map((edit) => ({ ...edit, insert: edit.insert.map(escapedLine) }));
      const edited = editedLines(linesOf(pieces), escaped).join('');
      return `${text.slice(0, span.start)}"${edited}"${text.slice(span.end)}`;
    },
  };
}

/** A piece of a string as it is written, and the one UTF-16 unit that it means. */
interface Piece {
  readonly raw: string;
  readonly value: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '"': '"',
  '\\': '\\',
  '/': '/',
  ' ': ' ',
};

/**
 * Returns the pieces of a string in double quotes; `undefined` for any other text. Escapes that no program writes
 * result in a text that differs from the Corefile.
 */
function piecesOf(quoted: string): Piece[] | undefined {
  const inner = /^"(.*)"$/s.exec(quoted)?.[1];
  if (inner === undefined) return undefined;
  const pieces: Piece[] = [];
  let before = '';
  // A line break means a blank, and an escaped one means nothing.
  for (const [raw] of inner.matchAll(/\\\r?\n[ \t]*|[ \t]*\r?\n[ \t]*|\\u[0-9a-fA-F]{4}|\\.|[^\\]/gs)) {
    const value = valueOf(raw);
    if (value === '') before += raw;
    else pieces.push({ raw: before + raw, value });
    if (value !== '') before = '';
  }
  return pieces;
}

function valueOf(raw: string): string {
  if (raw.startsWith('\\u')) return String.fromCharCode(Number.parseInt(raw.slice(2), 16));
  if (/^\\\r?\n/.test(raw)) return '';
  if (raw.startsWith('\\')) return ESCAPES[raw.slice(1)] ?? raw;
  return raw.includes('\n') ? ' ' : raw;
}

/** Returns the lines as they are written, each with its line feed. */
function linesOf(pieces: readonly Piece[]): string[] {
  const lines = [''];
  for (const { raw, value } of pieces) {
    lines.push((lines.pop() ?? '') + raw);
    if (value === '\n') lines.push('');
  }
  return lines;
}

function escapedLine(line: string): string {
  return `${JSON.stringify(line).slice(1, -1)}\\n`;
}

/** Replaces some lines by others; line numbers start at 0. */
export interface Edit {
  readonly line: number;
  readonly remove: number;
  /** Without line feeds. */
  readonly insert: readonly string[];
}

function editedLines(lines: readonly string[], edits: readonly Edit[]): string[] {
  const edited = [...lines];
  // Edits run from the end, so that earlier line numbers stay right. On one line, removals come before insertions.
  for (const { line, remove, insert } of edits.toSorted((a, b) => b.line - a.line || b.remove - a.remove))
    edited.splice(line, remove, ...insert);
  return edited;
}

/**
 * Fields that the API server sets. They change with every update, are wrong in a manifest that is applied, and were
 * written by nobody.
 */
const SERVER_FIELDS: readonly SpecPath[] = [
  ...['creationTimestamp', 'generation', 'managedFields', 'resourceVersion', 'selfLink', 'uid'].map((name) => [name]),
  ['annotations', 'kubectl.kubernetes.io/last-applied-configuration'],
].map((path) => ['metadata', ...path]);

/**
 * Returns an object as a person would write it, without the fields of the server that `kubectl get` prints. Only whole
 * lines are removed.
 */
export function withoutServerFields(text: string): string {
  const document = parseDocument({ name: '', text }).value;
  if (!document) return text;
  const valueAt = (path: SpecPath) =>
    path.reduce<unknown>((value, step) => memberOf(value, String(step)), document.value);
  const others = Object.keys(valueAt(['metadata', 'annotations']) ?? {}).length > 1;
  const paths = SERVER_FIELDS.filter((path) => valueAt(path) !== undefined).map((path) =>
    others ? path : path.slice(0, 2),
  );
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length - 1;
  const ranges = paths.flatMap((path) => {
    const [key, value] = [document.locate(path, 'key'), document.locate(path, 'value')];
    const [first, last] = [lineOf(key.start), lineOf(Math.max(value.end, key.end) - 1)];
    const before = text.slice(0, key.start).split('\n').at(-1) ?? '';
    const after = text.slice(Math.max(value.end, key.end)).split('\n', 1)[0] ?? '';
    return before.trim() === '' && /^,?\s*(?:#.*)?$/.test(after)
      ? [{ line: first, remove: last - first + 1, insert: [] }]
      : [];
  });
  const rest = editedLines(text.split('\n'), ranges).join('\n');
  return /^\s*\{/.test(text) ? rest.replace(/,(?=\s*\n\s*\})/g, '') : rest;
}
