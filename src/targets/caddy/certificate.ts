import { accessOf, healthOf, isOpen, isRoute, type RouteClass, rulesOf } from '../../policy/access.ts';
import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import type { PathPattern, PatternSegment } from '../../policy/pattern.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { CannotTell } from '../../prove/explore.ts';
import { canonical } from '../../source/value.ts';
import { argsOf, type CaddyFile, type Line, nameOf, parse, SECRETS } from './caddyfile.ts';

/** A line word for word: its words, and last a list of lines where it has a block. */
type Quote = readonly (string | readonly Quote[])[];

type Ranges = 'any' | readonly string[];

/** What a request is answered with, or where it goes. */
interface Treatment {
  /** Set where no key is asked for. */
  readonly isOpen?: true;
  /** Set where it is not the addresses of the proxy. */
  readonly from?: Ranges;
  /** The words that stand for it in quoted tables. */
  readonly classes: readonly string[];
  /** The directive that ends it: an answer, or an upstream and the last line of its block. */
  readonly leads: readonly string[];
}

type Row = readonly [methods: string, path: string, treatment: string, group: string];

interface ProxyCertificate {
  /** The addresses of its site, and what it binds to. */
  readonly names: readonly (string | Quote)[];
  readonly from: Ranges;
  /** Set where proxies in front tell the client's address: in which header, and who these are. */
  readonly client?: { readonly header: string; readonly trusted: readonly string[] };
  readonly usesKeys: boolean;
  readonly methodNotAllowed: string;
  readonly rows: readonly Row[];
  readonly treatments: Readonly<Record<string, Treatment>>;
}

export interface Certificate {
  readonly certificate: 'postern caddy 1';
  readonly keys: readonly { readonly id: string; readonly groups: readonly string[]; readonly from: Ranges }[];
  readonly proxies: readonly ProxyCertificate[];
  /** The sites of domain rewrites, on other ports than the proxies. Nothing is said of them. */
  readonly beside: readonly ProxyCertificate['names'][];
  readonly around: readonly Quote[];
}

/** The tables that the checker follows, so that they are not quoted. */
const FOLLOWED: ReadonlySet<string> = new Set([
  '{request.row}',
  '{request.route}',
  '{caller.class}',
  '{decision.pass}',
  '{decision.reason}',
  '{decision.status}',
  '{decision.allow}',
]);

/** Writes down what a Caddyfile decides for each proxy, in rows that a checker can compare with it. */
export function certify(policy: Policy, files: readonly CaddyFile[]): Certificate {
  const lines = inlined(files);
  const isSite = ({ words }: Line) => words.length > 0 && !/^\(/.test(words[0]?.text ?? '');
  const sites = lines.filter(isSite);
  for (const each of policy.proxies) refuseUncovered(policy, each);
  if (policy.proxies.length === 0) throw notCovered('a spec without proxies');
  const own = policy.proxies.map((proxy) => [proxy, siteOf(proxy, sites)] as const);
  const others = sites.filter((site) => own.every(([, each]) => each !== site));
  const ports = new Set(own.flatMap(([, site]) => portsOf(site)));
  if (others.some((site) => portsOf(site).some((port) => ports.has(port))))
    throw notCovered('ports with several names');
  return {
    certificate: 'postern caddy 1',
    keys: policy.apiKeys.map(({ id, groups, ranges }) => ({ id, groups, from: rangesOf(ranges) })),
    proxies: own.map(([proxy, site]) => proxyCertificate(proxy, site)),
    beside: others.map(namesOf),
    around: lines.map(quoteOf),
  };
}

const notCovered = (what: string) => new CannotTell(`a certificate of Caddy's files does not cover ${what}`);

/** Keys up to this number have one table. */
const MOST_KEYS = 256;

/** Longer lists of addresses are in tables of their own. */
const MOST_RANGES = 300;

function refuseUncovered({ apiKeys }: Policy, { cors, hosts, ranges }: Proxy): void {
  if (cors) throw notCovered('pages of other origins ("cors")');
  if (hosts.length > 0) throw notCovered('names of proxies ("hosts")');
  const sets = [ranges, ...apiKeys.flatMap((key) => key.ranges ?? [])];
  if (sets.some((set) => toCidrs(set).length > MOST_RANGES)) throw notCovered(`more than ${MOST_RANGES} addresses`);
  if (apiKeys.some(({ expires }) => expires !== undefined)) throw notCovered('keys that expire');
  if (apiKeys.length > MOST_KEYS) throw notCovered(`more than ${MOST_KEYS} keys`);
}

function siteOf({ id, listen }: Proxy, sites: readonly Line[]): Line {
  const own = sites.filter(({ words, block = [] }) => {
    const isHandler = (line: Line): boolean =>
      (nameOf(line) === 'vars' && (argsOf(line).join(' ') === `proxy ${id}` || hasProxy(line))) ||
      (line.block ?? []).some(isHandler);
    const hasProxy = ({ block: inner = [] }: Line) =>
      inner.some((line) => nameOf(line) === 'proxy' && argsOf(line)[0] === id);
    return words.every(({ text }) => text.endsWith(`:${listen.port}`)) && block.some(isHandler);
  });
  const [site] = own;
  if (!site || own.length > 1) throw new CannotTell(`there is not one site for proxy ${id}`);
  return site;
}

function proxyCertificate(proxy: Proxy, site: Line): ProxyCertificate {
  const { clientIp } = proxy;
  const access = accessOf(proxy);
  if (!access) throw new CannotTell('the patterns overlap in too many ways');
  const handlers = site.block?.find((line) => nameOf(line) === 'route')?.block ?? [];
  const treatments = new Map<string, Treatment>();
  const nameIn = new Map<string, string>();
  for (const each of access.classes) {
    const own = each.kind === 'forward' ? canonical(each.forwarding) : each.id;
    const name = nameIn.get(own) ?? each.id;
    nameIn.set(own, name);
    const { classes = [] } = treatments.get(name) ?? {};
    const open = isOpen(each) || !access.usesKeys;
    const leads = leadsOf(each, handlers);
    const health = healthOf(each);
    treatments.set(name, {
      ...(open && { isOpen: true as const }),
      ...(health && { from: rangesOf(health.ranges) }),
      classes: [...classes, each.id],
      leads,
    });
  }
  const rows = rulesOf(proxy).flatMap((rule): readonly Row[] => {
    const own = access.classes.find((each) =>
      each.kind === 'forward'
        ? isRoute(rule) && canonical(each.forwarding) === canonical(rule.forwarding)
        : each.answer === rule,
    );
    // An answer that others of the spec come before everywhere has no class, and says nothing.
    if (!own) throw notCovered('a rule that no request comes to');
    const name = nameIn.get(own.kind === 'forward' ? canonical(own.forwarding) : own.id) ?? '';
    const group = isRoute(rule) && !treatments.get(name)?.isOpen ? rule.group : '';
    return pathsOf(rule.pattern).map((path) => [rule.methods.join(' '), path, name, group]);
  });
  return {
    names: namesOf(site),
    from: rangesOf(proxy.ranges),
    ...(clientIp.kind === 'header' && { client: { header: clientIp.header, trusted: toCidrs(clientIp.trusted) } }),
    usesKeys: access.usesKeys,
    methodNotAllowed: String(proxy.methodNotAllowed),
    rows,
    treatments: Object.fromEntries(treatments),
  };
}

/** Returns the directive that ends requests of a class. */
function leadsOf({ id }: RouteClass, handlers: readonly Line[]): readonly string[] {
  const matchers = handlers.filter(
    (line) => nameOf(line).startsWith('@') && [line, ...(line.block ?? [])].some((each) => isOfClass(each, id)),
  );
  const names = new Set(matchers.map(nameOf));
  for (const { words, block = [] } of handlers) {
    const [name = '', matcher = '', ...args] = words.map(({ text }) => text);
    if (!names.has(matcher)) continue;
    if (name === 'respond') return [name, ...args];
    if (name === 'reverse_proxy') return [name, ...args, ...(block.at(-1)?.words.map(({ text }) => text) ?? [])];
  }
  throw new CannotTell(`nothing answers requests of "${id}"`);
}

function isOfClass({ words }: Line, id: string): boolean {
  const texts = words.map(({ text }) => text);
  const at = texts.indexOf('vars');
  return at >= 0 && at <= 1 && texts[at + 1] === 'route' && texts.slice(at + 2).includes(id);
}

function portsOf({ words }: Line): readonly string[] {
  return words.map(({ text }) => /:(\d+)$/.exec(text)?.[1] ?? text);
}

function namesOf({ words, block = [] }: Line): ProxyCertificate['names'] {
  return [words.map(({ text }) => text), ...block.filter((line) => nameOf(line) === 'bind').map(quoteOf)];
}

function rangesOf(set: CidrSet | undefined): Ranges {
  const cidrs = set ? toCidrs(set) : [];
  const isAny = !set || (cidrs.includes('0.0.0.0/0') && cidrs.includes('::/0'));
  return isAny ? 'any' : cidrs;
}

/** Returns the paths of a pattern with its lists written out, and its parameters by type. */
function pathsOf({ segments }: PathPattern): readonly string[] {
  return segments.reduce<readonly string[]>(
    (paths, segment) => paths.flatMap((path) => partsOf(segment).map((part) => `${path}/${part}`)),
    [''],
  );
}

function partsOf(segment: PatternSegment): readonly string[] {
  if (segment.kind === 'literal') return [segment.text];
  if (segment.kind === 'choice') return segment.values;
  return [segment.kind === 'rest' ? `{${segment.type}*}` : `{${segment.type}}`];
}

// The files as the checker reads them.

function quoteOf({ words, block }: Line): Quote {
  const texts = words.map(({ text }) => text);
  if (!block || (texts[0] === 'map' && FOLLOWED.has(texts[2] ?? ''))) return texts;
  return [...texts, block.map(quoteOf)];
}

/** Puts files in the place of their imports. Those of snippets and secrets stay. */
function inlined(files: readonly CaddyFile[]): readonly Line[] {
  const texts = new Map(files.map(({ path, text }) => [path.replace(/^.*\//, ''), text]));
  const read = (name: string) => {
    const text = texts.get(name);
    if (text === undefined) throw new CannotTell(`${name} is not there`);
    return parse(text, name);
  };
  const main = read('Caddyfile');
  const snippets = new Set(main.map((line) => /^\((.+)\)$/.exec(nameOf(line))?.[1]));
  const fill = (line: Line): readonly Line[] => {
    const [name = ''] = argsOf(line);
    if (nameOf(line) === 'import' && name !== SECRETS && !snippets.has(name)) return read(name);
    return [line.block ? { ...line, block: line.block.flatMap(fill) } : line];
  };
  return main.flatMap(fill);
}
