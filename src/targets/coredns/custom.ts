import { type Diagnostic, hasError, type SpecPath, type TextSpan } from '../../diagnostics/diagnostic.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { parseDocument } from '../../source/document.ts';
import { isRecord, memberOf } from '../../source/value.ts';
import { corednsCodes } from './codes.ts';
import { type ContainerFile, isObject } from './container.ts';
import { checkAround } from './merge.ts';

/** A key of the ConfigMap `coredns-custom` that is ours: `postern-NAME.override` or `postern-NAME.server`. */
export interface CustomPart {
  readonly key: string;
  /** Lines of the value; none removes the key. */
  readonly lines: readonly string[];
}

/** Returns the key of a spec: `postern-NAME.override` or `postern-NAME.server`. */
export function customKey(spec: string, kind: string): string {
  return `postern-${spec}.${kind}`;
}

interface CustomInput {
  readonly source: ContainerFile;
  readonly parts: readonly CustomPart[];
  readonly rewrites: readonly DomainRewrite[];
}

/**
 * Returns a given ConfigMap `coredns-custom`, which AKS and k3s import, with our keys in it. All other keys are kept
 * byte for byte; `undefined` where that is not possible.
 */
export function mergeCustom({ source, parts, rewrites }: CustomInput, problems: Diagnostic[]): string | undefined {
  const { file, text, at } = source;
  const refuse = (problem: string, hint: string) => {
    problems.push(corednsCodes.report('bad-merge', at, { file, problem, hint }));
    return undefined;
  };
  if (!isObject(text)) return refuse('is no ConfigMap', 'give coredns-custom, as kubectl get -o yaml prints it');
  const { value: document, diagnostics } = parseDocument({ name: file, text });
  if (!document) {
    problems.push(...diagnostics);
    return undefined;
  }
  const name = memberOf(memberOf(document.value, 'metadata'), 'name');
  if (name !== undefined && name !== 'coredns-custom')
    return refuse(`is the ConfigMap "${String(name)}"`, 'nothing but coredns-custom is imported');
  const data = memberOf(document.value, 'data') ?? {};
  if (!isRecord(data)) return refuse('has data that is no mapping', 'write its keys below "data:"');
  const others = Object.entries(data).filter(([key]) => !parts.some((part) => part.key === key));
  checkOthers({ others, parts, rewrites, at, placeOf: (key) => document.locate(['data', key], 'key') }, problems);
  if (hasError(problems)) return undefined;
  const edited = parts.reduce<string | undefined>(
    (edit, part) => (edit === undefined ? undefined : withPart(edit, part)),
    text,
  );
  const isRight = edited !== undefined && isExpected(edited, others, parts);
  return isRight ? edited : refuse('has data in a form that no key can be put into', 'write its keys line by line');
}

interface OthersInput {
  readonly others: readonly (readonly [key: string, value: unknown])[];
  readonly parts: readonly CustomPart[];
  readonly rewrites: readonly DomainRewrite[];
  readonly at: SpecPath;
  readonly placeOf: (key: string) => TextSpan;
}

/** Checks how the keys of others affect our names. CoreDNS imports keys in the order of their names. */
function checkOthers({ others, parts, rewrites, at, placeOf }: OthersInput, problems: Diagnostic[]): void {
  const own = parts.find(({ key }) => key.endsWith('.override'))?.key ?? '';
  const of = (kind: string) =>
    others
      .flatMap(([key, value]) => (key.endsWith(kind) && typeof value === 'string' ? [{ key, text: value }] : []))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const overrides = of('.override');
  const before = overrides.filter(({ key }) => key < own);
  const pieces = [
    { key: '', text: '. {\n' },
    ...before,
    ...overrides.slice(before.length),
    { key: '', text: '}\n' },
    ...of('.server'),
  ].map(({ key, text }) => ({ key, text: text === '' || text.endsWith('\n') ? text : `${text}\n` }));
  const text = pieces.map((piece) => piece.text).join('');
  const line = pieces.slice(0, before.length + 1).reduce((sum, piece) => sum + piece.text.split('\n').length - 1, 0);
  const keyAt = (offset: number) => {
    let end = 0;
    return pieces.find((piece) => {
      end += piece.text.length;
      return offset < end;
    })?.key;
  };
  const input = {
    name: '',
    rewrites,
    text,
    at,
    placeOf: ({ start }: { readonly start: number }) => placeOf(keyAt(start) ?? ''),
  };
  checkAround(input, line, problems);
}

/** Returns the text with one of our keys added, changed or removed; `undefined` where there is no place for it. */
function withPart(text: string, part: CustomPart): string | undefined {
  return /^\s*\{/.test(text) ? withMember(text, part) : withLines(text, part);
}

/** The same in YAML, where each key has lines of its own. */
function withLines(text: string, { key, lines: wanted }: CustomPart): string | undefined {
  const lines = text.split('\n');
  const ends = lines[0]?.endsWith('\r') ? '\r' : '';
  const written = (line: number | undefined) => (lines[line ?? -1] ?? '').replace(/\r$/, '');
  const data = lines.findIndex((_, line) => /^["']?data["']?:[ ]*(?:\{\}|#.*|null|~)?$/.test(written(line).trimEnd()));
  const block = (indent: string) => [
    `${indent}"${key}": |${ends}`,
    ...wanted.map((line) => (line === '' ? ends : `${indent}  ${line}${ends}`)),
  ];
  if (data < 0) {
    if (/^["']?data["']?:/m.test(text)) return undefined;
    const gap = text === '' || text.endsWith('\n') ? '' : `${ends}\n`;
    return wanted.length === 0 ? text : `${text}${gap}${[`data:${ends}`, ...block('  ')].join('\n')}\n`;
  }
  const isInside = (line: number) => /^(?:[ \t]|#|$)/.test(written(line)) && line < lines.length;
  let end = data + 1;
  while (end < lines.length && isInside(end)) end += 1;
  // Blank lines and comments after the last key belong to what follows.
  while (end > data + 1 && /^(?:#.*)?$/.test(written(end - 1))) end -= 1;
  const indent =
    /^[ ]+(?=[^ #])/.exec(lines.slice(data + 1, end).find((line) => /^[ ]+[^ #]/.test(line)) ?? '  ')?.[0] ?? '  ';
  const starts = (line: number) => written(line).startsWith(indent) && /^[^ ]/.test(written(line).slice(indent.length));
  const name = new RegExp(`^["']?${key.replaceAll('.', '[.]')}["']?:`);
  const first = lines.findIndex(
    (_, line) => line > data && line < end && starts(line) && name.test(written(line).trim()),
  );
  const insert = wanted.length === 0 ? [] : block(indent);
  if (first >= 0) {
    let last = first + 1;
    while (last < end && !starts(last)) last += 1;
    return lines.toSpliced(first, last - first, ...insert).join('\n');
  }
  if (insert.length === 0) return text;
  const opened = `data:${ends}`;
  const head = end === data + 1 && !/data["']?:[ ]*(?:#.*)?$/.test(written(data)) ? [opened] : [];
  const kept = head.length > 0 ? lines.with(data, opened) : lines;
  // A text without a line feed at its end gets one after our last line.
  return kept.toSpliced(end, 0, ...insert, ...(end === lines.length ? [''] : [])).join('\n');
}

/** The same in JSON as `kubectl get -o json` prints it: each member is on a line of its own. */
function withMember(text: string, { key, lines: wanted }: CustomPart): string | undefined {
  const value = JSON.stringify(wanted.map((line) => `${line}\n`).join(''));
  const member = `${JSON.stringify(key)}: ${value}`;
  const lines = text.split('\n');
  const data = lines.findIndex((line) => /^\s*"data":\s*\{\s*(?:\},?)?\s*$/.test(line));
  if (data < 0) return undefined;
  const indent = /^\s*/.exec(lines[data] ?? '')?.[0] ?? '';
  if (/\}/.test(lines[data] ?? '')) {
    const comma = (lines[data] ?? '').trimEnd().endsWith(',') ? ',' : '';
    const opened = [`${indent}"data": {`, `${indent}${indent}${member}`, `${indent}}${comma}`];
    return wanted.length === 0 ? text : lines.toSpliced(data, 1, ...opened).join('\n');
  }
  const end = lines.findIndex((line, at) => at > data && new RegExp(`^${indent}\\},?\\s*$`).test(line));
  if (end < 0) return undefined;
  const own = lines.findIndex((line, at) => at > data && at < end && line.trim().startsWith(`${JSON.stringify(key)}:`));
  const members = lines.slice(data + 1, end).filter((_, at) => data + 1 + at !== own);
  const inner = /^\s*/.exec(lines[data + 1] ?? '')?.[0] ?? `${indent}    `;
  const at = own < 0 ? members.length : own - data - 1;
  const all = wanted.length === 0 ? members : members.toSpliced(at, 0, `${inner}${member}`);
  const joined = all.map((line, index) => line.replace(/,\s*$/, '') + (index < all.length - 1 ? ',' : ''));
  return [...lines.slice(0, data + 1), ...joined, ...lines.slice(end)].join('\n');
}

/**
 * Returns whether the result has every key of others unchanged, and ours as they should be. So nothing is lost,
 * whatever the form of the text was.
 */
function isExpected(text: string, others: OthersInput['others'], parts: readonly CustomPart[]): boolean {
  const { value: document } = parseDocument({ name: '', text });
  const found = memberOf(document?.value, 'data') ?? {};
  const own = parts.flatMap(({ key, lines }) => (lines.length > 0 ? [[key, `${lines.join('\n')}\n`] as const] : []));
  const wanted = new Map<string, unknown>([...others, ...own]);
  const entries = Object.entries(isRecord(found) ? found : {});
  return entries.length === wanted.size && entries.every(([key, value]) => wanted.get(key) === value);
}
