import type { ImportFile, ImportProblem } from '../../import/draft.ts';
import type { Audited, AuditPorts } from '../target.ts';
import { factsOf } from './importFacts.ts';
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

const URL_ORIGIN = /https?:\/\/(\[[^\]]+\]|[^/$:]+)(:\d+)?/;

/**
 * Returns the same configuration for a trial on loopback: requests from 127.0.0.1 are admitted, and every upstream is
 * the recording one. Beside it are a key and a host name that it accepts, if any.
 */
export function audited(files: readonly ImportFile[], ports: AuditPorts): Audited | ImportProblem {
  const tree = nginxTree(files);
  if ('problem' in tree) return tree;
  const http = tree.directives.find(({ name }) => name === 'http') ?? {
    name: 'http',
    args: [],
    file: '',
    line: 1,
    block: tree.directives,
  };
  const { keys, upstreams } = factsOf(http.block ?? []);
  const [map] = keys.values();
  const context: Context = { ports, upstreams: new Set(upstreams.keys()) };
  const served = { ...http, block: forwardingOnly(http.block ?? []) };
  const inner = changed(served.block, context);
  const text = `worker_processes 1;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
access_log off;
client_body_temp_path temp_body; proxy_temp_path temp_proxy; fastcgi_temp_path temp_fcgi; uwsgi_temp_path temp_uwsgi; scgi_temp_path temp_scgi;
${inner}}
`;
  const [entry] = map?.entries ?? [];
  return {
    files: [{ path: 'nginx.conf', text }],
    ...(map && entry && { credential: { header: map.header.replaceAll('_', '-'), value: entry.key } }),
    host: hostOf(served),
  };
}

/**
 * Leaves out servers that forward nothing, if others do. A server that only redirects to https often has the same name,
 * and nginx ignores the second of two servers with one name and port.
 */
function forwardingOnly(http: readonly Written[]): readonly Written[] {
  const isIdle = (one: Written) => one.name === 'server' && !forwards(one);
  return http.some((one) => one.name === 'server' && forwards(one)) ? http.filter((one) => !isIdle(one)) : http;
}

function forwards({ name, block = [] }: Written): boolean {
  return name.endsWith('_pass') || block.some(forwards);
}

function hostOf(http: Written): string | undefined {
  const servers = (http.block ?? []).filter(({ name }) => name === 'server');
  const names = servers.flatMap(({ block = [] }) =>
    block.filter(({ name }) => name === 'server_name').flatMap(({ args }) => args),
  );
  return names.find((name) => /^[A-Za-z0-9.-]+$/.test(name) && name !== '_');
}

interface Context {
  readonly ports: AuditPorts;
  readonly upstreams: ReadonlySet<string>;
}

function changed(block: readonly Written[], context: Context): string {
  const admits = block.some(({ name }) => name === 'allow');
  const own = block.map((one) => directive(one, context)).join('');
  return `${admits ? 'allow 127.0.0.1;\n' : ''}${own}`;
}

function directive(one: Written, context: Context): string {
  const { name, args, block } = one;
  const { ports } = context;
  if (DROPPED.has(name)) return '';
  if (name === 'upstream') return `${printed(name, args)} {\nserver 127.0.0.1:${ports.upstream};\n}\n`;
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
  // However many addresses and ports a server has, it is asked at one, without TLS: what gets through is the same.
  const inner = name === 'server' ? `listen 127.0.0.1:${ports.listen};\n` : '';
  return `${printed(name, args)} {\n${inner}${name === 'map' ? block.map((row) => `${printed(row.name, row.args)};\n`).join('') : changed(block, context)}}\n`;
}

function redirected(arg: string, { ports, upstreams }: Context): string {
  return arg.replace(URL_ORIGIN, (_, host: string) =>
    upstreams.has(host) ? `http://${host}` : `http://127.0.0.1:${ports.upstream}`,
  );
}

function printed(name: string, args: readonly string[]): string {
  return [name, ...args].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(word) ? word : `"${word.replace(/[\\"]/g, '\\$&')}"`;
}
