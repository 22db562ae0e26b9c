import { accessOf } from '../../policy/access.ts';
import type { CidrSet } from '../../policy/cidr.ts';
import { schemeOf } from '../../policy/origin.ts';
import type { Proxy } from '../../policy/types.ts';
import { CannotTell, lower, matches, type Part } from '../../prove/explore.ts';
import { lazily } from '../../prove/lazily.ts';
import { wholly } from '../../prove/matching.ts';
import type { Answered, Cuts, FileModel, FilePlace, Outcome, PageHeaders } from '../../prove/model.ts';
import { CLIENT, type SymbolicRequest } from '../../prove/request.ts';
import { exactRow, exactRows } from '../../prove/rows.ts';
import { depthOf as depthOfSpec } from '../../prove/specMatch.ts';
import { checkInert } from './inert.ts';
import { type Hosts, hostsOf, listeningServer, serverOf, withoutProxyProtocol } from './listening.ts';
import type { NginxDirective } from './liveConfig.ts';
import { type Location, readLocation } from './location.ts';
import { type Known, Meaning, TARGET_PIECES } from './meaning.ts';
import { setsIn } from './networks.ts';
import { nameInTls, sentValue } from './sending.ts';
import {
  askedLocation,
  depthIn,
  narrowQueries,
  queriesOf,
  splitsRequests,
  takesPath,
  unclearSplits,
} from './splitting.ts';
import {
  CAPTURING,
  type ConfigFile,
  type Configuration,
  type Directives,
  readConfiguration,
  type Table,
  type Template,
  templateOf,
} from './tables.ts';
import { rowsOf, traceOf } from './trace.ts';

/**
 * Reads back the generated files of a proxy as a model of what they decide. Throws `CannotTell` where any part of them
 * is not understood.
 */
export function readBack(files: readonly ConfigFile[], proxy: Proxy, all: readonly Proxy[]): FileModel {
  const configuration = readConfiguration(files);
  const found = listeningServer(configuration, proxy, all);
  const server = serverFor(found, proxy);
  const hosts = rowsOfHosts(hostsOf(configuration, found));
  const cutNames = cutsOf(configuration, server);
  const order = new SplitOrder(configuration);
  const access = accessOf(proxy);
  const depth = Math.max(depthIn(configuration.tables.values()), access ? depthOfSpec(access) : 1);
  const known = {
    splitters: new Set(cutNames.filter((name) => order.of(name) === 'splits')),
    readers: new Set(cutNames.filter((name) => order.of(name) === 'reads')),
  };
  return {
    sets: setsOf(configuration),
    depth,
    methods: 'method',
    oddHosts: 'odd',
    looksAtEnds: true,
    takesFollowed: false,
    client: (request) => clientOf(configuration, server, request),
    cuts: (request) => {
      const meaning = new Meaning(configuration, request, { directives: server.directives, depth });
      const values = new Map(cutNames.map((name) => [name, plainText(meaning.value(name), name)]));
      // Where nothing else is said, nginx looks for a file.
      if ([...server.locations.values()].some(looksForFile))
        values.set(FILE, matches(request.run, request.method(), READING()) ? 'yes' : '');
      const asked = askedLocation(server, request, depth);
      if (asked !== undefined) values.set(ASKED, asked);
      values.set(WHOLE, meaning.hasCapturedQuery() ? 'yes' : '');
      return new Map([...values, ...queriesOf(request.run)]);
    },
    trace: (run) => traceOf(run, configuration),
    rowsOf: (tables) => rowsOf(tables, configuration),
    takes: (request) => takesPath(request, depth),
    unclear: () => unclearSplits(configuration.tables.values()),
    decide: (request, cuts) =>
      comesTo(hosts, request) ? decide(configuration, server, { request, depth, cuts, known }) : undefined,
  };
}

/** Returns the variables on the border between routing and the rest of the decision of a proxy. */
export function cutsOfProxy(files: readonly ConfigFile[], proxy: Proxy): readonly string[] {
  const configuration = readConfiguration(files);
  return cutsOf(configuration, readServer(withoutProxyProtocol(serverOf(configuration, proxy).block ?? [], proxy)));
}

/** Key of a cut beside those of variables: "yes" where the query is captured as soon as the request line is split. */
const WHOLE = 'whole line';
/** Likewise: "yes" where the method can ask for a file. */
const FILE = 'method of files';
/** Likewise: the location that the client asks for itself. */
const ASKED = 'asked location';
const READING = lazily(() => wholly('GET|HEAD|POST'));

function looksForFile({ block = [] }: NginxDirective): boolean {
  return !block.some(({ name }) => name === 'return' || name === 'proxy_pass');
}

interface Server {
  readonly directives: Directives;
  /** The expression of the decoded paths that are sent there. */
  readonly rewritten: string;
  /** The location that a request is sent to, with variables. */
  readonly verdict: Template;
  /** Locations by their exact names, and "/". */
  readonly locations: ReadonlyMap<string, NginxDirective>;
  readonly errorPages: ReadonlyMap<string, ErrorPage>;
  readonly scheme: 'http' | 'https';
}

/** What answers in place of a status. */
interface ErrorPage {
  readonly location: Location;
  /** What the client is told in its place. */
  readonly status: number;
}

function plainText(parts: readonly Part[], name: string): string {
  return parts
    .map((part) => {
      if (typeof part !== 'string') throw new CannotTell(`$${name} is not one of a few texts`);
      return part;
    })
    .join('');
}

function serverFor({ block = [] }: NginxDirective, proxy: Proxy): Server {
  return { ...readServer(withoutProxyProtocol(block, proxy)), scheme: schemeOf(proxy) };
}

/** The names of the servers of a socket as rows, each of which is a server's own or not. */
function rowsOfHosts({ isDefault, own, ofOthers }: Hosts) {
  const [all, value] = isDefault ? [ofOthers, 'another'] : [own, 'own'];
  return { isDefault, names: exactRows(all, () => value) };
}

/** Whether the name that a request asks for leads to the server. */
function comesTo({ isDefault, names }: ReturnType<typeof rowsOfHosts>, request: SymbolicRequest): boolean {
  if (names.keys.length === 0) return isDefault;
  return (exactRow(request.run, request.hostName(), names) === undefined) === isDefault;
}

function readServer(block: readonly NginxDirective[]): Omit<Server, 'scheme'> {
  const variables = new Map<string, Template>();
  const locations = new Map<string, NginxDirective>();
  const errors: NginxDirective[] = [];
  let rewritten = '';
  let [verdict, secureLink, digest] = [undefined, undefined, undefined] as (Template | undefined)[];
  for (const directive of block) {
    const { name, args } = directive;
    const [first = '', second = '', third = ''] = args;
    if (name === 'set' && verdict === undefined) variables.set(lower(first.slice(1)), templateOf(second));
    else if (name === 'secure_link') secureLink = templateOf(first);
    else if (name === 'secure_link_md5') digest = templateOf(first);
    else if (name === 'rewrite' && verdict === undefined && third === 'last' && /^\/[^?]*$/.test(second))
      [rewritten, verdict] = [first, templateOf(second)];
    else if (name === 'error_page') errors.push(directive);
    else if (name === 'location' && first === '=' && !locations.has(second)) locations.set(second, directive);
    else if (name === 'location' && first === '/' && args.length === 1) locations.set('/', directive);
    else checkInert(directive, 'server', 'the server');
  }
  if (!verdict) throw new CannotTell('the server does not send requests to what a table names');
  if (CAPTURING.test(rewritten)) throw new CannotTell('the rewrite of the server captures something');
  const errorPages = errorPagesOf(errors, locations);
  return { directives: { variables, secureLink, digest }, rewritten, verdict, locations, errorPages };
}

/** All of them have to answer, with what is no success: nginx itself refuses some requests with a status of its own. */
function errorPagesOf(errors: readonly NginxDirective[], locations: Server['locations']): Server['errorPages'] {
  const pages = new Map<string, ErrorPage>();
  for (const { args } of errors) {
    const uri = args.at(-1) ?? '';
    const other = args.find((arg) => arg.startsWith('='));
    const page = locations.get(uri);
    const location = page && readLocation(page.block ?? [], `location = ${uri}`);
    const own = location?.answer?.body === undefined ? undefined : location.answer.status;
    const told = other === undefined ? undefined : other === '=' ? own : Number(other.slice(1));
    for (const code of args.slice(0, -1)) {
      if (code === other) continue;
      const status = told ?? Number(code);
      if (!location || own === undefined || !(status >= 400 && status < 600))
        throw new CannotTell(`error_page ${code} leads to something that is not known`);
      // The first one of a status counts.
      if (!pages.has(code)) pages.set(code, { location, status });
    }
  }
  return pages;
}

function clientOf(configuration: Configuration, { directives }: Server, request: SymbolicRequest) {
  if ([...directives.variables.keys()].join() !== 'client')
    throw new CannotTell('the server sets something else than $client');
  const [address] = new Meaning(configuration, request, { directives, depth: 1 }).value('client');
  if (address === undefined) return undefined;
  const [, number] = typeof address === 'object' && 'piece' in address ? (/^hop (\d+)$/.exec(address.piece) ?? []) : [];
  if (number === undefined) throw new CannotTell('$client is no address');
  return request.hops.isThere(Number(number)) ? Number(number) : undefined;
}

/** $client, the only variable that is set, and what it is set to. */
function clientNames({ directives }: Server): readonly string[] {
  const [only, ...more] = directives.variables.get('client') ?? [];
  return typeof only === 'object' && more.length === 0 ? ['client', only.variable] : ['client'];
}

interface Asked {
  readonly request: SymbolicRequest;
  readonly depth: number;
  readonly cuts: Cuts;
  readonly known: Pick<Known, 'splitters' | 'readers'>;
}

function decide(configuration: Configuration, server: Server, { request, depth, cuts, known }: Asked): Outcome {
  const values = new Map([...cuts].map(([name, text]): [string, readonly Part[]] => [name, text === '' ? [] : [text]]));
  narrowQueries(request.run, cuts);
  // Once the client is found, these stand for it.
  if (request.world.isDirect) for (const each of clientNames(server)) values.set(each, CLIENT);
  const meaning = new Meaning(
    configuration,
    request,
    { directives: server.directives, depth },
    {
      ...known,
      values,
      isWhole: cuts.get(WHOLE) === 'yes',
    },
  );
  const asked = cuts.get(ASKED);
  const verdict = asked ?? plainText(meaning.evaluate(server.verdict), 'the verdict');
  const own = asked === '/' ? undefined : server.locations.get(verdict);
  const name = own ? `location = ${verdict}` : 'location /';
  const found = own ?? server.locations.get('/');
  if (!found) throw new CannotTell(`${name} is not there`);
  const { block = [], file = '', line } = found;
  const place = { file, line, what: name };
  const location = readLocation(block, name);
  const bare = { location, meaning, place };
  if (asked !== undefined && location.internal) return ofNginx(server, '404', bare);
  if (own && !location.internal) throw new CannotTell(`${name} can be asked for by clients`);
  if (location.answer) {
    const allow = location.allow && meaning.evaluate(location.allow);
    if (location.maxBody !== 0 && own) throw new CannotTell(`${name} limits bodies`);
    const { status, body } = location.answer;
    if (body === undefined) return ofNginx(server, String(status), bare);
    const template = templateOf(body);
    // A body with numbers of the connection is that of a refusal.
    const isText = variablesIn(template).every((variable) => configuration.tables.has(variable));
    const text = isText ? plainText(meaning.evaluate(template), 'a body') : undefined;
    return { kind: 'answer', status, body: text, allow, pages: pagesOf(location, meaning), place };
  }
  if (!location.pass) return ofNginx(server, cuts.get(FILE) === 'yes' ? '404' : '405', bare);
  return forwarded(configuration, server, bare);
}

/** The answer of nginx itself, such as where there is no such file, or that of the error page. */
function ofNginx({ errorPages }: Server, code: string, { location, meaning, place }: Forwarding): Answered {
  const page = errorPages.get(code);
  const own = page?.location ?? location;
  const allow = own.allow && meaning.evaluate(own.allow);
  return {
    kind: 'answer',
    status: page?.status ?? Number(code),
    body: undefined,
    allow,
    pages: pagesOf(own, meaning),
    place,
  };
}

function pagesOf({ pages }: Pick<Location, 'pages'>, meaning: Meaning): PageHeaders {
  const values = [...pages].map(([name, template]) => [name, meaning.evaluate(template)] as const);
  return new Map(values.filter(([, parts]) => parts.length > 0));
}

interface Forwarding {
  readonly location: Location;
  readonly meaning: Meaning;
  readonly place: FilePlace;
}

function forwarded(configuration: Configuration, server: Server, { location, meaning, place }: Forwarding): Outcome {
  const name = place.what;
  const [whole, scheme = '', upstream = '', uri = ''] = /^(https?):\/\/([^/$]+)(.*)$/.exec(location.pass ?? '') ?? [];
  // A URL with variables is looked up for each request, and whatever DNS may say of it then is no upstream of the spec.
  const servers = configuration.upstreams.get(lower(upstream)) ?? (uri.includes('$') ? [] : undefined);
  if (whole === undefined || !servers) throw new CannotTell(`${name} forwards to something that is not known`);
  if (location.headers.has('upgrade')) checkUpgrade(location, name);
  // What nginx says where the file says nothing.
  const sent = new Map([['connection', 'close'], ...location.headers]);
  const headers = new Map(
    [...sent].map(([header, value]) => [header, sentValue(value, server, { configuration, meaning })] as const),
  );
  return {
    kind: 'forward',
    scheme,
    servers: [...servers].sort(),
    tls: { ...location.tls, name: nameInTls(location.tls.name ?? upstream, meaning) },
    isWhole: uri === '${request_uri}' || uri === '$request_uri',
    headers: new Map([...headers].filter(([, value]) => value.length > 0)),
    passesOthers: location.passesAll,
    obeys: location.obeys,
    maxBody: location.maxBody,
    tooLarge: server.errorPages.get('413')?.status ?? 413,
    pages: pagesOf(location, meaning),
    hidden: location.hidden,
    place,
  };
}

/** What an upgrade takes beside the headers that ask for it. */
function checkUpgrade({ isNewer, hidden }: Location, name: string): void {
  if (!isNewer) throw new CannotTell(`${name} asks for upgrades, and does not say by which version of HTTP`);
  const taken = [...hidden].find((header) => /^(?:upgrade$|sec-websocket-)/.test(header));
  if (taken !== undefined) throw new CannotTell(`${name} hides ${taken}`);
}

function setsOf({ tables }: Configuration): CidrSet[] {
  return [...tables.values()].flatMap((table) => (table.kind === 'geo' ? setsIn(table) : []));
}

const variablesIn = (template: Template) =>
  template.flatMap((part) => (typeof part === 'string' ? [] : [part.variable]));

function referencesOf(table: Table): readonly string[] {
  if (table.kind === 'geo') return variablesIn(table.source);
  const values = [...table.values.values(), ...table.regexes.map(({ value }) => value), table.fallback];
  return [...variablesIn(table.source), ...values.flatMap(variablesIn)];
}

/**
 * Returns the variables that depend on method and path alone, and that something else uses, in the order in which they
 * are found. They are the border between routing and the rest of the decision.
 */
function cutsOf({ tables }: Configuration, { verdict, locations }: Pick<Server, 'verdict' | 'locations'>): string[] {
  const kinds = new Map<string, 'target' | 'other' | 'neither'>();
  const kindOf = (name: string): 'target' | 'other' | 'neither' => {
    const known = kinds.get(name);
    if (known) return known;
    const table = tables.get(name);
    if (!table)
      return TARGET_PIECES.test(name)
        ? 'target'
        : /^(?:unmarked|rest_end|between_\d+|capitals_\d+)$/.test(name)
          ? 'neither'
          : 'other';
    kinds.set(name, 'neither');
    const all = referencesOf(table).map(kindOf);
    const kind = all.includes('other') ? 'other' : all.includes('target') ? 'target' : 'neither';
    kinds.set(name, kind);
    return kind;
  };
  const cuts = new Set<string>();
  const seen = new Set<string>();
  const visit = (names: readonly string[]): void => {
    for (const name of names) {
      if (seen.has(name)) continue;
      seen.add(name);
      const table = tables.get(name);
      if (kindOf(name) === 'target') cuts.add(name);
      else if (table) visit(referencesOf(table));
    }
  };
  visit(variablesIn(verdict));
  const allow = [...locations.values()]
    .flatMap(({ block = [] }) => block)
    .filter(({ name, args }) => name === 'add_header' && /^(?:allow|access-control-.*)$/i.test(args[0] ?? ''));
  visit(allow.flatMap(({ args }) => variablesIn(templateOf(args[1] ?? ''))));
  return [...cuts];
}

/**
 * Tells whether the evaluation of a variable begins with splitting the request line, or with reading what the split
 * captured.
 */
class SplitOrder {
  private readonly configuration: Configuration;

  constructor(configuration: Configuration) {
    this.configuration = configuration;
  }

  of(name: string, above: readonly string[] = []): 'splits' | 'reads' | 'neither' {
    const table = this.configuration.tables.get(name);
    if (!table) return TARGET_PIECES.test(name) ? 'reads' : 'neither';
    if (above.includes(name)) throw new CannotTell(`$${name} depends on itself`);
    const path = [...above, name];
    if (table.kind === 'map' && splitsRequests(table)) return 'splits';
    for (const source of variablesIn(table.source)) {
      const first = this.of(source, path);
      if (first !== 'neither') return first;
    }
    const values = referencesOf(table).slice(variablesIn(table.source).length);
    const kinds = new Set(values.map((each) => this.of(each, path)));
    return kinds.has('reads') ? 'reads' : kinds.has('splits') ? 'splits' : 'neither';
  }
}
