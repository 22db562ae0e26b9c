import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import type { Draft, DraftGroup, DraftItem, NotCarried } from './draft.ts';

const WIDTH = 116;

/** Returns a draft as YAML for people to edit, with comments that say where entries come from. */
export function draftText(draft: Draft, notCarriedOver: readonly NotCarried[]): string {
  const sections = [
    ...section('ipRanges', draft.ipRanges, item),
    ...section('upstreams', draft.upstreams, item),
    ...section('routes', draft.routes, group),
    ...section('apiKeys', draft.apiKeys, item),
    ...section('proxies', draft.proxies, item),
    ...section('domainRewrites', draft.domainRewrites, ({ notes, value }) => [
      ...comments(notes, '  '),
      `  - ${inline(value)}`,
    ]),
    ...section('targets', draft.targets, item),
  ];
  const told = notCarriedOver.map(notCarriedText);
  const left =
    told.length === 0
      ? []
      : ['', '# Not carried over, or not exactly:', ...told.flatMap((line) => comments([line], ''))];
  return `${[...comments(draft.head, ''), 'version: 1', `name: ${draft.name}`, ...sections, ...left].join('\n')}\n`;
}

export function notCarriedText({ file, line, what, reason }: NotCarried): string {
  return printable(maskSecrets(`${line === 0 ? file : `${file}:${line}`}: ${what}: ${reason}`));
}

function section<T>(name: string, items: readonly T[] = [], lines: (one: T) => readonly string[]): string[] {
  return items.length === 0 ? [] : ['', `${name}:`, ...items.flatMap(lines)];
}

function item({ id, notes, value }: DraftItem): string[] {
  return [...comments(notes, '  '), ...entry(id, value, '  ')];
}

function group({ id, upstream, auth, maxBody, notes, allow }: DraftGroup): string[] {
  return [
    ...comments(notes, '  '),
    `  ${id}:`,
    `    upstream: ${upstream}`,
    ...(auth ? [`    auth: ${auth}`] : []),
    ...(maxBody ? [`    maxBody: ${maxBody}`] : []),
    '    allow:',
    ...allow.flatMap(({ request, notes: own, contentTypes }) => [
      ...comments(own, '      '),
      `      - ${contentTypes ? inline({ request, contentTypes }) : scalar(request)}`,
    ]),
  ];
}

function entry(key: string, value: unknown, indent: string): string[] {
  const name = scalar(key, true);
  const short = `${indent}${name}: ${inline(value)}`;
  if (typeof value !== 'object' || value === null || short.length <= WIDTH) return [short];
  const more = `${indent}  `;
  if (Array.isArray(value)) return [`${indent}${name}:`, ...value.map((one) => `${more}- ${inline(one)}`)];
  return [`${indent}${name}:`, ...Object.entries(value).flatMap(([inner, one]) => entry(inner, one, more))];
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([name, one]) => `${scalar(name, true)}: ${inline(one)}`);
    return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
  }
  return typeof value === 'string' ? scalar(value, true) : JSON.stringify(value);
}

/** Returns a text as a YAML scalar, quoted if YAML would read it as something else. */
function scalar(text: string, isInline = false): string {
  const plain = isInline ? /^[A-Za-z/.][A-Za-z0-9/._:@+-]*$/ : /^[A-Za-z/][A-Za-z0-9/._:@+{}*|,%!$'()~= -]*$/;
  const isWord = /^(?:null|true|false|yes|no|on|off|y|n|\.nan|\.inf|~)$/i.test(text);
  return plain.test(text) && !isWord && !/: |:$| #| $/.test(text) ? text : JSON.stringify(text);
}

function comments(paragraphs: readonly string[] = [], indent: string): string[] {
  return paragraphs.flatMap((text) => wrapped(printable(maskSecrets(text)), indent));
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH && !line.endsWith('#')) {
      lines.push(line);
      line = `${indent}#  `;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
