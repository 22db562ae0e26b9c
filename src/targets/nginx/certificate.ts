import { listsOf } from '../../plan/callers.ts';
import { accessOf, isOpen, isRoute, rulesOf } from '../../policy/access.ts';
import type { CidrSet } from '../../policy/cidr.ts';
import type { PathPattern, PatternSegment } from '../../policy/pattern.ts';
import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import type { Cors, Policy, Proxy } from '../../policy/types.ts';
import { CannotTell } from '../../prove/explore.ts';
import { canonical } from '../../source/value.ts';
import { inAny } from './addresses.ts';
import { serverOf } from './listening.ts';
import type { NginxDirective } from './liveConfig.ts';
import { classNames, variablePrefix } from './names.ts';
import {
  directivesOf,
  isName,
  isTable,
  nameOf,
  namesIn,
  type Quote,
  quoteOf,
  rewriteOf,
  variablesIn,
  variablesOf,
} from './quotes.ts';
import { cutsOfProxy } from './readBack.ts';
import type { ConfigFile } from './tables.ts';

/** How the checker takes a quoted table. */
type Quoted =
  /** For any text, or none. */
  | 'anything'
  /** For a segment of the path with its capital letters marked. */
  | 'marked'
  /** For a decision that is not followed further. */
  | 'decision';

interface QuotedTable {
  /** Not set where the checker knows the values: a check, a set of addresses, a caller, the request line. */
  readonly is?: Quoted;
  readonly table: Quote;
}

/** What a request is answered with, or where it goes, by variables that say so. */
interface Treatment {
  /** Set where no key is asked for. */
  readonly isOpen?: true;
  /** Set where it is not the addresses of the proxy. */
  readonly from?: 'any' | readonly string[];
  readonly leads: Readonly<Record<string, string>>;
}

type Row = readonly [methods: string, path: string, treatment: string, group: string];

interface ProxyCertificate {
  readonly names: readonly Quote[];
  readonly from: 'any' | readonly string[];
  readonly caller: string | null;
  readonly token: string | null;
  /** The variable of the methods of a path. */
  readonly allow: string;
  /** The variables that are kept of paths behind each segment. */
  readonly walk: readonly (readonly string[])[];
  /** The variables of whole targets, with their methods. */
  readonly cuts: readonly string[];
  readonly goesOn: string;
  /** Checks that may answer before all others, each with the variable that it leads to where it does not. */
  readonly checks: readonly (readonly [check: string, next: string])[];
  /** What a preflight has beside its method, and the answer to it or the variable of its last check. */
  readonly preflight?: {
    readonly asks: readonly (readonly [variable: string, expression?: string])[];
    readonly answer: string;
  };
  readonly rows: readonly Row[];
  readonly treatments: Readonly<Record<string, Treatment>>;
  readonly quoted: Readonly<Record<string, QuotedTable>>;
}

export interface Certificate {
  readonly certificate: 'postern nginx 2';
  readonly types: Readonly<Record<string, string>>;
  readonly keys: readonly {
    readonly id: string;
    readonly groups: readonly string[];
    readonly from: 'any' | readonly string[];
  }[];
  readonly proxies: readonly ProxyCertificate[];
  /** The servers of domain rewrites, on other ports than the proxies. Nothing is said of them. */
  readonly beside: readonly (readonly Quote[])[];
  readonly around: readonly Quote[];
}

/** Writes down what the files of nginx decide for each proxy, in rows that a checker can compare with the files. */
export function certify(policy: Policy, files: readonly ConfigFile[]): Certificate {
  if (policy.proxies.length === 0) throw new CannotTell('a certificate does not cover a spec without proxies');
  const all = directivesOf(files);
  const around = all.filter((each) => !isTable(each) && each.name !== 'log_format');
  const tables = new Map(all.filter(isTable).map((each) => [nameOf(each), each]));
  const used = new Set<ParameterType>();
  const proxies = policy.proxies.map((proxy) => proxyCertificate(proxy, { files, all, around, tables, used }));
  return {
    certificate: 'postern nginx 2',
    types: Object.fromEntries(
      PARAMETER_TYPES.filter((type) => used.has(type)).map((type) => [type, segmentSource(type)]),
    ),
    keys: policy.apiKeys.map(({ id, groups, ranges }) => ({
      id,
      groups,
      from: ranges ? setsOf(ranges, { kind: 'key', name: id }) : 'any',
    })),
    proxies,
    beside: besideOf(all, proxies),
    around: around.map(quoteOf),
  };
}

/** Returns the names of servers that are no proxies. */
function besideOf(all: readonly NginxDirective[], proxies: readonly ProxyCertificate[]): Certificate['beside'] {
  const known = new Set(proxies.map(({ names }) => JSON.stringify(names)));
  return all
    .filter(({ name }) => name === 'server')
    .map(({ block = [] }) => block.filter(isName).map(quoteOf))
    .filter((names) => !known.has(JSON.stringify(names)));
}

interface Read {
  readonly files: readonly ConfigFile[];
  readonly all: readonly NginxDirective[];
  /** All that is quoted: no tables, and no forms of log lines. */
  readonly around: readonly NginxDirective[];
  readonly tables: ReadonlyMap<string, NginxDirective>;
  /** Receives the types of parameters. */
  readonly used: Set<ParameterType>;
}

function proxyCertificate(proxy: Proxy, { files, all, around, tables, used }: Read): ProxyCertificate {
  const access = accessOf(proxy);
  if (!access) throw new CannotTell('the patterns overlap in too many ways');
  const prefix = variablePrefix(proxy.id);
  const server = serverOf({ servers: all.filter(({ name }) => name === 'server') }, proxy).block ?? [];
  const caller = access.usesKeys ? callerOf(proxy) : undefined;
  const headers = new Set(
    ['access-control-request-method', 'origin', proxy.apiKeyHeader].map(
      (header) => `http_${header.toLowerCase().replaceAll('-', '_')}`,
    ),
  );
  const names = {
    prefix,
    paths: pathsOwner(tables, prefix),
    caller,
    headers,
    cuts: cutsOfProxy(files, proxy).filter((name) => tables.has(name)),
  };
  const { quoted, checks } = quotedTables({
    tables,
    server,
    outside: around.filter(({ name }) => name !== 'server'),
    names,
  });
  const { rows, treatments } = rowsOf(proxy, { tables, prefix, used });
  return {
    names: server.filter(isName).map(quoteOf),
    from: setsOf(proxy.ranges, { kind: 'proxy', name: proxy.id }),
    caller: caller ? `${caller}_id` : null,
    token: caller ? `${caller}_token` : null,
    allow: `${names.paths}_allow`,
    walk: walkOf(tables, names.paths),
    cuts: names.cuts,
    goesOn: `${prefix}_verdict_plain`,
    checks,
    ...(proxy.cors && { preflight: preflightOf(prefix, proxy.cors, tables) }),
    rows,
    treatments,
    quoted,
  };
}

/** Returns the start of the names of the tables that look up the paths of a proxy. */
function pathsOwner(tables: Read['tables'], prefix: string): string {
  const owners = [...usedBy(tables, prefix)].map((name) => name.replace(/_route$/, ''));
  return [prefix, ...owners].find((owner) => tables.has(`${owner}_path_1`)) ?? prefix;
}

const usedBy = (tables: Read['tables'], start: string) =>
  variablesOf([...tables].filter(([name]) => name.startsWith(`${start}_`)).map(([, table]) => table));

interface Names {
  readonly prefix: string;
  /** The start of the names of the tables of paths, which proxies may share. */
  readonly paths: string;
  /** The start of the names of the variables that tell who calls; absent where no key is asked for. */
  readonly caller: string | undefined;
  /** The variables of headers that tables look at before all other checks are made. */
  readonly headers: ReadonlySet<string>;
  readonly cuts: readonly string[];
}

interface Quoting {
  readonly tables: Read['tables'];
  readonly server: readonly NginxDirective[];
  /** What is neither a server nor a table. */
  readonly outside: readonly NginxDirective[];
  readonly names: Names;
}

/** The tables of a proxy that the checker takes as they are. All others of its decision are followed row by row. */
class Tables {
  readonly quoted = new Map<string, QuotedTable>();
  readonly checks: (readonly [check: string, next: string])[] = [];
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
    if (name === `${names.caller}_id`) this.quote(name, table);
    else if (this.isSecret(table) || name === `${names.caller}_selector` || name === `${names.prefix}_cors_origin`)
      this.quote(name, table, 'anything');
    else if (table.name === 'geo') this.quote(name, table);
    else if (this.isFollowed(name)) {
      this.followed.add(name);
      for (const each of variablesOf([table])) this.follow(each);
    } else {
      const next = name === this.goal ? undefined : this.next(table);
      this.quote(name, table, next === undefined ? 'decision' : undefined);
      if (next === undefined) return;
      this.checks.push([name, next]);
      this.follow(next);
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

  private quote(name: string, table: NginxDirective, is?: Quoted): void {
    this.quoted.set(name, { ...(is && { is }), table: quoteOf(table) });
  }

  private isSecret({ block = [] }: NginxDirective): boolean {
    return block.some(({ name }) => name === 'include');
  }

  /** Returns whether a table looks only at what the checker knows all values of. */
  private isFollowed(name: string): boolean {
    const { tables, names } = this.input;
    if (names.cuts.includes(name) || name === 'secure_link') return true;
    if (name.startsWith('http_')) return names.headers.has(name);
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

function quotedTables(input: Quoting): Pick<ProxyCertificate, 'quoted' | 'checks'> {
  const { tables, server, outside, names } = input;
  const found = new Tables(input);
  const verb = tables.get('verb');
  if (!verb) throw new CannotTell('no table cuts request lines');
  for (const [name, { block = [] }] of tables)
    if (name.startsWith(`${names.paths}_`) && block.some(({ name: key }) => /\(\?<rest_\d/.test(key)))
      throw new CannotTell('a certificate does not cover rests of paths that begin behind the eighth segment');
  found.quoted.set('verb', { table: quoteOf(verb) });
  const looking = usedBy(tables, names.paths);
  for (const [name, table] of tables)
    if (/^marked_\d+$/.test(name) && looking.has(name)) found.quoted.set(name, { is: 'marked', table: quoteOf(table) });
  for (const name of variablesOf([rewriteOf(server)])) found.follow(name);
  for (const name of ['location', 'types']) found.follow(`${names.prefix}_verdict_${name}`);
  for (const name of variablesOf([...server, ...outside])) found.enclose(name);
  found.encloseAll();
  const quoted = Object.fromEntries([...found.quoted].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { quoted, checks: found.checks };
}

/** What tables ask of a preflight beside its method: a variable, or one and an expression. */
function preflightOf(
  prefix: string,
  { origins }: Cors,
  tables: Read['tables'],
): NonNullable<ProxyCertificate['preflight']> {
  const named = (name: string) => tables.get(`${prefix}_verdict_${name}`);
  const expressionOf = (name: string) =>
    named(name)
      ?.block?.find(({ name: key }) => key.startsWith('~'))
      ?.name.slice(1)
      .replace(/\*\+/g, '*') ?? '';
  return {
    asks: [
      ['http_access_control_request_method', expressionOf('options').replace(/^\^yes /, '^')],
      origins === 'any' ? ['http_origin', expressionOf('page')] : [`${prefix}_cors_origin`],
    ],
    answer: valueIn(named('known'), 'default'),
  };
}

/** Returns what tables of later segments use of what earlier ones led to, behind each segment. */
function walkOf(tables: Read['tables'], prefix: string): ProxyCertificate['walk'] {
  const verb = JSON.stringify(quoteOf(tables.get('verb') as NginxDirective));
  const depth = Math.max(...[...verb.matchAll(/segment_(\d+)/g)].map(([, number]) => Number(number)));
  const segmentOf = (name: string) => Number(/_(\d+)(?:_else)?$/.exec(name)?.[1] ?? depth + 1);
  const own = [...tables].filter(([name]) => name.startsWith(`${prefix}_`));
  const lastUse = new Map<string, number>();
  for (const [name, table] of own)
    for (const used of variablesOf([table])) lastUse.set(used, Math.max(lastUse.get(used) ?? 0, segmentOf(name)));
  return Array.from({ length: depth }, (_, index) => [
    ...Array.from({ length: index + 1 }, (_, before) => `plain_${before + 1}`).filter(
      (name) => (lastUse.get(name) ?? 0) > index + 1,
    ),
    `${prefix}_path_${index + 1}`,
  ]);
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
      ...(isOpen(own) && { isOpen: true as const }),
      ...(!isRoute(rule) && rule.ranges && { from: setsOf(rule.ranges, { kind: 'health', name: proxy.id }) }),
      leads: {
        [`${prefix}_verdict_location`]: location,
        ...(type !== undefined && { [`${prefix}_verdict_types`]: isAny ? location : type }),
      },
    });
    const methods = rule.methods.join(' ');
    return pathsOf(rule.pattern, used).map((path) => [
      methods,
      path,
      treatment,
      isRoute(rule) && !isOpen(own) ? rule.group : '',
    ]);
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
