import { CannotTell } from '../../prove/explore.ts';
import type { NginxDirective } from './liveConfig.ts';

/**
 * The arguments with which a directive has no effect on which requests get through and where they go; `any` for all
 * arguments.
 */
type Inert = 'any' | RegExp;

const all = (...names: readonly string[]) => Object.fromEntries(names.map((name): [string, Inert] => [name, 'any']));

const ONLY_OFF = Object.fromEntries(
  [
    'auth_basic',
    'charset',
    'expires',
    'gzip',
    'mirror',
    'proxy_cache',
    'proxy_intercept_errors',
    'proxy_store',
    'ssi',
  ].map((name): [string, Inert] => [name, /^off$/]),
);

/** Directives that decide nothing with the arguments of generated files, by the block that they stand in. */
const INERT = {
  main: all('error_log', 'events', 'pcre_jit', 'pid', 'worker_processes', 'worker_rlimit_nofile'),
  http: {
    ...all('client_body_temp_path', 'client_header_buffer_size', 'client_header_timeout', 'default_type', 'error_log'),
    ...all('fastcgi_temp_path', 'keepalive_timeout', 'limit_conn_status', 'limit_conn_zone', 'limit_req_zone'),
    ...all('lingering_time', 'lingering_timeout', 'log_format', 'map_hash_bucket_size', 'map_hash_max_size'),
    ...all('proxy_buffer_size', 'proxy_buffers', 'proxy_headers_hash_bucket_size', 'proxy_headers_hash_max_size'),
    ...all('proxy_temp_path', 'resolver', 'resolver_timeout', 'scgi_temp_path', 'server_names_hash_bucket_size'),
    ...all('server_names_hash_max_size', 'server_tokens', 'uwsgi_temp_path', 'variables_hash_bucket_size'),
    ...all('variables_hash_max_size'),
    // These two decide which headers with unusual names reach the upstream.
    ignore_invalid_headers: /^on$/,
    underscores_in_headers: /^off$/,
  },
  upstream: {
    ...all('keepalive', 'keepalive_timeout', 'resolver', 'zone'),
    // Other parameters may take a server out (`down`), or keep it for when others fail (`backup`). How many failures it
    // takes until one is passed over for a while decides nothing while servers answer; see the assumptions.
    server: /^[^ ]+(?: resolve| max_fails=[0-9]{1,9})*$/,
  },
  server: {
    ...all('access_log', 'client_body_timeout', 'client_header_timeout', 'large_client_header_buffers', 'limit_conn'),
    ...all('limit_req_status', 'server_name', 'ssl_certificate', 'ssl_certificate_key', 'ssl_protocols'),
    ...all('ssl_session_cache'),
    // Of server.conf: settings that the http block has otherwise, and what it may not have.
    ...all('client_header_buffer_size', 'default_type', 'error_log', 'keepalive_timeout', 'limit_conn_status'),
    ...all('lingering_time', 'lingering_timeout', 'proxy_buffer_size', 'proxy_buffers', 'proxy_busy_buffers_size'),
    ...all('proxy_headers_hash_bucket_size', 'proxy_headers_hash_max_size', 'server_tokens'),
    ...ONLY_OFF,
    http2: /^off$/,
    ignore_invalid_headers: /^on$/,
    underscores_in_headers: /^off$/,
    merge_slashes: /^on$/,
    proxy_pass_request_body: /^on$/,
    satisfy: /^all$/,
    set_real_ip_from: /^unix:$/,
    // `proxy_protocol` changes which address counts as the client's.
    listen: /^[^ ]+(?: default_server| ssl)*$/,
  },
  location: {
    ...all('client_body_timeout', 'default_type', 'keepalive_timeout', 'limit_conn', 'limit_req', 'proxy_buffering'),
    ...all('proxy_connect_timeout', 'proxy_hide_header', 'proxy_read_timeout', 'proxy_redirect'),
    ...all('proxy_request_buffering', 'proxy_send_timeout', 'proxy_socket_keepalive', 'proxy_ssl_trusted_certificate'),
    ...all('proxy_ssl_verify_depth', 'send_timeout'),
    proxy_http_version: /^1\.1$/,
    proxy_next_upstream: /^error$/,
    proxy_ssl_protocols: /^TLSv1\.2 TLSv1\.3$/,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Inert>>>>;

/** Throws `CannotTell` for a directive that may decide something in this kind of block. */
export function checkInert(
  { name, args, block }: NginxDirective,
  where: keyof typeof INERT,
  place: string = where,
): void {
  const known: Readonly<Record<string, Inert>> = INERT[where];
  const inert = Object.hasOwn(known, name) ? known[name] : undefined;
  if (inert === undefined || (block !== undefined && name !== 'events')) throw new CannotTell(`${place} has "${name}"`);
  if (inert !== 'any' && !inert.test(args.join(' '))) throw new CannotTell(`${place} has another "${name}"`);
}
