import type { Proxy } from '../../policy/types.ts';
import { areRangesOf } from '../../prove/addresses.ts';
import { CannotTell } from '../../prove/explore.ts';
import { argsOf, type Line, nameOf } from './caddyfile.ts';
import { type Condition, type Handler, handlersOf, type Matcher, matchersOf } from './handlers.ts';
import { bindOf } from './server.ts';

export interface SiteRoute {
  readonly condition: Condition;
  readonly handlers: readonly Handler[];
  /** Whether what comes here is another proxy's business. */
  readonly isOfAnother: boolean;
}

/** Where a proxy listens, and what happens there. */
export interface Site {
  readonly routes: readonly SiteRoute[];
  /** Those of the proxy. */
  readonly own: readonly Handler[];
  readonly errors: readonly Handler[] | undefined;
  /** Larger heads are refused before anything else. */
  readonly headLimit: { readonly bytes: number; readonly place: string };
}

const INERT_GLOBAL =
  /^(?:admin|persist_config|storage|storage_clean_interval|skip_install_trust|auto_https|grace_period|log)$/;
const INERT_SERVER = /^(?:name|timeouts|listener_wrappers)$/;

export function siteOf(lines: readonly Line[], proxy: Proxy, all: readonly Proxy[]): Site {
  const { port } = proxy.listen;
  const bind = bindOf(proxy.listen);
  const global = lines.filter(({ words }) => words.length === 0);
  const sites = lines.filter(({ words }) => words.length > 0);
  const found = sites.filter((line) => isSiteOf(line, proxy));
  // Whatever address it is bound to, such as one more of this machine.
  const others = sites.filter((line) => !all.some((each) => isSiteOf(line, each)) && mayListenOn(line, port));
  const [own] = found;
  if (!own?.block || found.length > 1 || others.length > 0)
    throw new CannotTell(`no site, or more than one, is proxy ${proxy.id}`);
  return { ...contentOf(own.block, proxy, all), headLimit: headLimitOf(global, `${bind}:${port}`, proxy) };
}

function isSiteOf(line: Line, { listen, tls }: Proxy): boolean {
  const name = `${tls ? 'https' : 'http'}://:${listen.port}`;
  return nameOf(line) === name && line.words.length === 1 && boundTo(line) === bindOf(listen);
}

/** What is read in an address of a site: a scheme, a name, a port, and a path. */
const ADDRESS = /^(?:(https?):\/\/)?(?:[A-Za-z0-9.*_-]*|\[[0-9A-Fa-f:.]*\])(?::([0-9]+))?(?:\/.*)?$/i;
/** Ports of what has none. */
const USUAL_PORTS: Readonly<Record<string, readonly number[]>> = { http: [80], https: [443] };

/** Whether one of the addresses of a site, whose names are separated by blanks or commas, may be of a port. */
function mayListenOn({ words }: Line, port: number): boolean {
  return words
    .flatMap(({ text }) => text.split(','))
    .filter((text) => text !== '')
    .some((text) => {
      const [whole, scheme = '', own] = ADDRESS.exec(text) ?? [];
      if (whole === undefined) return true;
      return own === undefined ? (USUAL_PORTS[scheme.toLowerCase()] ?? [80, 443]).includes(port) : Number(own) === port;
    });
}

function boundTo({ block = [] }: Line): string | undefined {
  const binds = block.filter((line) => nameOf(line) === 'bind').flatMap(argsOf);
  return binds.length === 1 ? binds[0] : undefined;
}

/** Default of Go, and how many bytes more it reads. */
const [USUAL_HEAD, MORE] = [1024 ** 2, 4096];

function headLimitOf(global: readonly Line[], listener: string, proxy: Proxy): Site['headLimit'] {
  const options = global.flatMap(({ block = [] }) => block);
  for (const line of options)
    if (nameOf(line) !== 'servers' && !INERT_GLOBAL.test(nameOf(line)))
      throw new CannotTell(`${line.place} has "${nameOf(line)}"`);
  checkAdmin(options);
  const servers = options.filter(
    (line) => nameOf(line) === 'servers' && (argsOf(line).length === 0 || argsOf(line).includes(listener)),
  );
  const [server] = servers;
  if (!server?.block || servers.length > 1 || global.length > 1)
    throw new CannotTell(`there are no options of ${listener}, or too many`);
  let limit: Site['headLimit'] | undefined;
  // Without TLS, only h2c would be another protocol.
  let isPlain = !proxy.tls;
  checkWrappers(server, proxy);
  for (const line of server.block) {
    const [value = ''] = argsOf(line);
    if (nameOf(line) === 'max_header_size' && /^[0-9]+$/.test(value))
      limit = { bytes: Number(value) + MORE, place: `${line.place} "max_header_size ${value}"` };
    else if (nameOf(line) === 'protocols') isPlain = argsOf(line).join() === 'h1';
    else if (!INERT_SERVER.test(nameOf(line))) throw new CannotTell(`${line.place} has "${nameOf(line)}"`);
  }
  if (!isPlain) throw new CannotTell(`${server.place}: another protocol`);
  return limit ?? { bytes: USUAL_HEAD + MORE, place: `${server.place} "servers"` };
}

/** A socket of the user that Caddy runs as; others may write into it only where its mode says so. */
const OWN_SOCKET = /^unix\/[^|]*(?:[|]0?[0-7]00)?$/;

/** Whoever reaches the admin API changes all that is proved. */
function checkAdmin(options: readonly Line[]): void {
  const [line, ...more] = options.filter((each) => nameOf(each) === 'admin');
  const where = line ? argsOf(line).join(' ') : 'localhost:2019';
  if (more.length > 0 || line?.block || !(where === 'off' || OWN_SOCKET.test(where)))
    throw new CannotTell(`${line?.place ?? 'the Caddyfile'}: the admin API is open at ${where}, where others may come`);
}

/** Caddy takes the peer from the PROXY protocol, if and only if the spec wants it, and from the same proxies. */
function checkWrappers({ block = [], place }: Line, { clientIp }: Proxy): void {
  const wrappers = block.filter((line) => nameOf(line) === 'listener_wrappers');
  if (wrappers.length === 0 && clientIp.kind !== 'proxyProtocol') return;
  const [protocol, ...others] = wrappers.flatMap((line) => line.block ?? []);
  const lines = protocol && nameOf(protocol) === 'proxy_protocol' ? (protocol.block ?? []) : [];
  const sources = lines.filter((line) => nameOf(line) === 'allow').flatMap(argsOf);
  const isSame =
    clientIp.kind === 'proxyProtocol' &&
    wrappers.length === 1 &&
    others.every((line) => nameOf(line) === 'tls' && !line.block && argsOf(line).length === 0) &&
    lines.every((line) => /^(?:timeout|allow)$/.test(nameOf(line))) &&
    areRangesOf(sources, clientIp.trusted);
  if (!isSame)
    throw new CannotTell(`${place} does not take the PROXY protocol from the trusted proxies, or from others`);
}

function contentOf(block: readonly Line[], proxy: Proxy, all: readonly Proxy[]): Omit<Site, 'headLimit'> {
  const matchers = matchersOf(block, new Map());
  const others = all.filter((each) => each !== proxy && isSameListener(each, proxy));
  const routes: SiteRoute[] = [];
  let errors: readonly Handler[] | undefined;
  for (const line of block) {
    const [first, ...more] = argsOf(line);
    const name = nameOf(line);
    if (name.startsWith('@') || name === 'bind' || name === 'tls' || name === 'log') continue;
    if (name === 'handle_errors' && first === undefined && line.block && !errors) {
      errors = errorHandlersOf(line.block);
      continue;
    }
    const condition = first === undefined ? [] : matchers.get(first);
    if (name !== 'route' || !line.block || more.length > 0 || !condition)
      throw new CannotTell(`${line.place} has "${name}"`);
    // Caddy puts those without a condition last.
    if (routes.some((route) => route.condition.length === 0))
      throw new CannotTell(`${line.place}: a route behind the last`);
    const handlers = handlersOf(line.block, matchers);
    routes.push({ condition, handlers, isOfAnother: others.some((each) => isFor(condition, each)) });
  }
  const own = routes.filter(({ condition }) => isFor(condition, proxy));
  if (own.length !== 1) throw new CannotTell(`no route, or more than one, is proxy ${proxy.id}`);
  return { routes, own: own[0]?.handlers ?? [], errors };
}

/** Outside of a route, Caddy runs handlers in an order of its own. */
function errorHandlersOf(block: readonly Line[]): readonly Handler[] {
  const [, second] = block.filter((line) => !nameOf(line).startsWith('@'));
  if (second) throw new CannotTell(`${second.place}: more than one handler of errors`);
  return handlersOf(block, new Map());
}

function isSameListener(one: Proxy, other: Proxy): boolean {
  return one.listen.port === other.listen.port && bindOf(one.listen) === bindOf(other.listen);
}

/** Whether a route is that of a proxy. What comes to a route of none is everybody's to refuse. */
function isFor(condition: Condition, { hosts }: Proxy): boolean {
  if (condition.length === 0) return hosts.length === 0;
  const names = condition
    .filter((matcher) => !looksAtHost(matcher))
    .flatMap((matcher) => (matcher.kind === 'host' ? matcher.names : ['*']));
  const plain = new Set(names.map((name) => name.replace(/[.]$/, '')));
  return [...plain].sort().join() === hosts.join();
}

/** Beside the names, such as at what stands behind them. */
function looksAtHost(matcher: Matcher): boolean {
  if (matcher.kind === 'not') return matcher.all.every(looksAtHost);
  return (matcher.kind === 'header' || matcher.kind === 'header_regexp') && matcher.key === 'host';
}
