import { parseDocument } from '../../source/document.ts';
import { isRecord } from '../../source/value.ts';
import { isObject } from './container.ts';
import { type Corefile, effectiveDirectives, parseCorefile, type ServerBlock } from './grammar.ts';
import { wordsOf } from './lexer.ts';

interface Unusable {
  readonly problem: string;
}

export interface LiveCorefile {
  readonly blocks: readonly ServerBlock[];
  /** Patterns of imported files outside of blocks. */
  readonly imports: readonly string[];
  /** The blocks of each part: by its key in a ConfigMap, else `Corefile`. */
  readonly parts: ReadonlyMap<string, readonly ServerBlock[]>;
  /** Whether it consists of directives alone, for a block of somebody else. */
  readonly bare: boolean;
}

/**
 * Reads a Corefile, or what holds one: a ConfigMap as kubectl prints it, or the values of EKS's add-on or of the Helm
 * chart.
 */
export function corefileIn(text: string): LiveCorefile | Unusable {
  if (text.trim() === '') return { problem: 'it is empty; did the command that made it fail?' };
  const parts = isObject(text) || /^(?:corefile|servers):\s/m.test(text) ? partsOf(text) : [{ name: 'Corefile', text }];
  if (!Array.isArray(parts)) return parts;
  const read: (Corefile & Part & { readonly bare: boolean })[] = [];
  for (const part of parts.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    // The text follows the brace on the same line, so that line numbers stay right.
    const bare = isBare(part);
    const found = readPart(bare ? { ...part, text: `. { ${part.text}\n}\n` } : part);
    if ('problem' in found) return found;
    read.push({ ...found, ...part, bare });
  }
  const blocks = [
    ...inOneBlock(read.filter(({ bare }) => bare)),
    ...read.filter(({ bare }) => !bare).flatMap((part) => part.blocks),
  ];
  if (blocks.length === 0) return { problem: 'it holds no server block' };
  return {
    blocks,
    imports: read.flatMap(({ imports }) => imports.map((word) => word.text)),
    parts: new Map(read.map((part) => [part.name, part.blocks])),
    bare: read.every(({ bare }) => bare),
  };
}

/** Returns the namespace that a ConfigMap names; `undefined` if it names none, or is none. */
export function namespaceIn(text: string): string | undefined {
  const object = isObject(text) ? fields(parseDocument({ name: 'live', text }).value?.value) : {};
  const { namespace } = fields(object['metadata']);
  return object['kind'] === 'ConfigMap' && typeof namespace === 'string' ? namespace : undefined;
}

interface Part {
  readonly name: string;
  readonly text: string;
}

function partsOf(text: string): Part[] | Unusable {
  const { value: document } = parseDocument({ name: 'live', text });
  if (!document) return { problem: 'it is not whole YAML or JSON' };
  const object = fields(document.value);
  const { kind, data, message, corefile } = object;
  const values = kind === undefined ? corefileOfValues(object) : undefined;
  if (values !== undefined) return [{ name: 'Corefile', text: values }];
  // The configuration of EKS's add-on, which holds nothing of a Corefile but this field.
  if (kind === undefined && typeof corefile === 'string') return [{ name: 'Corefile', text: corefile }];
  if (kind === 'Status') return { problem: `it is an error of Kubernetes: ${String(message)}` };
  if (kind === 'List' || kind === 'ConfigMapList')
    return { problem: 'it is a list; ask for one ConfigMap by its name' };
  if (kind !== 'ConfigMap')
    return {
      problem: `it is ${kind === undefined ? 'no object of Kubernetes' : `a ${String(kind)}`}, not a ConfigMap`,
    };
  const parts = Object.entries(fields(data)).flatMap(([name, value]) =>
    typeof value === 'string' ? [{ name, text: value }] : [],
  );
  const main = parts.filter(({ name }) => name === 'Corefile');
  const custom = parts.filter(({ name }) => /\.(?:override|server)$/.test(name));
  if (main.length + custom.length > 0) return main.length > 0 ? main : custom;
  return { problem: 'its data holds no Corefile' };
}

/** Returns whether a part has directives without a block: `*.override` of AKS and k3s, or a file to import. */
function isBare({ name, text }: Part): boolean {
  if (name.endsWith('.override')) return true;
  const words = wordsOf(text);
  // A server block begins with its names, most of which have a dot or a colon.
  if (!/^[a-z0-9_]+$/.test(words[0]?.text ?? '')) return false;
  let depth = 0;
  return words.some((word, index) => {
    if (word.text === '{') depth += 1;
    if (word.text === '}') depth -= 1;
    return depth === 0 && word.text === 'rewrite' && words[index - 1]?.line !== word.line;
  });
}

/** Joins parts without a block into one block of all names, in their order. */
function inOneBlock(parts: readonly Corefile[]): ServerBlock[] {
  const blocks = parts.flatMap((part) => part.blocks);
  const [first] = blocks;
  return first ? [{ ...first, directives: blocks.flatMap(({ directives }) => directives) }] : [];
}

function readPart({ text }: Part): Corefile | Unusable {
  const corefile = parseCorefile(text);
  if ('problem' in corefile) return { problem: `line ${corefile.at.line + 1} ${corefile.problem}` };
  const foreign = foreignLanguage(corefile);
  if (foreign !== undefined) return { problem: foreign };
  const blocks = corefile.blocks.map((block) => ({
    ...block,
    directives: effectiveDirectives(block, corefile).map(({ directive }) => directive),
  }));
  return { ...corefile, blocks };
}

/**
 * Returns why a text is something else, if it is: a Corefile has no statements that end in ";" and no assignments, and
 * its directives are names of plugins.
 */
function foreignLanguage({ blocks }: Corefile): string | undefined {
  const words = blocks.flatMap(({ keys, directives }) => [
    ...keys,
    ...directives.flatMap(({ name, words }) => [name, ...words]),
  ]);
  const odd = words.find(({ text }) => text.endsWith(';') || text === '=');
  const bare = blocks.find(({ open }) => open === undefined);
  // The line is not quoted, because in another kind of file it may hold a key.
  if (odd) return `line ${odd.line + 1} ends in ";" or has a "=", as no line of a Corefile does`;
  const named = blocks.flatMap(({ directives }) => directives.map(({ name }) => name));
  const unnamed = named.find(({ text }) => !/^[A-Za-z][A-Za-z0-9_-]*$/.test(text));
  if (unnamed) return `line ${unnamed.line + 1} does not start with the name of a plugin`;
  if (bare?.directives.length === 0) return 'it holds no directive of CoreDNS';
  return bare && blocks.length > 1 ? `line ${(bare.keys[0]?.line ?? 0) + 1} starts a block without "{"` : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

/** Returns the Corefile that CoreDNS's chart makes of its values; `undefined` where they hold no servers. */
function corefileOfValues(values: Fields): string | undefined {
  const { servers } = values;
  return Array.isArray(servers) ? servers.map((server) => serverText(fields(server))).join('') : undefined;
}

function serverText({ zones, port, plugins }: Fields): string {
  const names = list(zones).map(({ scheme, zone }) => `${text(scheme)}${text(zone) || '.'}`);
  // The chart writes the port behind the last name only.
  const key = `${names.join(' ') || '.'}${port === undefined ? '' : `:${text(port)}`}`;
  return `${key} {\n${list(plugins).map(pluginText).join('')}}\n`;
}

function pluginText({ name, parameters, configBlock }: Fields): string {
  const block = text(configBlock);
  return `${text(name)} ${text(parameters)}${block === '' ? '' : ` {\n${block}\n}`}\n`;
}

function list(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
