import { accessOf } from '../../policy/access.ts';
import { type CidrSet, parseCidr, unionOf } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { areRangesOf } from '../../prove/addresses.ts';
import { CannotTell, lower, matches, type Part } from '../../prove/explore.ts';
import { lazily } from '../../prove/lazily.ts';
import { wholly } from '../../prove/matching.ts';
import type { Answered, Cuts, FileModel, FilePlace, Forwarded, Outcome, PageHeaders } from '../../prove/model.ts';
import type { SymbolicRequest } from '../../prove/request.ts';
import { depthOf as depthOfSpec } from '../../prove/specMatch.ts';
import { checkInert } from './inert.ts';
import type { NginxDirective } from './liveConfig.ts';
import { type Directives, type Known, Meaning, TARGET_PIECES } from './meaning.ts';
import { askedLocation, depthIn, narrowQueries, queriesOf, splitsRequests, unclearSplits } from './splitting.ts';
import {
  type ConfigFile,
  type Configuration,
  readConfiguration,
  type Table,
  type Template,
  templateOf,
} from './tables.ts';

/**
 * Reads back the generated files of a proxy as a model of what they decide. Throws `CannotTell` where any part of them
 * is not understood.
 */
export function readBack(files: readonly ConfigFile[], proxy: Proxy): FileModel {
  const configuration = readConfiguration(files);
  const server = serverFor(configuration, proxy);
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
    moments: momentsOf(configuration),
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
    unclear: () => unclearSplits(configuration.tables.values()),
    decide: (request, cuts) => decide(configuration, server, { request, depth, cuts, known }),
  };
}

/** Returns the variables on the border between routing and the rest of the decision of a proxy. */
export function cutsOfProxy(files: readonly ConfigFile[], proxy: Proxy): readonly string[] {
  const configuration = readConfiguration(files);
  return cutsOf(configuration, serverFor(configuration, proxy));
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
  readonly errorPages: ReadonlyMap<string, string>;
}

function plainText(parts: readonly Part[], name: string): string {
  return parts
    .map((part) => {
      if (typeof part !== 'string') throw new CannotTell(`$${name} is not one of a few texts`);
      return part;
    })
    .join('');
}

/** Returns the server that listens on the proxy's address under the proxy's names. */
export function serverOf({ servers }: Pick<Configuration, 'servers'>, proxy: Proxy): NginxDirective {
  const { address, port } = proxy.listen;
  const where = address === undefined ? `${port}` : `${address.includes(':') ? `[${address}]` : address}:${port}`;
  const found = servers.filter(({ block = [] }) => {
    const listens = block.some(
      ({ name, args }) => name === 'listen' && (args[0] === where || args[0] === `0.0.0.0:${where}`),
    );
    const names = block
      .filter(({ name }) => name === 'server_name')
      .flatMap(({ args }) => args)
      .filter((name) => !name.startsWith('~'));
    return listens && [...names].sort().join() === proxy.hosts.join();
  });
  const [server] = found;
  if (!server || found.length > 1) throw new CannotTell(`no server, or more than one, is proxy ${proxy.id}`);
  return server;
}

/**
 * The lines by which nginx takes $remote_addr from the PROXY protocol, if the spec wants it from the same proxies. For
 * all else the address is then that of a connection.
 */
function withoutProxyProtocol(block: readonly NginxDirective[], { clientIp }: Proxy): readonly NginxDirective[] {
  if (clientIp.kind !== 'proxyProtocol') return block;
  const isListener = ({ name }: NginxDirective) => name === 'listen';
  const isSource = ({ name, args }: NginxDirective) => name === 'set_real_ip_from' && args[0] !== 'unix:';
  const sources = block.filter(isSource).map(({ args: [cidr = ''] }) => cidr);
  const isSame =
    block.filter(isListener).every(({ args }) => args.includes('proxy_protocol')) &&
    block.some(({ name, args }) => name === 'real_ip_header' && args.join() === 'proxy_protocol') &&
    areRangesOf(sources, clientIp.trusted);
  if (!isSame)
    throw new CannotTell('the server does not take the PROXY protocol from the trusted proxies, or from others');
  return block
    .filter((directive) => !isSource(directive) && directive.name !== 'real_ip_header')
    .map((directive) =>
      isListener(directive)
        ? { ...directive, args: directive.args.filter((each) => each !== 'proxy_protocol') }
        : directive,
    );
}

function serverFor(configuration: Configuration, proxy: Proxy): Server {
  return readServer(withoutProxyProtocol(serverOf(configuration, proxy).block ?? [], proxy));
}

function readServer(block: readonly NginxDirective[]): Server {
  const variables = new Map<string, Template>();
  const locations = new Map<string, NginxDirective>();
  const errorPages = new Map<string, string>();
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
    else if (name === 'error_page') for (const code of args.slice(0, -1)) errorPages.set(code, args.at(-1) ?? '');
    else if (name === 'location' && first === '=' && !locations.has(second)) locations.set(second, directive);
    else if (name === 'location' && first === '/' && args.length === 1) locations.set('/', directive);
    else checkInert(directive, 'server', 'the server');
  }
  if (!verdict) throw new CannotTell('the server does not send requests to what a table names');
  return { directives: { variables, secureLink, digest }, rewritten, verdict, locations, errorPages };
}

/** Values of `set` where the client is the peer of the connection. The only variable that is set is $client. */
const DIRECT: ReadonlyMap<string, Template> = new Map([['client', templateOf('$remote_addr')]]);

function clientOf(configuration: Configuration, { directives }: Server, request: SymbolicRequest) {
  if ([...directives.variables.keys()].join() !== 'client')
    throw new CannotTell('the server sets something else than $client');
  const [address] = new Meaning(configuration, request, { directives, depth: 1 }).value('client');
  if (address === undefined) return undefined;
  const [, number] = typeof address === 'object' && 'piece' in address ? (/^hop (\d+)$/.exec(address.piece) ?? []) : [];
  if (number === undefined) throw new CannotTell('$client is no address');
  return request.hops.isThere(Number(number)) ? Number(number) : undefined;
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
  const directives = request.world.isDirect ? { ...server.directives, variables: DIRECT } : server.directives;
  const meaning = new Meaning(
    configuration,
    request,
    { directives, depth },
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
  if (asked !== undefined && location.internal) return noFile(server, '404', place);
  if (own && !location.internal) throw new CannotTell(`${name} can be asked for by clients`);
  if (location.answer) {
    const allow = location.allow && meaning.evaluate(location.allow);
    if (location.maxBody !== 0 && own) throw new CannotTell(`${name} limits bodies`);
    const { status, body } = location.answer;
    const template = templateOf(body ?? '');
    // A body with numbers of the connection is that of a refusal.
    const isText = variablesIn(template).every((variable) => configuration.tables.has(variable));
    const text = isText && body !== undefined ? plainText(meaning.evaluate(template), 'a body') : undefined;
    return { kind: 'answer', status, body: text, allow, pages: pagesOf(location, meaning), place };
  }
  if (!location.pass) return noFile(server, cuts.get(FILE) === 'yes' ? '404' : '405', place);
  return forwarded(configuration, server, { location, meaning, place });
}

/** The answer where there is no such file, which is not looked at. */
function noFile({ errorPages, locations }: Server, status: string, place: FilePlace): Answered {
  const page = locations.get(errorPages.get(status) ?? '');
  const own = page && readLocation(page.block ?? [], status).answer;
  return { kind: 'answer', status: own?.status ?? Number(status), body: undefined, allow: [], pages: new Map(), place };
}

interface Location {
  readonly internal: boolean;
  readonly answer: Pick<Answered, 'status' | 'body'> | undefined;
  readonly allow: Template | undefined;
  /** Headers of the answer for pages of other origins. */
  readonly pages: ReadonlyMap<string, Template>;
  readonly hidden: ReadonlySet<string>;
  readonly pass: string | undefined;
  readonly passesAll: boolean;
  readonly headers: ReadonlyMap<string, string>;
  readonly maxBody: number;
  readonly tls: Forwarded['tls'];
  /** Whether an answer of the upstream may send the request to another location. */
  readonly obeys: boolean;
}

/** Default of client_max_body_size, in bytes. */
const USUAL_BODY = 1024 ** 2;

function readLocation(block: readonly NginxDirective[], place: string): Location {
  const headers = new Map<string, string>();
  const pages = new Map<string, Template>();
  const hidden = new Set<string>();
  let [internal, passesAll, maxBody] = [false, true, USUAL_BODY];
  let [answer, allow, pass] = [undefined, undefined, undefined] as [
    Location['answer'],
    Template | undefined,
    string | undefined,
  ];
  let [verified, tellsName, obeys] = [false, false, true];
  let tlsName: string | undefined;
  for (const directive of block) {
    const { name, args } = directive;
    const [first = '', second] = args;
    if (name === 'internal') internal = true;
    else if (name === 'client_max_body_size') maxBody = sizeOf(first);
    else if (name === 'return' && answer === undefined) answer = { status: Number(first), body: second };
    else if (name === 'add_header' && first.toLowerCase() === 'allow') allow = templateOf(second ?? '');
    else if (name === 'add_header' && /^access-control-/i.test(first)) addPage(pages, first, second, place);
    else if (name === 'add_header') continue;
    else if (name === 'proxy_hide_header') hidden.add(first.toLowerCase());
    else if (name === 'proxy_pass') pass = first;
    else if (name === 'proxy_pass_request_headers') passesAll = first !== 'off';
    else if (name === 'proxy_set_header') headers.set(first.toLowerCase(), second ?? '');
    else if (name === 'proxy_ssl_verify') verified = first === 'on';
    else if (name === 'proxy_ssl_name') tlsName = first;
    else if (name === 'proxy_ssl_server_name') tellsName = first === 'on';
    else if (name === 'proxy_ignore_headers') obeys = !args.some((each) => /^x-accel-redirect$/i.test(each));
    else checkInert(directive, 'location', place);
  }
  const tls = { verified, name: tlsName, tellsName };
  return { internal, answer, allow, pages, hidden, pass, passesAll, headers, maxBody, tls, obeys };
}

function addPage(pages: Map<string, Template>, name: string, text: string | undefined, place: string): void {
  const header = name.toLowerCase();
  if (pages.has(header)) throw new CannotTell(`${place} sends ${name} twice`);
  pages.set(header, templateOf(text ?? ''));
}

function pagesOf({ pages }: Pick<Location, 'pages'>, meaning: Meaning): PageHeaders {
  const values = [...pages].map(([name, template]) => [name, meaning.evaluate(template)] as const);
  return new Map(values.filter(([, parts]) => parts.length > 0));
}

function sizeOf(text: string): number {
  const [whole, number, unit = ''] = /^([0-9]+)([kmg]?)$/i.exec(text) ?? [];
  if (whole === undefined) throw new CannotTell('client_max_body_size is no size');
  return Number(number) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ');
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
  const headers = new Map([...location.headers].map(([header, value]) => [header, sentValue(value, meaning)] as const));
  const page = server.errorPages.get('413');
  const tooLarge = page === undefined ? undefined : readLocation(server.locations.get(page)?.block ?? [], page).answer;
  return {
    kind: 'forward',
    scheme,
    servers: [...servers].sort(),
    tls: location.tls,
    isWhole: uri === '${request_uri}' || uri === '$request_uri',
    headers: new Map([...headers].filter(([, value]) => value.length > 0)),
    passesOthers: location.passesAll,
    obeys: location.obeys,
    maxBody: location.maxBody,
    tooLarge: tooLarge?.status ?? 413,
    pages: pagesOf(location, meaning),
    hidden: location.hidden,
    place,
  };
}

/**
 * Returns the value of a header that goes upstream. A client's header is sent as it came, so that its value stays open.
 */
function sentValue(value: string, meaning: Meaning): readonly Part[] {
  const [, header] = /^\$http_([a-z0-9_]+)$/.exec(value) ?? [];
  if (header !== undefined) return [{ piece: `header ${header.replaceAll('_', '-')}` }];
  if (NOT_DECISIONS.test(value)) return [{ piece: value }];
  return meaning.evaluate(templateOf(value));
}

/** Variables about the connection, which go upstream and decide nothing. */
const NOT_DECISIONS =
  /^\$(?:scheme|upgrade|upgrade_connection|remote_addr|server_port|[a-z0-9_]+_client|[a-z0-9_]+_port|[a-z0-9_]+_origin)$/;

function setsOf({ tables }: Configuration): CidrSet[] {
  return [...tables.values()].flatMap((table) => {
    if (table.kind !== 'geo') return [];
    return table.networks.map(({ cidr }) => {
      const range = parseCidr(cidr);
      if (typeof range === 'string') throw new CannotTell(`${table.title} has "${cidr}"`);
      return unionOf([range]);
    });
  });
}

/** Returns the moments in tables of expiries, in seconds since 1970: from `,1798761599`. */
function momentsOf({ tables }: Configuration): number[] {
  return [...tables.values()].flatMap((table) => {
    if (table.kind !== 'map') return [];
    const texts = [...table.values.values()].flat().filter((part): part is string => typeof part === 'string');
    return texts.flatMap((text) => /^,([1-9][0-9]{0,11})$/.exec(text)?.[1] ?? []).map(Number);
  });
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
function cutsOf({ tables }: Configuration, { verdict, locations }: Server): string[] {
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
