import type { Proxy } from '../../policy/types.ts';
import { areRangesOf } from '../../prove/addresses.ts';
import { CannotTell } from '../../prove/explore.ts';
import type { NginxDirective } from './liveConfig.ts';
import { CAPTURING, type Configuration } from './tables.ts';

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

type Block = readonly NginxDirective[];

const named = (block: Block, name: string) => block.filter((each) => each.name === name);

/** `8080`, `*:8080`, `[::]:8080` → "8080". A server without such a line listens on 80, or 8000 where it may not. */
function portsOf(block: Block): readonly string[] {
  const listens = named(block, 'listen').map(({ args: [where = ''] }) => where);
  if (listens.length === 0) return ['80', '8000'];
  return listens.map((where) => /^(?:.*:)?([0-9]+)$/.exec(where.replace(/\[.*\]/, '*'))?.[1] ?? '80');
}

/** Returns that server. Throws where requests to the proxy may not come to it, or not as the spec says. */
export function listeningServer(
  { servers }: Pick<Configuration, 'servers'>,
  proxy: Proxy,
  all: readonly Proxy[],
): NginxDirective {
  const own = serverOf({ servers }, proxy);
  const port = String(proxy.listen.port);
  const alike = all.filter(({ listen }) => listen.port === proxy.listen.port);
  const ofProxies = new Set(alike.map((each) => serverOf({ servers }, each)));
  const there = servers.filter(({ block = [] }) => portsOf(block).includes(port));
  const foreign = there.find((server) => !ofProxies.has(server));
  if (foreign) throw new CannotTell(`${foreign.file}:${foreign.line}: a server of no proxy listens on ${port}, too`);
  const block = own.block ?? [];
  if (proxy.hosts.length === 0 && there.length > 1 && !isDefault(block))
    throw new CannotTell(`proxy ${proxy.id} is not the default server of ${port}`);
  if (named(block, 'listen').some(({ args }) => args.includes('ssl') !== (proxy.tls !== undefined)))
    throw new CannotTell(`the server listens ${proxy.tls ? 'without' : 'with'} TLS`);
  for (const { args } of named(block, 'server_name'))
    for (const name of args)
      if (CAPTURING.test(name)) throw new CannotTell(`the server captures something of its name: ${name}`);
  for (const server of there) checkHeads(server.block ?? [], proxy);
  return own;
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
