import type { NotCarried } from '../../import/draft.ts';
import type { Written } from './importTree.ts';

/** Directives that this importer reads, or that generated files set in their own way. None of them is reported. */
const READ = new Set(
  `allow auth_request break default_type deny error_page geo http if include internal limit_except listen location map proxy_pass
  proxy_set_header real_ip_header return rewrite root server server_name set set_real_ip_from ssl_certificate ssl_certificate_key
  upstream server_tokens types proxy_ssl_server_name proxy_ssl_verify proxy_http_version proxy_pass_request_headers sendfile
  tcp_nopush tcp_nodelay keepalive_timeout error_log access_log log_format proxy_redirect charset types_hash_max_size
  worker_connections auth_basic satisfy`.split(/\s+/),
);

const REASONS: Readonly<Record<string, string>> = {
  add_header: 'headers of answers are responseHeaders of a proxy',
  client_max_body_size: 'write it as maxBody of the routes',
  limit_req: 'a rate is one of a key: rateLimit',
  limit_conn: 'connections are not counted',
  resolver: 'the machine that runs the proxy resolves names, or servers of the upstream are named',
  proxy_connect_timeout: 'write it as timeouts.connect of the upstream',
  proxy_read_timeout: 'write it as timeouts.read of the upstream',
  proxy_send_timeout: 'write it as timeouts.send of the upstream',
  real_ip_recursive: 'addresses are always read from the right past every trusted one',
};

/** Returns the directives in and around servers that a spec cannot express, each name once per file. */
export function lostSettings(http: Written, servers: readonly Written[]): NotCarried[] {
  const found = new Map<string, { readonly at: Written; count: number }>();
  const pages: Written[] = [];
  const visit = (one: Written): void => {
    if (one.name === 'error_page' && one.args.at(-1)?.startsWith('@')) pages.push(one);
    const key = `${one.file}\0${one.name}`;
    const known = found.get(key);
    if (known) known.count += 1;
    else if (!READ.has(one.name)) found.set(key, { at: one, count: 1 });
    // Other blocks, such as tables, hold no directives.
    if (['server', 'location', 'limit_except', 'if'].includes(one.name))
      for (const inner of one.block ?? []) visit(inner);
  };
  for (const one of http.block ?? []) if (!servers.includes(one)) visit(one);
  for (const server of servers) for (const one of server.block ?? []) visit(one);
  const settings = [...found.values()].map(({ at, count }) => ({
    file: at.file,
    line: at.line,
    what: count === 1 ? at.name : `${at.name}, ${count} times in this file`,
    reason: REASONS[at.name] ?? 'a spec has no word for it',
  }));
  const reason = 'what one location answers is not forwarded by another';
  return [
    ...settings,
    ...pages.map(({ file, line, args }) => ({ file, line, what: `error_page ${args.join(' ')}`, reason })),
  ];
}
