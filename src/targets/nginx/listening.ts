import type { Proxy } from '../../policy/types.ts';
import { areRangesOf } from '../../prove/addresses.ts';
import { CannotTell } from '../../prove/explore.ts';
import type { NginxDirective } from './liveConfig.ts';
import type { Configuration } from './tables.ts';

/** Returns the server that listens on the proxy's address under the proxy's names. */
export function serverOf({ servers }: Pick<Configuration, 'servers'>, proxy: Proxy): NginxDirective {
  const found = servers.filter(({ block = [] }) => {
    const listens = block.some(({ name, args: [where = ''] }) => name === 'listen' && isWhere(where, proxy));
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

function isWhere(where: string, { listen: { address, port } }: Proxy): boolean {
  if (address === undefined) return where === `${port}` || where === `0.0.0.0:${port}`;
  return where === `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/**
 * The lines by which nginx takes $remote_addr from the PROXY protocol, if the spec wants it from the same proxies. For
 * all else the address is then that of a connection.
 */
export function withoutProxyProtocol(block: readonly NginxDirective[], { clientIp }: Proxy): readonly NginxDirective[] {
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

/** How a server is found among those of one socket. */
export interface Hosts {
  /** Whether it has the requests that none of them has a name for. */
  readonly isDefault: boolean;
  /** Names in small letters, as nginx compares them. */
  readonly own: ReadonlySet<string>;
  readonly ofOthers: ReadonlySet<string>;
}

/** Returns by which names requests come to a server of a proxy, which is known to listen on one socket. */
export function hostsOf({ servers }: Pick<Configuration, 'servers'>, server: NginxDirective): Hosts {
  const where = socketsOf(server)[0] ?? '';
  const rivals = servers.filter((each) => socketsOf(each).includes(where));
  const asked = rivals.find(({ block = [] }) => isDefault(block)) ?? rivals[0];
  const names = rivals.flatMap((each) => namesOf(each.block ?? []).map((name) => [name.toLowerCase(), each] as const));
  // The first server of a name has it.
  const first = new Map([...names].reverse());
  const [own, ofOthers] = [new Set<string>(), new Set<string>()];
  for (const [name, each] of first) (each === server ? own : ofOthers).add(name);
  return { isDefault: asked === server, own, ofOthers };
}

/** `0.0.0.0:80` and `*:80` are the socket `80`. */
function socketsOf({ block = [] }: NginxDirective): readonly string[] {
  return named(block, 'listen').map(({ args: [where = ''] }) => where.replace(/^(?:0[.]0[.]0[.]0|[*]):/, ''));
}

function namesOf(block: Block): readonly string[] {
  return named(block, 'server_name')
    .flatMap(({ args }) => args)
    .filter((name) => name !== NOBODY);
}

type Block = readonly NginxDirective[];

const named = (block: Block, name: string) => block.filter((each) => each.name === name);

interface Ports {
  readonly first: number;
  readonly last: number;
}

/**
 * `8080`, `*:8080`, `[::]:08080` → 8080, `8000-8100` → all of them. A server without such a line listens on 80, or 8000
 * where it may not.
 */
function portsOf(block: Block): readonly Ports[] {
  const listens = named(block, 'listen').map(({ args: [where = ''] }) => where);
  if (listens.length === 0) return [80, 8000].map((port) => ({ first: port, last: port }));
  return listens.filter((where) => !where.startsWith('unix:')).map(portsIn);
}

function portsIn(where: string): Ports {
  const [, port = '80', last = port] = /^(?:.*:)?([0-9]+)(?:-([0-9]+))?$/.exec(where.replace(/\[.*\]/, '*')) ?? [];
  return { first: Number(port), last: Number(last) };
}

const isAmong = (port: number, ports: readonly Ports[]) =>
  ports.some(({ first, last }) => first <= port && port <= last);

/** Returns that server. Throws where requests to the proxy may not come to it, or not as the spec says. */
export function listeningServer(
  { servers }: Pick<Configuration, 'servers'>,
  proxy: Proxy,
  all: readonly Proxy[],
): NginxDirective {
  const own = serverOf({ servers }, proxy);
  const { port } = proxy.listen;
  const alike = all.filter(({ listen }) => listen.port === port);
  const ofProxies = new Set(alike.map((each) => serverOf({ servers }, each)));
  const there = servers.filter(({ block = [] }) => isAmong(port, portsOf(block)));
  const foreign = there.find((server) => !ofProxies.has(server));
  if (foreign) throw new CannotTell(`${foreign.file}:${foreign.line}: a server of no proxy listens on ${port}, too`);
  const block = own.block ?? [];
  // Whoever comes another way may come as somebody else.
  const other = named(block, 'listen').find(({ args: [where = ''] }) => !isWhere(where, proxy));
  if (other) throw new CannotTell(`the server listens on ${other.args[0]}, too`);
  if (proxy.hosts.length === 0 && there.length > 1 && !isDefault(block))
    throw new CannotTell(`proxy ${proxy.id} is not the default server of ${port}`);
  if (named(block, 'listen').some(({ args }) => args.includes('ssl') !== (proxy.tls !== undefined)))
    throw new CannotTell(`the server listens ${proxy.tls ? 'without' : 'with'} TLS`);
  for (const server of there) {
    checkNames(server.block ?? []);
    checkHeads(server.block ?? [], proxy);
  }
  return own;
}

/** A name that no Host has. */
const NOBODY = '~^(?!)';

/**
 * Names that are expressions may take what comes to another server, and capture. The first name stands for that of a
 * request without Host.
 */
function checkNames(block: Block): void {
  const names = named(block, 'server_name').flatMap(({ args }) => args);
  const odd = names.find((name) => name.startsWith('~') && name !== NOBODY);
  if (odd !== undefined) throw new CannotTell(`a server has the name "${odd}"`);
  if (names.length > 0 && names[0] !== NOBODY)
    throw new CannotTell(`requests without Host are taken for those to ${names[0]}`);
}

const isDefault = (block: Block) => named(block, 'listen').every(({ args }) => args.includes('default_server'));

/** nginx refuses a line of a head that is larger than one of these buffers. The default server reads the first line. */
function checkHeads(block: Block, { maxRequestHead }: Proxy): void {
  const [count = '4', size = '8k'] = named(block, 'large_client_header_buffers').at(-1)?.args ?? [];
  const [, digits = '', unit = ''] = /^([0-9]+)([km]?)$/i.exec(size) ?? [];
  const bytes = Number(digits || Number.NaN) * 1024 ** ' km'.indexOf(unit.toLowerCase() || ' ');
  if (!(Number(count) >= 2 && bytes >= maxRequestHead))
    throw new CannotTell(`large_client_header_buffers ${count} ${size} may be too small for heads of the spec`);
}
