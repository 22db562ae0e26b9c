import type { TextSpan } from '../../diagnostics/diagnostic.ts';
import { createPositions } from '../../diagnostics/position.ts';
import type { Policy } from '../../policy/types.ts';
import { CannotTell } from '../../prove/explore.ts';
import { type NameBlock, type NameModel, type NameSocket, USUAL_PORTS } from '../../prove/nameModel.ts';
import { parseDocument } from '../../source/document.ts';
import { isRecord, listOf, memberOf } from '../../source/value.ts';
import type { NamesHere, ReadFileText } from '../target.ts';
import { type CorefileText, type ReadBlock, type ReadDirective, readCorefile, readDirectives } from './readCorefile.ts';
import { askedIn, takersOf, unaskedIn } from './readPlugins.ts';
import { readRule } from './readRules.ts';

/**
 * Reads back what CoreDNS is told, in any of the forms that it is kept in. Throws `CannotTell` where something is not
 * understood.
 */
export function readNames(files: readonly ReadFileText[], { name: spec }: Pick<Policy, 'name'>): NameModel {
  const [{ path = '' } = {}] = files;
  const name = path.replace(/^.*\//, '');
  const blocks = new Map<ReadBlock, NameBlock>();
  return {
    listeners: listenersIn(files, spec).map(({ zones, ...socket }) => {
      const made = [...zones].map(([zone, block]) => {
        const own = blocks.get(block) ?? blockOf(block, name);
        blocks.set(block, own);
        return [zone, own] as const;
      });
      return { ...socket, zones: new Map(made) };
    }),
  };
}

interface Listener extends NameSocket {
  readonly zones: Map<string, ReadBlock>;
}

/** Returns the sockets that CoreDNS listens on, each with its blocks by their zones. */
function listenersIn(files: readonly ReadFileText[], spec: string): Listener[] {
  const [file, ...others] = files;
  if (!file || others.length > 0) throw new CannotTell('there is not one file');
  const listeners = new Map<string, Listener>();
  for (const block of blocksOf(textsOf(file, spec))) {
    const bound = block.directives.filter((each) => each.name === 'bind').flatMap(({ words }) => words);
    for (const key of block.keys) {
      const { zone, ...socket } = zoneOf(key);
      const name = [socket.scheme, socket.port, ...bound.toSorted()].join(' ');
      const listener = listeners.get(name) ?? { ...socket, zones: new Map() };
      listeners.set(name, listener);
      const { zones } = listener;
      if (zones.has(zone)) throw new CannotTell(`two blocks are for ${key}`);
      zones.set(zone, block);
    }
  }
  if (listeners.size === 0) throw new CannotTell('there is no server block');
  return [...listeners.values()];
}

/** Plugins that are kept where names are tried on this machine: they need nothing of the place where they run. */
const TRIED = new Set(['erratic', 'hosts', 'local', 'rewrite', 'template', 'whoami']);

/** Returns a copy of what one socket is told, in which names can be tried on this machine. */
export function namesHere(
  files: readonly ReadFileText[],
  { name }: Pick<Policy, 'name'>,
  here: NamesHere,
): ReadFileText[] {
  const { zones } = listenersIn(files, name)[here.listener] ?? { zones: new Map<string, ReadBlock>() };
  const texts = [...new Set(zones.values())].map((block) => {
    const keys = [...zones].flatMap(([zone, own]) => (own === block ? [`${zone}.:${here.port}`] : []));
    const kept = block.directives.filter((each) => TRIED.has(each.name)).map(directiveText);
    const asked = block.isPart
      ? [{ zone: '', except: [] }]
      : askedIn(
          block.directives,
          block.keys.map((key) => zoneOf(key).zone),
        );
    const forwards = asked.map(({ zone, except }) => {
      const own = `forward ${zone || '.'} ${here.resolver}`;
      return except.length === 0 ? own : `${own} {\nexcept ${except.map((each) => each || '.').join(' ')}\n}`;
    });
    return `${keys.join(' ')} {\n${['bind 127.0.0.1', ...kept, ...forwards].join('\n')}\n}\n`;
  });
  return [{ path: 'coredns/Corefile', text: texts.join('') }];
}

function directiveText({ name, words, inner }: ReadDirective): string {
  const line = [name, ...words.map(quoted)].join(' ');
  return inner.length === 0 ? line : `${line} {\n${inner.map((each) => each.map(quoted).join(' ')).join('\n')}\n}`;
}

function quoted(word: string): string {
  return /^[^\s"#{}]+$/.test(word) || /^[^\s"#]*\{[0-9]+\}[^\s"#]*$/.test(word)
    ? word
    : `"${word.replaceAll('"', '\\"')}"`;
}

function blockOf({ directives, keys, line, isPart }: ReadBlock, file: string): NameBlock {
  const place = { file, line, what: `block ${keys.slice(0, 3).join(' ')}` };
  const zones = keys.map((key) => zoneOf(key).zone);
  const unasked = isPart ? [] : unaskedIn(directives, zones, place);
  return {
    place,
    rules: directives.filter(({ name }) => name === 'rewrite').flatMap((each) => readRule(each, file)),
    takers: [...directives.flatMap((each) => takersOf(each, { file, zones })), ...unasked],
  };
}

/** Returns the name of a key, without the dot of the root, and what it listens on. */
function zoneOf(key: string): NameSocket & { readonly zone: string } {
  const [, scheme = 'dns', name = '', port] =
    /^(?:([a-z0-9]+):\/\/)?([^:/]*)(?::([0-9]+))?$/.exec(key.toLowerCase()) ?? [];
  if (!isScheme(scheme) || name === '') throw new CannotTell(`the zone ${key} is not understood`);
  return { zone: name.replace(/\.$/, ''), scheme, port: port ?? USUAL_PORTS[scheme] };
}

function isScheme(scheme: string): scheme is NameSocket['scheme'] {
  return Object.hasOwn(USUAL_PORTS, scheme);
}

/** What stands in a file: whole server blocks, and lines that others take into theirs for all names. */
interface Texts {
  readonly blocks: readonly CorefileText[];
  readonly lines: readonly CorefileText[];
  /** Whether others have a block for all names. */
  readonly isPart: boolean;
}

function blocksOf({ blocks, lines, isPart }: Texts): readonly ReadBlock[] {
  const own = blocks.flatMap(readCorefile);
  const directives = lines.flatMap(readDirectives);
  const [first] = directives;
  return isPart ? [{ keys: ['.'], directives, line: first?.line ?? 1, isPart }, ...own] : own;
}

function textsOf({ path, text }: ReadFileText, spec: string): Texts {
  if (/^\s*\{|^(?:apiVersion|kind|data|corefile|servers):/m.test(text)) return textsInObject(text, spec);
  const whole = { text, lineOf: (line: number) => line + 1, isForeign: outside(text, spec) };
  // A file that somebody's Corefile imports has no block for all names, and may be lines of one.
  if (!path.endsWith('postern.conf')) return { blocks: [whole], lines: [], isPart: false };
  const isBare = /^(?:\s|#.*\n)*(?:rewrite\s|$)/.test(text);
  return { blocks: isBare ? [] : [whole], lines: isBare ? [whole] : [], isPart: true };
}

function textsInObject(text: string, spec: string): Texts {
  const { value: document } = parseDocument({ name: '', text });
  if (!document) throw new CannotTell('the file is no whole YAML or JSON');
  const { value, locate } = document;
  const positionOf = createPositions(text);
  const lineAt = (path: readonly (string | number)[]) => positionOf(locate(path, 'value').start).line;
  const textAt = (path: readonly string[], own: unknown): CorefileText => {
    if (typeof own !== 'string') throw new CannotTell(`${path.join('.')} is no text`);
    return { text: own, lineOf: lineOf(text, lineAt(path), locate(path, 'value')), isForeign: outside(own, spec) };
  };
  const data = memberOf(value, 'data');
  const corefile = memberOf(value, 'corefile');
  const servers = memberOf(value, 'servers');
  if (memberOf(value, 'extraConfig') !== undefined) throw new CannotTell('extraConfig is not understood');
  if (servers !== undefined)
    return {
      blocks: [serversText(listOf(servers), lineAt)],
      lines: [],
      isPart: false,
    };
  if (corefile !== undefined) return { blocks: [textAt(['corefile'], corefile)], lines: [], isPart: false };
  if (!isRecord(data)) throw new CannotTell('the file holds no Corefile');
  if (data.Corefile !== undefined)
    return { blocks: [textAt(['data', 'Corefile'], data.Corefile)], lines: [], isPart: false };
  const parts = Object.keys(data).sort();
  const of = (kind: string) =>
    parts
      .filter((name) => name.endsWith(kind))
      .map((name) => ({
        ...textAt(['data', name], data[name]),
        isForeign: () => name !== `postern-${spec}${kind}`,
      }));
  return { blocks: of('.server'), lines: of('.override'), isPart: true };
}

/** Returns which lines are not ours: those outside of our marks, if there are any. */
function outside(text: string, spec: string): (line: number) => boolean {
  const lines = text.split('\n').map((line) => line.trim());
  const [begin, end] = ['BEGIN', 'END'].map((mark) => lines.indexOf(`# ${mark} postern ${spec}`));
  if (begin === undefined || end === undefined || begin < 0) return () => false;
  return (line) => line < begin || line > end;
}

/** Returns where the lines of a text are that is a value of an object: in a block of its own, or all on one line. */
function lineOf(text: string, first: number, { start }: Pick<TextSpan, 'start'>): (line: number) => number {
  const isBlock = !/^["']/.test(text.slice(start));
  return isBlock ? (line) => first + line : () => first;
}

/** Returns the Corefile that the Helm chart makes of its servers. */
function serversText(
  servers: readonly unknown[],
  placeOf: (path: readonly (string | number)[]) => number,
): CorefileText {
  const lines: { text: string; line: number }[] = [];
  for (const [index, server] of servers.entries()) {
    const zones = listOf(memberOf(server, 'zones')).map(
      (zone) => `${wordOf(memberOf(zone, 'scheme'))}${wordOf(memberOf(zone, 'zone')) || '.'}`,
    );
    const port = memberOf(server, 'port');
    // The port stands behind the last name only.
    const head = `${zones.join(' ') || '.'}${port === undefined ? '' : `:${wordOf(port)}`} {`;
    lines.push({ text: head, line: placeOf(['servers', index]) });
    for (const [at, plugin] of listOf(memberOf(server, 'plugins')).entries()) {
      const block = wordOf(memberOf(plugin, 'configBlock'));
      const own = `${wordOf(memberOf(plugin, 'name'))} ${wordOf(memberOf(plugin, 'parameters'))}`;
      const all = block === '' ? own : `${own} {\n${block}\n}`;
      const line = placeOf(['servers', index, 'plugins', at]);
      lines.push(...all.split('\n').map((each) => ({ text: each, line })));
    }
    lines.push({ text: '}', line: placeOf(['servers', index]) });
  }
  return {
    text: lines.map(({ text }) => text).join('\n'),
    lineOf: (at) => lines[at]?.line ?? 1,
    isForeign: () => false,
  };
}

function wordOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string' && typeof value !== 'number') throw new CannotTell('a value of the chart is no text');
  return String(value);
}
