import { type CidrSet, parseCidr, sameAddresses, toCidrs, unionOf } from '../policy/cidr.ts';
import { grouped } from '../policy/grouped.ts';
import { parsePattern } from '../policy/pattern.ts';
import { parseDocument } from '../source/document.ts';
import type { LocatedDocument } from '../source/span.ts';
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

interface Reading {
  readonly ways: Way[];
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
/** Annotations that change the path. A spec forwards the path that it matched, so it would ask for something else. */
const REWRITES = ['rewrite-target', 'use-regex', 'app-root', 'configuration-snippet', 'server-snippet'];
const HARMLESS = ['ssl-redirect', 'force-ssl-redirect', 'backend-protocol', 'proxy-body-size', ...RANGES];

/** Returns a spec that allows no more than some Ingresses with the annotations of ingress-nginx. */
function read(files: readonly ImportFile[]): Imported | ImportProblem {
  const reading: Reading = { ways: [], notCarriedOver: [] };
  for (const file of files) {
    const found = ingressesIn(file);
    if ('problem' in found) return found;
    for (const ingress of found) readIngress(ingress, reading);
  }
  const { ways, notCarriedOver } = reading;
  const carried = ways.filter((way) => keepsApart(way, ways, notCarriedOver));
  if (carried.length === 0)
    return { file: files[0]?.name ?? '', line: 1, problem: 'no Ingress in it forwards anything that a spec can allow' };
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
    const lineOf = (path: Path) => before + lineIn(part, document, path);
    const items = memberOf(document.value, 'items');
    const all = Array.isArray(items) ? items.map((value, index) => ({ value, at: ['items', index] })) : [];
    for (const { value, at } of [{ value: document.value, at: [] as Path }, ...all])
      if (memberOf(value, 'kind') === 'Ingress')
        found.push({ value, file, lineOf: (path) => lineOf([...at, ...path]) });
  }
  return found.length > 0 ? found : { file, line: 1, problem: 'it holds no Ingress' };
}

function lineIn(text: string, document: LocatedDocument, path: Path): number {
  return text.slice(0, document.locate(path, 'key').start).split('\n').length;
}

function readIngress(ingress: Ingress, { ways, notCarriedOver }: Reading): void {
  const { value, file, lineOf } = ingress;
  const lose = (path: Path, what: string, reason: string) =>
    void notCarriedOver.push({ file, line: lineOf(path), what, reason });
  const metadata = memberOf(value, 'metadata');
  const namespace = memberOf(metadata, 'namespace');
  const annotations = annotationsOf(memberOf(metadata, 'annotations'));
  const settings = settingsOf(annotations, (name, reason) =>
    lose(['metadata', 'annotations', `${ANNOTATIONS}${name}`], name, reason),
  );
  const spec = memberOf(value, 'spec');
  if (memberOf(spec, 'tls') !== undefined)
    lose(['spec', 'tls'], 'tls', 'its certificates are secrets of the cluster: name files under tls of the proxy');
  if (memberOf(spec, 'defaultBackend') !== undefined)
    lose(['spec', 'defaultBackend'], 'defaultBackend', 'whatever no path names is refused');
  for (const [index, rule] of listOf(memberOf(spec, 'rules')).entries()) {
    const host = memberOf(rule, 'host');
    for (const [number, path] of listOf(memberOf(memberOf(rule, 'http'), 'paths')).entries()) {
      const at = ['spec', 'rules', index, 'http', 'paths', number];
      const place = { host: typeof host === 'string' ? host.toLowerCase() : '', namespace, settings };
      const way = wayOf(path, place);
      if (typeof way === 'string') lose(at, 'path', way);
      else {
        ways.push({ ...way, file, line: lineOf(at) });
        if (memberOf(path, 'pathType') === 'ImplementationSpecific')
          lose(at, 'pathType', 'only whole segments are taken for its path, not texts that begin like it');
      }
    }
  }
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
  for (const name of annotations.keys()) {
    if (REWRITES.includes(name)) {
      problem = `${name} changes what is asked for, and a spec forwards what it matched`;
      lose(name, 'paths are forwarded as they came in, so nothing of this Ingress is carried over');
    } else if (AUTHENTICATION.includes(name)) lose(name, 'callers need a key of the spec instead');
    else if (!HARMLESS.includes(name)) lose(name, 'a spec has no such setting, or another way to say it');
  }
  const listed = RANGES.flatMap((name) => annotations.get(name)?.split(',') ?? []).map((text) => text.trim());
  const parsed = listed.filter((text) => text !== '').map((text) => parseCidr(text));
  const bad = parsed.find((one) => typeof one === 'string');
  if (bad !== undefined) problem = 'an address of its source range is none';
  const ranges = parsed.flatMap((one) => (typeof one === 'string' ? [] : [one]));
  const protocol = annotations.get('backend-protocol')?.toUpperCase() ?? 'HTTP';
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') problem = `an upstream speaks HTTP, not ${protocol}`;
  const [, size, unit = ''] = /^([1-9]\d{0,5})([kKmMgG])$/.exec(annotations.get('proxy-body-size') ?? '') ?? [];
  return {
    keyed: AUTHENTICATION.some((name) => annotations.has(name)),
    ranges: ranges.length === 0 ? undefined : unionOf(ranges),
    maxBody:
      size === undefined ? undefined : `${size}${unit === 'k' || unit === 'K' ? 'kB' : `${unit.toUpperCase()}B`}`,
    scheme: protocol.toLowerCase(),
    problem,
  };
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
  const [path, type] = [memberOf(entry, 'path') ?? '/', memberOf(entry, 'pathType')];
  const service = memberOf(memberOf(entry, 'backend'), 'service');
  const [name, port] = [memberOf(service, 'name'), memberOf(memberOf(service, 'port'), 'number')];
  if (typeof name !== 'string' || !LABEL.test(name)) return 'only services are upstreams';
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535)
    return `the port of "${name}" is a name, which only the cluster can look up: write its number`;
  const text = typeof path === 'string' ? path.replace(/(?<=.)\/$/, '') : '';
  if (/[{}*()[\]$^|\\+?]/.test(text) || 'problem' in parsePattern(text))
    return 'its path is an expression, or no path as it goes over the wire';
  const space = typeof namespace === 'string' && LABEL.test(namespace) ? namespace : 'default';
  const { keyed, ranges, maxBody, scheme } = settings;
  const exact = type === 'Exact';
  const upstream = `${scheme}://${name}.${space}.svc.cluster.local:${port}`;
  return { host, path: exact && typeof path === 'string' ? path : text, exact, upstream, keyed, maxBody, ranges };
}

/**
 * Returns whether a spec can hold a path beside all others. In an Ingress the longest path wins; in a spec, access is
 * the union of all patterns. So `/` is left out if `/api` below it goes to another upstream.
 */
function keepsApart(way: Way, all: readonly Way[], notCarriedOver: NotCarried[]): boolean {
  const { host, path, file, line } = way;
  const same = all.filter((other) => other !== way && other.host === host);
  const lose = (reason: string): false => {
    notCarriedOver.push({ file, line, what: `path ${path}`, reason });
    return false;
  };
  const first = all.find((other) => other.host === host);
  if (first && !alike(first.ranges, way.ranges)) return lose('another path of its host admits other addresses');
  const isInside = (other: Way) =>
    !way.exact && (path === '/' || other.path === path || other.path.startsWith(`${path}/`));
  const rival = same.find((other) => isInside(other) && !goesTheSameWay(other, way));
  if (!rival) return true;
  if (rival.path === path && !rival.exact && all.indexOf(way) < all.indexOf(rival)) return true;
  return lose(`${rival.path} below it goes elsewhere: list the paths that are meant`);
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
    head: ['Imported from Ingresses of ingress-nginx. It allows nothing that they refused or sent elsewhere.'],
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
