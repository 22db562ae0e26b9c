import { createPositions } from '../diagnostics/position.ts';
import { type CidrSet, isEmpty, NOBODY, parseCidr, sameAddresses, subtract, toCidrs, unionOf } from '../policy/cidr.ts';
import { grouped } from '../policy/grouped.ts';
import { parsePattern } from '../policy/pattern.ts';
import { parseDocument } from '../source/document.ts';
import { isRecord, listOf, memberOf } from '../source/value.ts';
import {
  CALLER,
  type DraftGroup,
  type DraftItem,
  DraftSets,
  freeName,
  type Imported,
  type Importer,
  type ImportFile,
  type ImportProblem,
  identifierOf,
  type NotCarried,
  REFUSED_BY_EVERY_SPEC,
  USUAL_METHODS,
} from './draft.ts';

/** A path of an Ingress that a spec can allow, and where it is forwarded. */
interface Way {
  readonly host: string;
  readonly path: string;
  readonly exact: boolean;
  readonly upstream: string;
  readonly keyed: boolean;
  readonly maxBody: string | undefined;
  readonly ranges: CidrSet | undefined;
  readonly file: string;
  readonly line: number;
}

/** A path of an Ingress, whether or not a spec can allow it: it takes requests from shorter ones. */
interface Rival {
  readonly path: string;
  readonly exact: boolean;
  readonly ingress: Ingress;
  readonly way: Way | undefined;
}

interface Reading {
  readonly ways: Way[];
  /** By host. */
  readonly rivals: Map<string, Rival[]>;
  /** By host, why nothing of it can be carried over, whichever Ingress says so. */
  readonly hosts: Map<string, string>;
  readonly notCarriedOver: NotCarried[];
}

type Path = readonly (string | number)[];

/** An Ingress, and the function that finds lines in its file. */
interface Ingress {
  readonly value: unknown;
  readonly file: string;
  readonly lineOf: (path: Path) => number;
}

const ANNOTATIONS = 'nginx.ingress.kubernetes.io/';
const RANGES = ['whitelist-source-range', 'allowlist-source-range'];
/** Annotations that authenticate the caller. A spec has keys instead. */
const AUTHENTICATION = ['auth-url', 'auth-type', 'auth-secret', 'auth-tls-secret', 'auth-tls-verify-client'];
const DENIED = 'denylist-source-range';
/** Annotations by which requests go otherwise than their path says, so that nothing of the Ingress can be carried over. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'rewrite-target': 'it changes what is asked for, and a spec forwards what it matched',
  'use-regex': 'its paths are expressions',
  'app-root': 'it changes what is asked for, and a spec forwards what it matched',
  'configuration-snippet': 'its lines may change or refuse what is asked for',
  'server-snippet': 'its lines may change or refuse what is asked for',
  canary: 'a part of the requests goes there, and a spec has one upstream for a path',
  'permanent-redirect': 'callers are sent elsewhere',
  'temporal-redirect': 'callers are sent elsewhere',
  'ssl-passthrough': 'it forwards connections, not requests',
};
/** Those of them that hold for all paths of a host, whichever Ingress has them. */
const OF_HOST = ['rewrite-target', 'use-regex', 'server-snippet'];
const HARMLESS = ['ssl-redirect', 'force-ssl-redirect', 'backend-protocol', 'proxy-body-size', DENIED, ...RANGES];

/** Returns a spec that allows no more than some Ingresses with the annotations of ingress-nginx. */
function read(files: readonly ImportFile[]): Imported | ImportProblem {
  const reading: Reading = { ways: [], rivals: new Map(), hosts: new Map(), notCarriedOver: [] };
  for (const file of files) {
    const found = ingressesIn(file);
    if ('problem' in found) return found;
    for (const ingress of found) readIngress(ingress, reading);
  }
  const { notCarriedOver } = reading;
  const around = surroundings(reading);
  const carried = namedFirst(
    reading.ways.filter((way) => keepsApart(way, around, reading)),
    reading,
  );
  if (carried.length === 0)
    return {
      file: files[0]?.name ?? '',
      line: 1,
      problem: 'no Ingress in it forwards anything that a spec can allow',
      reasons: notCarriedOver,
    };
  const open = [...grouped(carried, ({ host }) => host).values()].flatMap(([way]) => (way && !way.ranges ? [way] : []));
  for (const { file, line } of open) {
    const reason = 'no source range: everybody may connect, until you name them under ipRanges';
    notCarriedOver.push({ file, line, what: 'path', reason });
  }
  return { draft: draftOf(carried), notCarriedOver };
}

/**
 * Returns the Ingresses of a file. Each YAML document is parsed by itself, because the parser of specs takes one
 * document only.
 */
function ingressesIn({ name: file, text }: ImportFile): Ingress[] | ImportProblem {
  const found: Ingress[] = [];
  let line = 0;
  for (const part of text.split(/^---(?:[ \t].*)?$/m)) {
    const before = line;
    line += part.split('\n').length - 1;
    if (part.replace(/^\s*#.*$/gm, '').trim() === '') continue;
    const { value: document, diagnostics } = parseDocument({ name: file, text: part });
    if (!document) {
      const start = diagnostics[0]?.place?.start ?? 0;
      const at = before + part.slice(0, start).split('\n').length;
      return { file, line: at, problem: diagnostics[0]?.message ?? 'it is no YAML' };
    }
    const position = createPositions(part);
    const lineOf = (path: Path) => before + position(document.locate(path, 'key').start).line;
    const items = memberOf(document.value, 'items');
    const all = Array.isArray(items) ? items.map((value, index) => ({ value, at: ['items', index] })) : [];
    for (const { value, at } of [{ value: document.value, at: [] as Path }, ...all])
      if (memberOf(value, 'kind') === 'Ingress')
        found.push({ value, file, lineOf: (path) => lineOf([...at, ...path]) });
  }
  return found.length > 0 ? found : { file, line: 1, problem: 'it holds no Ingress' };
}

function readIngress(ingress: Ingress, { ways, rivals, hosts, notCarriedOver }: Reading): void {
  const { value, file, lineOf } = ingress;
  const lose = (path: Path, what: string, reason: string) =>
    void notCarriedOver.push({ file, line: lineOf(path), what, reason });
  const metadata = memberOf(value, 'metadata');
  const namespace = memberOf(metadata, 'namespace');
  const annotations = annotationsOf(memberOf(metadata, 'annotations'));
  const settings = settingsOf(annotations, (name, reason) =>
    lose(['metadata', 'annotations', `${ANNOTATIONS}${name}`], name, reason),
  );
  const ofHost = OF_HOST.find((name) => isOn(annotations.get(name)));
  const spec = memberOf(value, 'spec');
  if (memberOf(spec, 'tls') !== undefined)
    lose(['spec', 'tls'], 'tls', 'its certificates are secrets of the cluster: name files under tls of the proxy');
  if (memberOf(spec, 'defaultBackend') !== undefined)
    lose(['spec', 'defaultBackend'], 'defaultBackend', 'whatever no path names is refused');
  for (const [index, rule] of listOf(memberOf(spec, 'rules')).entries()) {
    const named = memberOf(rule, 'host');
    const host = typeof named === 'string' ? named.toLowerCase() : '';
    if (ofHost !== undefined) hosts.set(host, `${ofHost} of an Ingress holds for all paths of the host`);
    const paths = listOf(memberOf(memberOf(rule, 'http'), 'paths'));
    const ofThisHost = rivals.get(host) ?? [];
    rivals.set(host, ofThisHost);
    if (paths.length === 0)
      lose(['spec', 'rules', index], 'rule', 'it has no path, and whatever no path names is refused');
    for (const [number, entry] of paths.entries()) {
      const at = ['spec', 'rules', index, 'http', 'paths', number];
      const found = wayOf(entry, { host, namespace, settings });
      const way = typeof found === 'string' ? undefined : { ...found, file, line: lineOf(at) };
      if (typeof found === 'string') lose(at, 'path', found);
      if (way) ways.push(way);
      const type = memberOf(entry, 'pathType');
      if (way && type !== 'Exact' && type !== 'Prefix')
        lose(at, 'pathType', 'only whole segments are taken for its path, not texts that begin like it');
      ofThisHost.push({ ...pathIn(entry), ingress, way });
    }
    if (ofThisHost.length === 0) ofThisHost.push({ path: '/', exact: true, ingress, way: undefined });
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== 'false';
}

function annotationsOf(value: unknown): ReadonlyMap<string, string> {
  const all = Object.entries(isRecord(value) ? value : {}).filter(([name]) => name.startsWith(ANNOTATIONS));
  return new Map(all.map(([name, text]) => [name.slice(ANNOTATIONS.length), String(text)]));
}

interface Settings {
  readonly keyed: boolean;
  readonly ranges: CidrSet | undefined;
  readonly maxBody: string | undefined;
  readonly scheme: string;
  /** The reason why nothing of the Ingress can be carried over. */
  readonly problem: string | undefined;
}

function settingsOf(annotations: ReadonlyMap<string, string>, lose: (name: string, reason: string) => void): Settings {
  let problem: string | undefined;
  for (const [name, value] of annotations) {
    const elsewhere = isOn(value) ? ELSEWHERE[name] : undefined;
    if (elsewhere !== undefined) {
      problem = `${name}: ${elsewhere}`;
      lose(name, 'nothing of this Ingress is carried over');
    } else if (AUTHENTICATION.includes(name)) lose(name, 'callers need a key of the spec instead');
    else if (!HARMLESS.includes(name)) lose(name, 'a spec has no such setting, or another way to say it');
  }
  const listed = rangesIn(annotations, RANGES);
  const denied = rangesIn(annotations, [DENIED]);
  if (!listed || !denied) problem = 'an address of its source ranges is none';
  if (denied && !isEmpty(denied) && listed && isEmpty(listed))
    problem = `${DENIED} names who may not connect, and a spec those who may`;
  const ranges = listed && !isEmpty(listed) ? subtract(listed, denied ?? NOBODY) : undefined;
  if (ranges && isEmpty(ranges)) problem = 'it admits nobody';
  const protocol = annotations.get('backend-protocol')?.toUpperCase() ?? 'HTTP';
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') problem = `an upstream speaks HTTP, not ${protocol}`;
  const [, size, unit = ''] = /^([1-9]\d{0,5})([kKmMgG])$/.exec(annotations.get('proxy-body-size') ?? '') ?? [];
  return {
    keyed: AUTHENTICATION.some((name) => annotations.has(name)),
    ranges,
    maxBody:
      size === undefined ? undefined : `${size}${unit === 'k' || unit === 'K' ? 'kB' : `${unit.toUpperCase()}B`}`,
    scheme: protocol.toLowerCase(),
    problem,
  };
}

/** The addresses in some annotations; `undefined` where one of them is none. */
function rangesIn(annotations: ReadonlyMap<string, string>, names: readonly string[]): CidrSet | undefined {
  const texts = names.flatMap((name) => annotations.get(name)?.split(',') ?? []).map((text) => text.trim());
  const parsed = texts.filter((text) => text !== '').map((text) => parseCidr(text));
  const ranges = parsed.flatMap((one) => (typeof one === 'string' ? [] : [one]));
  return ranges.length === parsed.length ? unionOf(ranges) : undefined;
}

interface Around {
  readonly host: string;
  readonly namespace: unknown;
  readonly settings: Settings;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Returns what a path of an Ingress allows, or why a spec cannot express it. */
function wayOf(entry: unknown, { host, namespace, settings }: Around): Omit<Way, 'file' | 'line'> | string {
  if (settings.problem !== undefined) return settings.problem;
  if (host !== '' && !host.split('.').every((label) => LABEL.test(label))) return 'names of a proxy are whole names';
  const service = memberOf(memberOf(entry, 'backend'), 'service');
  const [name, port] = [memberOf(service, 'name'), memberOf(memberOf(service, 'port'), 'number')];
  if (typeof name !== 'string' || !LABEL.test(name)) return 'only services are upstreams';
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535)
    return `the port of "${name}" is a name, which only the cluster can look up: write its number`;
  const { path, exact } = pathIn(entry);
  if (/[{}*()[\]$^|\\+?]/.test(path) || 'problem' in parsePattern(path))
    return 'its path is an expression, or no path as it goes over the wire';
  const space = typeof namespace === 'string' && LABEL.test(namespace) ? namespace : 'default';
  const { keyed, ranges, maxBody, scheme } = settings;
  const upstream = `${scheme}://${name}.${space}.svc.cluster.local:${port}`;
  return { host, path, exact, upstream, keyed, maxBody, ranges };
}

/** A path as it is written; a prefix without the slash at its end, which means the same. */
function pathIn(entry: unknown): { readonly path: string; readonly exact: boolean } {
  const path = memberOf(entry, 'path') ?? '/';
  const exact = memberOf(entry, 'pathType') === 'Exact';
  return { path: typeof path !== 'string' ? '' : exact ? path : path.replace(/(?<=.)\/$/, ''), exact };
}

/** What may take requests from a way, found by its host and path. */
interface Surroundings {
  /** By host. */
  readonly first: ReadonlyMap<string, Way>;
  /** By host and path, what is at the path or below it, each with its place among all of the host. */
  readonly at: ReadonlyMap<string, ReadonlyMap<string, readonly Placed[]>>;
}

interface Placed {
  readonly rival: Rival;
  readonly index: number;
}

function surroundings({ ways, rivals }: Reading): Surroundings {
  const first = new Map(ways.toReversed().map((way) => [way.host, way] as const));
  const at = new Map<string, ReadonlyMap<string, readonly Placed[]>>();
  for (const [host, own] of grouped(ways, (way) => way.host)) {
    const found = new Map(own.map(({ path }) => [path, [] as Placed[]] as const));
    const longest = own.reduce((most, { path }) => Math.max(most, path.length), 0);
    for (const [index, rival] of (rivals.get(host) ?? []).entries())
      for (const path of new Set(['/', ...foldersOf(rival.path, longest), rival.path]))
        found.get(path)?.push({ rival, index });
    at.set(host, found);
  }
  return { first, at };
}

/** Returns the paths above a path, none of them longer than what is asked for. */
function foldersOf(path: string, longest: number): string[] {
  const found: string[] = [];
  for (let end = path.indexOf('/', 1); end > 0 && end <= longest; end = path.indexOf('/', end + 1))
    found.push(path.slice(0, end));
  return found;
}

/**
 * Returns whether a spec can hold a path beside all others. In an Ingress the longest path wins; in a spec, access is
 * the union of all patterns. So `/` is left out if `/api` below it goes to another upstream.
 */
function keepsApart(way: Way, { first, at }: Surroundings, { hosts, notCarriedOver }: Reading): boolean {
  const { host, path, file, line } = way;
  const lose = (reason: string): false => {
    notCarriedOver.push({ file, line, what: `path ${path}`, reason });
    return false;
  };
  const ofHost = hosts.get(host);
  if (ofHost !== undefined) return lose(ofHost);
  if (!alike(first.get(host)?.ranges, way.ranges)) return lose('another path of its host admits other addresses');
  const around = at.get(host)?.get(path) ?? [];
  const own = around.find(({ rival }) => rival.way === way);
  const rival = around.find(
    ({ rival: other, index }) =>
      other.way !== way &&
      (!way.exact || (other.exact && other.path === path)) &&
      !(other.way && goesTheSameWay(other.way, way)) &&
      !(own && index > own.index && isLater(other, own.rival)),
  )?.rival;
  if (!rival) return true;
  return lose(
    rival.path === path
      ? 'another Ingress or rule has the same path, and sends it elsewhere'
      : `${rival.path} below it goes elsewhere: list the paths that are meant`,
  );
}

/** Of the same path in one Ingress the first counts; of several Ingresses, the one that is older in the cluster. */
function isLater(other: Rival, own: Rival): boolean {
  return own.ingress === other.ingress && own.path === other.path && own.exact === other.exact;
}

/**
 * Leaves out what is for all hosts where another host has no proxy, because a proxy without names would answer for
 * that one too.
 */
function namedFirst(carried: readonly Way[], { rivals, notCarriedOver }: Reading): readonly Way[] {
  const hosts = new Set(carried.map(({ host }) => host));
  const without = [...rivals.keys()].find((host) => host !== '' && !hosts.has(host));
  if (without === undefined) return carried;
  const reason = `without a name it would also take what is for ${without}, of which nothing is carried over`;
  return carried.filter(({ host, file, line, path }) => {
    if (host === '') notCarriedOver.push({ file, line, what: `path ${path}`, reason });
    return host !== '';
  });
}

function alike(a: CidrSet | undefined, b: CidrSet | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && sameAddresses(a, b));
}

function goesTheSameWay(a: Way, b: Way): boolean {
  return a.upstream === b.upstream && a.keyed === b.keyed && a.maxBody === b.maxBody;
}

function patternsOf({ path, exact }: Way): string[] {
  if (exact) return [path];
  if (path === '/') return ['/', '/{rest:encodedPath*}'];
  return [path, `${path}/`, `${path}/{rest:encodedPath*}`];
}

function draftOf(ways: readonly Way[]): Imported['draft'] {
  const taken = new Set<string>();
  const upstreams = new Map<string, DraftItem>();
  const routes: DraftGroup[] = [];
  const sets = new DraftSets();
  const proxies = [...grouped(ways, ({ host }) => host)].map(([host, own]): DraftItem => {
    const groups = [...grouped(own, (way) => JSON.stringify([way.upstream, way.keyed, way.maxBody])).values()];
    const ids = groups.flatMap((same) => {
      const [first] = same;
      if (!first) return [];
      const { upstream: url, keyed, maxBody } = first;
      const name = /\/\/([^.]+)/.exec(url)?.[1] ?? '';
      const upstream = upstreams.get(url)?.id ?? freeName(identifierOf(name, 'upstream'), taken);
      upstreams.set(url, { id: upstream, notes: [`${first.file}:${first.line}`], value: { url } });
      const id = freeName(`${upstream}${keyed ? '' : '-open'}`, taken);
      const patterns = new Map(same.flatMap((way) => patternsOf(way).map((pattern) => [pattern, way] as const)));
      const allow = [...patterns].map(([pattern, { file, line }]) => ({
        request: `${USUAL_METHODS.join()} ${pattern}`,
        notes: [`${file}:${line}`],
      }));
      routes.push({
        id,
        upstream,
        ...(keyed ? {} : { auth: 'passthrough' as const }),
        ...(maxBody && { maxBody }),
        allow,
      });
      return [id];
    });
    const first = own[0]?.ranges;
    const ranges = first ? [sets.referenceTo(toCidrs(first))] : 'any';
    const id = freeName(identifierOf(host, 'api'), taken);
    return { id, value: { listen: 8080, ...(host !== '' && { hosts: [host] }), ipRanges: ranges, routes: ids } };
  });
  const keyed = ways.some((way) => way.keyed);
  return {
    name: 'imported',
    head: [
      'Imported from Ingresses of ingress-nginx. It allows nothing that they refused or sent elsewhere.',
      `${REFUSED_BY_EVERY_SPEC}.`,
    ],
    ipRanges: sets.items,
    upstreams: [...upstreams.values()],
    routes,
    apiKeys: keyed ? [CALLER] : [],
    proxies,
  };
}

export const ingress: Importer = {
  kind: 'ingress',
  remedy: 'give what "kubectl get ingress --output yaml" prints',
  read,
};
