import { parseCidr } from '../../policy/cidr.ts';
import { CannotTell, lower } from '../../prove/explore.ts';
import type { FilePlace } from '../../prove/model.ts';
import { type ExactRows, exactRows } from '../../prove/rows.ts';
import { checkInert } from './inert.ts';
import { type NginxDirective, parseNginx } from './liveConfig.ts';

/** The value or source of a table: texts and variables. */
export type Template = readonly (string | { readonly variable: string })[];

export interface RegexRow {
  readonly source: string;
  readonly ignoreCase: boolean;
  readonly value: Template;
}

export type RowPlace = Pick<FilePlace, 'file' | 'line'>;

export interface MapTable {
  readonly kind: 'map';
  readonly name: string;
  /** For messages, such as `api.conf:12: the map $api_path_2`. */
  readonly title: string;
  readonly source: Template;
  readonly keys: ExactRows;
  /** Values by key in lower case, since nginx ignores case. */
  readonly values: ReadonlyMap<string, Template>;
  readonly regexes: readonly RegexRow[];
  readonly fallback: Template;
  /** Where the rows stand, by their values, of which each row has its own. */
  readonly places: ReadonlyMap<Template, RowPlace>;
  /** Included files of secrets, which are not read. */
  readonly secrets: readonly string[];
  /** Whether it looks like the table that marks capital letters; see `isMarking`. */
  readonly marks: boolean;
}

export interface GeoTable {
  readonly kind: 'geo';
  readonly name: string;
  readonly title: string;
  readonly source: Template;
  /** In the order of the file; `default` stands for all addresses of both families. */
  readonly networks: readonly { readonly cidr: string; readonly value: string }[];
  readonly places: ReadonlyMap<Template, RowPlace>;
}

export type Table = MapTable | GeoTable;

/** The tables and servers of a configuration. */
export interface Configuration {
  readonly tables: ReadonlyMap<string, Table>;
  /** Names of the groups that expressions capture. */
  readonly captured: ReadonlySet<string>;
  readonly servers: readonly NginxDirective[];
  /** Servers of upstreams, by name, both in lower case: nginx and DNS ignore the case. */
  readonly upstreams: ReadonlyMap<string, readonly string[]>;
}

/** What a server says of variables. */
export interface Directives {
  /** The values that `set` gives to variables. They are evaluated when they are used. */
  readonly variables: ReadonlyMap<string, Template>;
  /** The parameter of `secure_link`; `digest` is that of `secure_link_md5`. */
  readonly secureLink: Template | undefined;
  readonly digest: Template | undefined;
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

const SECRETS = /^secrets\/(?:keys|tokens)\*\.conf$/;

const known = new WeakMap<readonly ConfigFile[], Configuration>();

/**
 * Reads `nginx.conf`, or `http.conf` for somebody else's http block, and all files that it includes, once for all
 * proxies. Throws `CannotTell` where any part of them is not understood.
 */
export function readConfiguration(files: readonly ConfigFile[]): Configuration {
  const configuration = known.get(files) ?? readAnew(files);
  known.set(files, configuration);
  return configuration;
}

function readAnew(files: readonly ConfigFile[]): Configuration {
  const texts = new Map(files.map(({ path, text }) => [path.replace(/^.*\//, ''), text]));
  const open = new Set<string>();
  const read = (name: string): readonly NginxDirective[] => {
    if (open.has(name)) throw new CannotTell(`${name} includes itself`);
    const text = texts.get(name);
    if (text === undefined) throw new CannotTell(`${name} is not there`);
    const directives = parseNginx(text);
    if ('problem' in directives) throw new CannotTell(`${name}: ${directives.problem}`);
    open.add(name);
    const own = directives.flatMap((directive) => included(placed(directive, name), read));
    open.delete(name);
    return own;
  };
  const inside = texts.has('nginx.conf')
    ? read('nginx.conf').flatMap((directive) => {
        if (directive.name === 'http') return (directive.block ?? []).flatMap((each) => included(each, read));
        checkInert(directive, 'main', 'nginx.conf');
        return [];
      })
    : read('http.conf');
  const tables: Table[] = [];
  const servers: NginxDirective[] = [];
  const upstreams = new Map<string, readonly string[]>();
  for (const directive of inside) {
    const { name, args } = directive;
    if (name === 'map' || name === 'geo') tables.push(tableOf(directive));
    else if (name === 'server') servers.push(directive);
    else if (name === 'upstream') upstreams.set(lower(args[0] ?? ''), serversOf(directive));
    else checkInert(directive, 'http');
  }
  const names = new Set(tables.map(({ name }) => name));
  if (names.size < tables.length) throw new CannotTell('two tables make one variable');
  const sources = tables.flatMap((table) => (table.kind === 'map' ? table.regexes.map(({ source }) => source) : []));
  const captured = new Set(
    sources.flatMap((source) => [...source.matchAll(/\(\?<(\w+)>/g)].map(([, name = '']) => name)),
  );
  checkCaptures(sources, names);
  return { tables: new Map(tables.map((table) => [table.name, table])), captured, servers, upstreams };
}

/** A group with a name, in any of the ways in which one is written. */
export const CAPTURING = /\(\?(?:P?<|')(\w+)[>']/;

/** nginx gives a variable the text that a group of its name captures, whatever else makes this variable. */
function checkCaptures(sources: readonly string[], tables: ReadonlySet<string>): void {
  for (const source of sources)
    for (const [, group = ''] of source.matchAll(new RegExp(CAPTURING, 'g'))) {
      const name = lower(group);
      if (tables.has(name) || MADE.test(name))
        throw new CannotTell(`an expression captures $${name}, which is made elsewhere`);
    }
}

/** Variables that nginx makes, and $client, which servers set. */
const MADE = /^(?:client$|args$|limit_rate$|(?:arg|cookie|http|sent|upstream)_)/;

function serversOf({ args: [name = ''], block = [] }: NginxDirective): string[] {
  for (const directive of block) checkInert(directive, 'upstream', 'an upstream');
  const servers = block.filter((each) => each.name === 'server').map(({ args: [server = ''] }) => lower(server));
  if (servers.length === 0) throw new CannotTell(`upstream ${name} has no servers`);
  return servers;
}

function placed(directive: NginxDirective, file: string): NginxDirective {
  const { block } = directive;
  return { ...directive, file, ...(block && { block: block.map((each) => placed(each, file)) }) };
}

/** Replaces an `include` by the directives of its file, also inside of tables. Files of secrets stay included. */
function included(
  directive: NginxDirective,
  read: (name: string) => readonly NginxDirective[],
): readonly NginxDirective[] {
  const [file = ''] = directive.args;
  if (directive.name === 'include' && !SECRETS.test(file)) return read(file);
  if (!directive.block) return [directive];
  // The table that marks capital letters is recognized by its rows, which its include brings in.
  const block = directive.block.flatMap((each) => included(each, read));
  return [{ ...directive, block }];
}

function tableOf({ name, args, block = [], file = '', line }: NginxDirective): Table {
  const [, variable] = /^\$(\w+)$/.exec(args.at(-1) ?? '') ?? [];
  if (variable === undefined) throw new CannotTell(`${file}:${line}: a ${name} makes no variable`);
  const source = templateOf(args.length > 1 ? (args[0] ?? '') : '$remote_addr');
  const own = { name: lower(variable), title: `${file}:${line}: the ${name} $${variable}`, source };
  return name === 'geo' ? geoOf(own, block) : mapOf(own, block);
}

type Heading = Pick<MapTable, 'name' | 'title' | 'source'>;

function geoOf({ name, title, source }: Heading, block: readonly NginxDirective[]): Table {
  const networks: { cidr: string; value: string }[] = [];
  const places = new Map<Template, RowPlace>();
  for (const { name: key, args, block: inner, file = '', line } of block) {
    const [value = ''] = args;
    if (inner || args.length !== 1) throw new CannotTell(`${title} has "${key}"`);
    places.set([value], { file, line });
    if (key === 'default') networks.push({ cidr: '0.0.0.0/0', value }, { cidr: '::/0', value });
    // nginx looks IPv4 addresses up as such, and never finds them in this form.
    else if (/^[0-9A-Fa-f.:]+(?:\/[0-9]+)?$/.test(key) && !isMapped(key)) networks.push({ cidr: key, value });
    else throw new CannotTell(`${title} has "${key}"`);
  }
  const [only, ...others] = new Set(networks.map(({ value }) => value));
  // It depends on no address, such as the one that holds a dollar sign.
  if (only !== undefined && others.length === 0 && block.some(({ name: key }) => key === 'default'))
    return { ...mapOf({ name, title, source: [] }, []), fallback: [only], places };
  return { kind: 'geo', name, title, source, networks, places };
}

function isMapped(cidr: string): boolean {
  const range = parseCidr(cidr);
  return cidr.includes(':') && typeof range === 'object' && range.family === 4;
}

function mapOf({ name, title, source }: Heading, block: readonly NginxDirective[]): MapTable {
  const values = new Map<string, Template>();
  const regexes: RegexRow[] = [];
  const secrets: string[] = [];
  const places = new Map<Template, RowPlace>();
  let fallback: Template = [];
  for (const { name: key, args, block: inner, file = '', line } of block) {
    const value = templateOf(args[0] ?? '');
    places.set(value, { file, line });
    // A word such as "volatile" means something only by itself, and a backslash before it is no part of the key.
    const text = lower(key.replace(/^\\/, ''));
    if (key === 'volatile' && args.length === 0) continue;
    if (inner || args.length !== 1) throw new CannotTell(`${title} has "${key}"`);
    if (key === 'default') fallback = value;
    else if (key === 'include') secrets.push(args[0] ?? '');
    else if (key.startsWith('~')) regexes.push(regexRow(key, value));
    else if (values.has(text)) throw new CannotTell(`${title} has "${key}" twice`);
    else values.set(text, value);
  }
  const marks = regexes.some(({ source: each }) => each.includes('(?<capitals_1>'));
  return {
    kind: 'map',
    name,
    title,
    source,
    keys: exactRows(values.keys(), (key) => JSON.stringify(values.get(key))),
    values,
    regexes,
    fallback,
    places,
    secrets,
    marks,
  };
}

function regexRow(key: string, value: Template): RegexRow {
  const ignoreCase = key.startsWith('~*');
  return { source: withSmallNames(key.slice(ignoreCase ? 2 : 1)), ignoreCase, value };
}

/** What stands in an expression for characters, or the head of a named group. */
const NAMED = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?<(\w+)>/gs;

/** nginx ignores the case of the variables that groups make. */
function withSmallNames(source: string): string {
  const names: string[] = [];
  const small = source.replace(NAMED, (whole, name: string | undefined) => {
    if (name === undefined) return whole;
    names.push(lower(name));
    return lower(whole);
  });
  if (new Set(names).size < names.length) throw new CannotTell(`an expression captures one name twice: ${source}`);
  return small;
}

/** `a${b}c$D` → "a", b, "c", d: nginx ignores the case of variables. */
export function templateOf(text: string): Template {
  const parts: (string | { variable: string })[] = [];
  let rest = text;
  while (rest !== '') {
    const [whole = '', plain, braced, bare] = /^(?:([^$]+)|\$\{(\w+)\}|\$([A-Za-z_]\w*))/.exec(rest) ?? [];
    if (whole === '') throw new CannotTell('a value has a dollar sign that stands for nothing');
    parts.push(plain ?? { variable: lower(braced ?? bare ?? '') });
    rest = rest.slice(whole.length);
  }
  return parts;
}
