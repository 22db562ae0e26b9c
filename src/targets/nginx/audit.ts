import type { ImportFile, ImportProblem } from '../../import/draft.ts';
import type { Auditable, Audited, AuditPorts } from '../target.ts';
import { factsOf } from './importFacts.ts';
import { Listeners, type Socket, socketsOf } from './importListen.ts';
import { nginxTree, type Written } from './importTree.ts';

/**
 * Directives that are left out: they need root, name files outside of the folder, or do not change which requests get
 * through.
 */
const DROPPED = new Set(
  `listen user pid error_log access_log daemon worker_processes load_module include mime.types resolver root ssl_certificate
  ssl_certificate_key ssl_dhparam ssl_trusted_certificate ssl_client_certificate ssl_stapling ssl_stapling_verify ssl_session_cache
  log_format http2 proxy_ssl_certificate proxy_ssl_certificate_key proxy_ssl_trusted_certificate proxy_ssl_verify
  client_body_temp_path proxy_temp_path proxy_cache_path limit_req limit_conn stream`.split(/\s+/),
);

/** A socket in front of a path, as in `http://unix:/run/app.sock:/path`. */
const UNIX_ORIGIN = /^https?:\/\/unix:[^:]*:?/;
const URL_ORIGIN = /https?:\/\/(\[[^\]]+\]|[^/$:]+)(:\d+)?/;

/**
 * Returns the same configuration for a trial on loopback: requests from 127.0.0.1 are admitted, and every upstream is
 * the recording one. Each socket becomes a port, so that servers of one name stay apart, and the default of each stays.
 */
export function audited(files: readonly ImportFile[]): Auditable | ImportProblem {
  const tree = nginxTree(files);
  if ('problem' in tree) return tree;
  const http = tree.directives.find(({ name }) => name === 'http')?.block ?? tree.directives;
  const sockets = [...new Set(serversIn(http).flatMap((server) => socketsOf(server).map(({ socket }) => socket)))];
  return { sockets: sockets.length, moveTo: (ports) => moved(http, sockets, ports) };
}

function moved(http: readonly Written[], sockets: readonly string[], ports: AuditPorts): Audited {
  const { keys, upstreams } = factsOf(http);
  const portOf = (socket: string) => ports.listen[sockets.indexOf(socket)] ?? 0;
  const inner = changed(http, { upstream: ports.upstream, portOf, upstreams: new Set(upstreams.keys()) });
  const text = `worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
access_log off;
client_body_temp_path temp_body; proxy_temp_path temp_proxy; fastcgi_temp_path temp_fcgi; uwsgi_temp_path temp_uwsgi; scgi_temp_path temp_scgi;
${inner}}
`;
  const [map] = keys.values();
  const [entry] = map?.entries ?? [];
  const all = serversIn(http);
  const forwarding = all.some(forwards) ? all.filter(forwards) : all;
  const listeners = new Listeners(all);
  const asked = forwarding.filter((server) => isReached(server, listeners));
  return {
    files: [{ path: 'nginx.conf', text }],
    ...(map && entry && { credential: { header: map.header.replaceAll('_', '-'), value: entry.key } }),
    servers: asked.map((server) => ({ port: portOf(socketOf(server)), host: hostOf(server) ?? '127.0.0.1' })),
    unasked: forwarding
      .filter((server) => !asked.includes(server))
      .map((server) => `${server.file}:${server.line}: server at ${socketOf(server)}`),
  };
}

/** Whether a request leads to a server for sure: by a name, or because it is the default of its socket. */
function isReached(server: Written, listeners: Listeners): boolean {
  const socket = socketOf(server);
  return hostOf(server) !== undefined || listeners.defaultOf(socket) === server;
}

/** The socket that a server is asked at; it does the same at each. */
function socketOf(server: Written): string {
  return socketsOf(server)[0]?.socket ?? '';
}

function serversIn(http: readonly Written[]): readonly Written[] {
  return http.filter(({ name }) => name === 'server');
}

function forwards({ name, block = [] }: Written): boolean {
  return name.endsWith('_pass') || block.some(forwards);
}

/** Returns a name that leads to a server: the first that is written out, else one below a wildcard. */
function hostOf({ block = [] }: Written): string | undefined {
  const names = block.filter(({ name }) => name === 'server_name').flatMap(({ args }) => args);
  const [whole] = names.filter((name) => /^[A-Za-z0-9.-]+$/.test(name));
  const [below] = names.filter((name) => /^\*?\.[A-Za-z0-9.-]+$/.test(name));
  return whole?.replace(/^\./, '') ?? below?.replace(/^\*?\./, 'any.');
}

interface Context {
  /** Port of the upstream that records requests. */
  readonly upstream: number;
  readonly portOf: (socket: string) => number;
  readonly upstreams: ReadonlySet<string>;
}

function changed(block: readonly Written[], context: Context): string {
  const admits = block.some(({ name }) => name === 'allow');
  const own = block.map((one) => directive(one, context)).join('');
  return `${admits ? 'allow 127.0.0.1;\n' : ''}${own}`;
}

function directive(one: Written, context: Context): string {
  const { name, args, block } = one;
  if (DROPPED.has(name)) return '';
  if (name === 'upstream') return `${printed(name, args)} {\nserver 127.0.0.1:${context.upstream};\n}\n`;
  if (name === 'geo' && block) {
    const [first] = block.filter((row) => row.name !== 'default' && row.name !== 'ranges');
    const mine =
      block.some((row) => row.name.startsWith('127.')) || !first
        ? ''
        : printed('127.0.0.1/32', first.args).concat(';\n');
    return `${printed(name, args)} {\n${block.map((row) => `${printed(row.name, row.args)};\n`).join('')}${mine}}\n`;
  }
  const shown = name === 'proxy_pass' || name === 'set' ? args.map((arg) => redirected(arg, context)) : args;
  if (!block) return `${printed(name, shown)};\n`;
  const inner =
    name === 'server'
      ? socketsOf(one)
          .map((at) => listen(at, context))
          .join('')
      : '';
  return `${printed(name, args)} {\n${inner}${name === 'map' ? block.map((row) => `${printed(row.name, row.args)};\n`).join('') : changed(block, context)}}\n`;
}

/** Without TLS: what gets through is the same. */
function listen({ socket, isDefault }: Socket, { portOf }: Context): string {
  return `listen 127.0.0.1:${portOf(socket)}${isDefault ? ' default_server' : ''};\n`;
}

function redirected(arg: string, { upstream, upstreams }: Context): string {
  const moved = arg.replace(UNIX_ORIGIN, `http://127.0.0.1:${upstream}`);
  return moved.replace(URL_ORIGIN, (_, host: string) =>
    upstreams.has(host) ? `http://${host}` : `http://127.0.0.1:${upstream}`,
  );
}

function printed(name: string, args: readonly string[]): string {
  return [name, ...args].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(word) ? word : `"${word.replace(/[\\"]/g, '\\$&')}"`;
}
