import { listsOf } from '../../plan/callers.ts';
import { accessOf, isOpen, isRoute, rulesOf } from '../../policy/access.ts';
import type { CidrSet } from '../../policy/cidr.ts';
import type { PathPattern, PatternSegment } from '../../policy/pattern.ts';
import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { CannotTell } from '../../prove/explore.ts';
import { canonical } from '../../source/value.ts';
import { inAny } from './addresses.ts';
import { type NginxDirective, parseNginx } from './liveConfig.ts';
import { classNames, variablePrefix } from './names.ts';
import { cutsOfProxy, serverOf } from './readBack.ts';
import type { ConfigFile } from './tables.ts';

/** A directive word for word: its words, and last a list of directives where it has a block. */
type Quote = readonly (string | readonly Quote[])[];

/** How the checker takes a quoted table. */
type Quoted =
  /** For any text. */
  | 'anything'
  /** For the method, GET for HEAD; it cuts the request line. */
  | 'method'
  /** For a decision that is not followed further. */
  | 'decision'
  /** For one of the values of its rows, or for a caller. */
  | 'value';

interface QuotedTable {
  readonly is?: Quoted;
  /** Set for a check that may answer, and else leads to this variable. */
  readonly next?: string;
  readonly table: Quote;
}

/** What a request is answered with, or where it goes, by variables that say so. */
interface Treatment {
  readonly open: boolean;
  readonly from: 'any' | readonly string[] | null;
  readonly leads: Readonly<Record<string, string>>;
}

type Row = readonly [methods: string, path: string, treatment: string, group: string];

interface ProxyCertificate {
  readonly names: readonly Quote[];
  readonly from: 'any' | readonly string[];
  readonly caller: string | null;
  readonly token: string | null;
  readonly notAllowed: number;
  readonly cuts: readonly string[];
  readonly goesOn: string;
  readonly keyless: string;
  /** Checks that may answer before all others. */
  readonly checks: readonly string[];
  readonly rows: readonly Row[];
  readonly treatments: Readonly<Record<string, Treatment>>;
  readonly quoted: Readonly<Record<string, QuotedTable>>;
}

export interface Certificate {
  readonly certificate: 'postern nginx 1';
  readonly types: Readonly<Record<string, string>>;
  readonly keys: readonly {
    readonly id: string;
    readonly groups: readonly string[];
    readonly from: 'any' | readonly string[];
  }[];
  readonly proxies: readonly ProxyCertificate[];
  readonly around: readonly Quote[];
}

/** Writes down what the files of nginx decide for each proxy, in rows that a checker can compare with the files. */
export function certify(policy: Policy, files: readonly ConfigFile[]): Certificate {
  const all = directivesOf(files);
  const tables = new Map(all.filter(isTable).map((each) => [nameOf(each), each]));
  const used = new Set<ParameterType>();
  const proxies = policy.proxies.map((proxy) => proxyCertificate(proxy, { files, all, tables, used }));
  return {
    certificate: 'postern nginx 1',
    types: Object.fromEntries(
      PARAMETER_TYPES.filter((type) => used.has(type)).map((type) => [type, segmentSource(type)]),
    ),
    keys: policy.apiKeys.map(({ id, groups, ranges }) => ({
      id,
      groups,
      from: ranges ? setsOf(ranges, { kind: 'key', name: id }) : 'any',
    })),
    proxies,
    around: all.filter((each) => !isTable(each) && each.name !== 'log_format').map(quoteOf),
  };
}

interface Read {
  readonly files: readonly ConfigFile[];
  readonly all: readonly NginxDirective[];
  readonly tables: ReadonlyMap<string, NginxDirective>;
  /** Receives the types of parameters. */
  readonly used: Set<ParameterType>;
}

function proxyCertificate(proxy: Proxy, { files, all, tables, used }: Read): ProxyCertificate {
  if (proxy.cors) throw new CannotTell('a certificate does not cover cors');
  const access = accessOf(proxy);
  if (!access) throw new CannotTell('the patterns overlap in too many ways');
  const prefix = variablePrefix(proxy.id);
  const server = serverOf({ servers: all.filter(({ name }) => name === 'server') }, proxy).block ?? [];
  const caller = access.usesKeys ? callerOf(proxy) : undefined;
  const names = { prefix, caller, cuts: cutsOfProxy(files, proxy).filter((name) => tables.has(name)) };
  const quoted = quotedTables({ tables, server, names });
  const { rows, treatments } = rowsOf(proxy, { tables, prefix, used });
  const checks = checksOf(quoted, [...variablesOf([rewriteOf(server)])]);
  return {
    names: server.filter(isName).map(quoteOf),
    from: setsOf(proxy.ranges, { kind: 'proxy', name: proxy.id }),
    caller: caller ? `${caller}_id` : null,
    token: caller ? `${caller}_token` : null,
    notAllowed: proxy.methodNotAllowed,
    cuts: names.cuts,
    goesOn: `${prefix}_verdict_plain`,
    keyless: `${prefix}_verdict_missing`,
    checks,
    rows,
    treatments,
    quoted,
  };
}

interface Names {
  readonly prefix: string;
  /** The start of the names of the variables that tell who calls; absent where no key is asked for. */
  readonly caller: string | undefined;
  readonly cuts: readonly string[];
}

interface Quoting {
  readonly tables: Read['tables'];
  readonly server: readonly NginxDirective[];
  readonly names: Names;
}

/** The tables of a proxy that the checker takes as they are. All others of its decision are followed row by row. */
class Tables {
  readonly quoted = new Map<string, QuotedTable>();
  private readonly followed = new Set<string>();
  private readonly input: Quoting;
  private readonly goal: string;

  constructor(input: Quoting) {
    this.input = input;
    this.goal = `${input.names.prefix}_verdict_plain`;
  }

  /** Follows the decision from a variable on. */
  follow(name: string): void {
    const { tables, names } = this.input;
    const table = tables.get(name);
    if (!table || this.quoted.has(name) || this.followed.has(name) || names.cuts.includes(name)) return;
    if (name === `${names.caller}_id`) this.quote(name, table, 'value');
    else if (this.isSecret(table) || name === `${names.caller}_selector`) this.quote(name, table, 'anything');
    else if (table.name === 'geo') this.quote(name, table, 'value');
    else if (this.isFollowed(name)) {
      this.followed.add(name);
      for (const each of variablesOf([table])) this.follow(each);
    } else {
      const next = name === this.goal ? undefined : this.next(table);
      this.quote(name, table, next === undefined ? 'decision' : { next });
      if (next !== undefined) this.follow(next);
    }
  }

  /** Quotes what something else uses, unless it is followed. */
  enclose(name: string): void {
    const { tables, names } = this.input;
    const table = tables.get(name);
    if (table && !this.quoted.has(name) && !this.followed.has(name) && !names.cuts.includes(name))
      this.quote(name, table, 'decision');
  }

  encloseAll(): void {
    for (const { table } of this.quoted.values()) for (const name of namesIn(table)) this.enclose(name);
  }

  private quote(name: string, table: NginxDirective, how: Quoted | { readonly next: string }): void {
    const own = typeof how === 'object' ? how : { is: how };
    this.quoted.set(name, { ...own, table: quoteOf(table) });
  }

  private isSecret({ block = [] }: NginxDirective): boolean {
    return block.some(({ name }) => name === 'include');
  }

  /** Returns whether a table looks only at what the checker knows all values of. */
  private isFollowed(name: string): boolean {
    const { tables, names } = this.input;
    if (names.cuts.includes(name) || name === 'secure_link') return true;
    if (name === `${names.caller}_id` || name === `${names.caller}_selector`) return true;
    const table = tables.get(name);
    if (!table) return false;
    if (table.name === 'geo') return table.args[0] === '$client';
    return (
      this.isSecret(table) ||
      (variablesIn(table.args[0] ?? '').every((each) => this.isFollowed(each)) && this.areTexts(table))
    );
  }

  private areTexts({ args: [source = ''] }: NginxDirective): boolean {
    return source !== '$request';
  }

  /** Returns where a check leads that may also answer. */
  private next({ block = [] }: NginxDirective): string | undefined {
    const sorted = block.toSorted((a, b) => Number(b.name === 'default') - Number(a.name === 'default'));
    return sorted.flatMap(({ args }) => variablesIn(args[0] ?? '')).find((each) => this.leads(each, new Set()));
  }

  private leads(name: string, seen: Set<string>): boolean {
    if (name === this.goal) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    const { block = [] } = this.input.tables.get(name) ?? {};
    return block.some(({ args }) => variablesIn(args[0] ?? '').some((each) => this.leads(each, seen)));
  }
}

function quotedTables(input: Quoting): Record<string, QuotedTable> {
  const { tables, server, names } = input;
  const found = new Tables(input);
  const verb = tables.get('verb');
  if (!verb) throw new CannotTell('no table cuts request lines');
  found.quoted.set('verb', { is: 'method', table: quoteOf(verb) });
  checkPaths(names.cuts, tables);
  for (const name of variablesOf([rewriteOf(server)])) found.follow(name);
  for (const name of ['location', 'types']) found.follow(`${names.prefix}_verdict_${name}`);
  for (const name of variablesOf(server.filter((each) => !isUndecided(each)))) found.enclose(name);
  found.encloseAll();
  return Object.fromEntries([...found.quoted].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Throws where method and path are looked up in a way that the checker does not know. */
function checkPaths(cuts: readonly string[], tables: Read['tables']): void {
  const seen = new Set(cuts);
  for (const name of seen) {
    const table = tables.get(name);
    if (!table) continue;
    if (/^marked_/.test(name)) throw new CannotTell('a certificate does not cover paths with capital letters');
    if (table.block?.some(({ name: key }) => key.includes('(?<segment_')) && name !== 'verb')
      throw new CannotTell('a certificate does not cover rows of more than eight segments');
    if (name !== 'verb') for (const each of variablesOf([table])) seen.add(each);
  }
}

/** Directives that decide nothing: logs, limits, and what answers of the upstream are changed to. */
function isUndecided({ name, args }: NginxDirective): boolean {
  if (/^(?:access_log|limit_\w+|proxy_redirect)$/.test(name)) return true;
  return name === 'add_header' && !/^(?:Allow$|Access-)/.test(args[0] ?? '');
}

/** Returns the checks, from a variable on, that may answer before the decision is followed. */
function checksOf(quoted: Readonly<Record<string, QuotedTable>>, start: readonly string[]): readonly string[] {
  const [name] = start;
  const own = name === undefined ? undefined : quoted[name];
  return name === undefined || own?.next === undefined ? [] : [name, ...checksOf(quoted, [own.next])];
}

interface Rows {
  readonly rows: readonly Row[];
  readonly treatments: Readonly<Record<string, Treatment>>;
}

function rowsOf(
  proxy: Proxy,
  { tables, prefix, used }: Pick<Read, 'tables' | 'used'> & { readonly prefix: string },
): Rows {
  const access = accessOf(proxy);
  const treatments = new Map<string, Treatment>();
  const rows = rulesOf(proxy).flatMap((rule): Row[] => {
    const own = access?.classes.find((each) =>
      each.kind === 'forward'
        ? isRoute(rule) && canonical(each.forwarding) === canonical(rule.forwarding)
        : each.answer === rule,
    );
    if (!access || !own) throw new Error('a rule has a route class');
    const name = classNames(access).get(own) ?? '';
    const location = valueIn(tables.get(`${prefix}_verdict_location`), name);
    const types = tables.get(`${prefix}_verdict_types`);
    const type = types && valueIn(types, name);
    const isAny = type === undefined || type === `$${prefix}_verdict_location` || type === location;
    const treatment = isAny ? location : `${location} ${type}`;
    treatments.set(treatment, {
      open: isOpen(own),
      from: isRoute(rule) || !rule.ranges ? null : setsOf(rule.ranges, { kind: 'health', name: proxy.id }),
      leads: {
        [`${prefix}_verdict_location`]: location,
        ...(type !== undefined && { [`${prefix}_verdict_types`]: isAny ? location : type }),
      },
    });
    const methods = rule.methods.join(' ');
    return pathsOf(rule.pattern, used).map((path) => [methods, path, treatment, isRoute(rule) ? rule.group : '']);
  });
  return { rows, treatments: Object.fromEntries(treatments) };
}

/** Returns the paths of a pattern with its lists written out, and its parameters by type. */
function pathsOf({ segments }: PathPattern, used: Set<ParameterType>): readonly string[] {
  return segments.reduce<readonly string[]>(
    (paths, segment) => paths.flatMap((path) => partsOf(segment, used).map((part) => `${path}/${part}`)),
    [''],
  );
}

function partsOf(segment: PatternSegment, used: Set<ParameterType>): readonly string[] {
  if (segment.kind === 'literal') return [segment.text];
  if (segment.kind === 'choice') return segment.values;
  used.add(segment.type);
  return [segment.kind === 'rest' ? `{${segment.type}*}` : `{${segment.type}}`];
}

function valueIn(table: NginxDirective | undefined, key: string): string {
  const row = table?.block?.find(({ name }) => name === key) ?? table?.block?.find(({ name }) => name === 'default');
  return row?.args[0] ?? '';
}

function setsOf(set: CidrSet, owner: Parameters<typeof listsOf>[1]): 'any' | readonly string[] {
  const lists = listsOf(set, owner);
  return lists === 'any' ? 'any' : inAny(lists).source.map((each) => each.variable);
}

function callerOf({ apiKeyHeader, apiKeyScheme }: Proxy): string {
  const header = apiKeyHeader.toLowerCase();
  return variablePrefix(apiKeyScheme === undefined ? header : `${header}-${apiKeyScheme}`);
}

// The files as the checker reads them.

const isTable = ({ name }: NginxDirective) => name === 'map' || name === 'geo';
const nameOf = ({ args }: NginxDirective) => (args.at(-1) ?? '').slice(1);
const isName = ({ name }: NginxDirective) => name === 'listen' || name === 'server_name';

function quoteOf({ name, args, block }: NginxDirective): Quote {
  return [name, ...args, ...(block ? [block.map(quoteOf)] : [])];
}

const variablesIn = (text: string) => [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name);

function namesIn(quote: Quote): readonly string[] {
  return quote.flatMap((each) => (typeof each === 'string' ? variablesIn(each) : each.flatMap(namesIn)));
}

function variablesOf(directives: readonly NginxDirective[]): ReadonlySet<string> {
  return new Set(
    directives.flatMap(({ args, block }) => [
      ...args.flatMap(variablesIn),
      ...(block ? variablesOf(block.filter((each) => !isUndecided(each))) : []),
    ]),
  );
}

function directivesOf(files: readonly ConfigFile[]): readonly NginxDirective[] {
  const texts = new Map(files.map(({ path, text }) => [path.replace(/^.*\//, ''), text]));
  const read = (name: string): readonly NginxDirective[] => {
    const directives = parseNginx(texts.get(name) ?? '');
    if ('problem' in directives || !texts.has(name)) throw new CannotTell(`${name} cannot be read`);
    return directives.flatMap(included);
  };
  const included = (directive: NginxDirective): readonly NginxDirective[] => {
    const {
      name,
      args: [file = ''],
      block,
    } = directive;
    if (name === 'include' && !file.startsWith('secrets/')) return read(file);
    return [block ? { ...directive, block: block.flatMap(included) } : directive];
  };
  if (!texts.has('nginx.conf')) throw new CannotTell('a certificate is for files that have a http block of their own');
  return read('nginx.conf').flatMap((each) => (each.name === 'http' ? (each.block ?? []) : [each]));
}

function rewriteOf(server: readonly NginxDirective[]): NginxDirective {
  const found = server.find(({ name }) => name === 'rewrite');
  if (!found) throw new CannotTell('the server does not send requests to what a table names');
  return found;
}
