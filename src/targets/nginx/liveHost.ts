import { isIPv4 } from 'node:net';
import type { NginxDirective } from './liveConfig.ts';

type Files = ReadonlyMap<string, readonly NginxDirective[]>;

/** What somebody else's http block has beside our files. */
export interface HostDifferences {
  /** What reaches into our servers. */
  readonly reaching: readonly string[];
  /** What stands beside them. */
  readonly beside: readonly string[];
}

/** Blocks and directives of an http block that no server but their own, or no decision, is about. */
const BESIDE = new Set(
  `aio access_log allow auth_basic_user_file client_body_buffer_size client_body_temp_path client_body_timeout
  client_max_body_size limit_rate limit_rate_after send_timeout
  connection_pool_size deny directio error_log error_page etag gzip_buffers gzip_comp_level gzip_disable gzip_http_version
  gzip_min_length gzip_proxied gzip_static gzip_types gzip_vary include index keepalive_disable keepalive_min_timeout
  keepalive_requests keepalive_time limit_conn limit_conn_log_level limit_conn_zone limit_req limit_req_log_level
  limit_req_zone lingering_close log_format log_not_found log_subrequest map_hash_bucket_size map_hash_max_size
  open_file_cache open_file_cache_errors open_file_cache_min_uses open_file_cache_valid output_buffers port_in_redirect
  postpone_output proxy_cache_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path read_ahead
  real_ip_recursive request_pool_size reset_timedout_connection resolver resolver_timeout root send_lowat sendfile
  sendfile_max_chunk server_name_in_redirect server_names_hash_bucket_size server_names_hash_max_size ssl_buffer_size
  ssl_ciphers ssl_conf_command ssl_dhparam ssl_ecdh_curve ssl_prefer_server_ciphers ssl_protocols ssl_session_cache
  ssl_session_tickets ssl_session_timeout ssl_stapling ssl_stapling_verify ssl_trusted_certificate tcp_nodelay tcp_nopush
  types types_hash_bucket_size types_hash_max_size upstream variables_hash_bucket_size variables_hash_max_size`.split(
    /\s+/,
  ),
);

/** Directives that make the variable that their last argument names. */
const MAKING = new Set(['map', 'geo', 'split_clients']);

/**
 * Compares somebody else's http block with our files, which it includes: `ours` are their live directives. What a
 * directive of the block does to our servers counts, whatever it is for: a server inherits what it does not set itself.
 */
export function hostDifferences(all: Files, ours: ReadonlySet<string>): HostDifferences {
  const [main] = all.keys();
  const block = (all.get(main ?? '') ?? []).find(({ name }) => name === 'http')?.block ?? [];
  const host = expanded(block, (pattern) => others(pattern, { all, ours, main: main ?? '' }));
  const mine = [...ours].flatMap((path) => all.get(path) ?? []);
  const servers = mine.filter(({ name }) => name === 'server');
  const [variables, listens] = [
    new Set([...mine, ...servers.flatMap(({ block = [] }) => block)].flatMap(variableOf)),
    new Set(servers.flatMap(portsOf)),
  ];
  const set = setByUs(mine, servers);
  const reaching: string[] = [];
  const beside: string[] = [];
  for (const directive of host) {
    const { name, args } = directive;
    if (name === 'server') {
      const shared = portsOf(directive).filter((port) => listens.has(port));
      if (shared.length > 0) reaching.push(`a server that listens on ${shared.join(' and ')} too`);
      else beside.push(`a server that listens on ${portsOf(directive).join(' and ') || '80'}`);
    } else if (MAKING.has(name)) {
      const own = variableOf(directive).filter((variable) => variables.has(variable));
      if (own.length > 0) reaching.push(`a ${name} that makes ${own.join(' and ')}, which ours makes`);
    } else if (!set.has(name) && !BESIDE.has(name)) {
      // Arguments may hold credentials.
      reaching.push(`"${name}"${args.length > 0 ? ' of its own' : ''}`);
    }
  }
  return { reaching: [...new Set(reaching)], beside: [...new Set(beside)] };
}

/** Directives with those of included files in the place of each `include`. */
function expanded(
  directives: readonly NginxDirective[],
  filesOf: (pattern: string) => readonly (readonly NginxDirective[])[],
  depth = 0,
): NginxDirective[] {
  return directives.flatMap((directive) =>
    directive.name === 'include' && depth < 10
      ? filesOf(directive.args[0] ?? '').flatMap((file) => expanded(file, filesOf, depth + 1))
      : [directive],
  );
}

interface Included {
  readonly all: Files;
  readonly ours: ReadonlySet<string>;
  readonly main: string;
}

/** Files of others that an include names; relative names are those of the folder of the main file. */
function others(pattern: string, { all, ours, main }: Included): (readonly NginxDirective[])[] {
  const whole = pattern.startsWith('/') ? pattern : `${main.replace(/[^/]*$/, '')}${pattern}`;
  const source = whole
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  const named = new RegExp(`^${source}$`);
  return [...all].flatMap(([path, directives]) => (named.test(path) && !ours.has(path) ? [directives] : []));
}

/** Names of directives that every server of ours sets for all that it does. */
function setByUs(mine: readonly NginxDirective[], servers: readonly NginxDirective[]): Set<string> {
  const settings = mine.filter(({ block }) => block === undefined).map(({ name }) => name);
  const forwards = servers.flatMap(({ block = [] }) =>
    block.filter(
      ({ name, block: inner = [] }) => name === 'location' && inner.some((one) => one.name === 'proxy_pass'),
    ),
  );
  const names = (blocks: readonly NginxDirective[]) =>
    blocks.map(({ block = [] }) => new Set(block.map(({ name }) => name)));
  const inAll = (sets: readonly ReadonlySet<string>[]) =>
    [...(sets[0] ?? [])].filter((name) => sets.every((one) => one.has(name)));
  // What decides for a location that forwards has no meaning for one that answers by itself.
  const forwarding = inAll(names(forwards)).filter((name) => name.startsWith('proxy_'));
  return new Set([...settings, ...inAll(names(servers)), ...forwarding]);
}

function variableOf({ name, args }: NginxDirective): string[] {
  const made = name === 'set' ? args[0] : MAKING.has(name) ? args.at(-1) : undefined;
  return made === undefined ? [] : [made];
}

/** Ports that a server listens on, as text. */
function portsOf({ block = [] }: NginxDirective): string[] {
  return block.flatMap(({ name, args: [where = ''] }) => {
    if (name !== 'listen' || where.startsWith('unix:')) return [];
    const port = /^(?:.*:)?(\d+)$/.exec(where)?.[1];
    return [isIPv4(where) || port === undefined ? '80' : port];
  });
}
