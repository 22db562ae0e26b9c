import { parseCidr } from '../policy/cidr.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { NginxDirective } from './nginxConfig.ts';
import { isRoutingRow } from './nginxRoutes.ts';

/** Every word of ours: what we wrote ourselves is no secret. */
export function vocabularyOf(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.flatMap((text) => text.split(/[\s;{}"']+/)));
}

/** Directives whose arguments can hold no credential. */
const HARMLESS = new Set([
  'accept_mutex',
  'allow',
  'client_max_body_size',
  'deny',
  'error_page',
  'include',
  'internal',
  'keepalive',
  'keepalive_timeout',
  'limit_except',
  'limit_req',
  'listen',
  'location',
  'log_format',
  'access_log',
  'error_log',
  'proxy_hide_header',
  'proxy_http_version',
  'proxy_pass',
  'proxy_read_timeout',
  'proxy_ssl_name',
  'proxy_ssl_server_name',
  'proxy_ssl_trusted_certificate',
  'proxy_ssl_verify',
  'root',
  'server',
  'server_name',
  'worker_connections',
  'worker_processes',
]);

export interface Showing {
  readonly known: ReadonlySet<string>;
  readonly hide: Fingerprint;
  /** The block around it. */
  readonly inside: NginxDirective | undefined;
}

/**
 * A directive for people. In the directives where a credential may stand (headers, maps, variables) an
 * argument that is not a word of ours is hidden, whatever it looks like.
 */
export function directiveWords(directive: NginxDirective, { known, hide, inside }: Showing): string {
  const { name, args, block } = directive;
  const parent = inside?.name;
  // What a row leads to is a number or a name of ours, so that nothing but a path can stand in it.
  if (isRoutingRow(directive, inside)) return ownWords(directive);
  // Entries of a map have no directive name: what stands there is the value that is looked up.
  const isName = parent !== 'map' && parent !== 'geo' && /^[a-z_0-9]{2,40}$/.test(name);
  const shownName = isName || isPlain(name, known) ? name : hide(name);
  const open = isName && HARMLESS.has(name);
  const shown = args.map((arg) => (open || isPlain(arg, known) ? arg : hide(arg)));
  return `"${[shownName, ...shown].join(' ')}${block ? ' { … }' : ''}"`;
}

/** A directive of ours: whatever it holds is in the generated files, which hold no secret. */
export function ownWords({ name, args, block }: NginxDirective): string {
  return `"${[name, ...args].join(' ')}${block ? ' { … }' : ''}"`;
}

/** An address, words of ours, a variable alone, a switch or a number. */
function isPlain(arg: string, known: ReadonlySet<string>): boolean {
  if (typeof parseCidr(arg) === 'object') return true;
  return arg.split(/[\s;{}"']+/).every((word) => known.has(word) || /^(?:\$\w+|on|off|\d{1,6}[smhkKMG]?)$/.test(word));
}
