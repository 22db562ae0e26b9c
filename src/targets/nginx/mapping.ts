import type { Proxy, Upstream } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import { literal, type NginxToken, type Part, type Variable, value, variable } from './quote.ts';
import { escapeRegex } from './router.ts';

/** Links of one answer that are mapped back; GitLab sends five at most. An answer with more loses its Link. */
const MOST_LINKS = 8;

/** How addresses of the upstream in its answers become addresses of the proxy. */
export interface AddressMapping {
  readonly link: Variable;
  readonly redirect: { readonly from: NginxToken; readonly to: NginxToken };
}

/** Origin under which the client reached this proxy. */
export function originMap(proxy: Proxy, prefix: string, maps: MapList): Part {
  if (proxy.publicUrl !== undefined) return proxy.publicUrl;
  const scheme = variable('scheme');
  const host = variable('http_host');
  const self = [scheme, '://', variable('server_addr'), ':', variable('server_port')];
  return maps.add({ name: `${prefix}origin`, source: [host], fallback: [scheme, '://', host], exact: [['', self]] });
}

/**
 * The upstream's origin in every spelling that clients read as the same: capitals, a dot after the name, the usual ports,
 * no scheme. What follows is a path, a query or the end.
 */
function originPattern({ host, port }: Upstream): string {
  const name = escapeRegex(host.includes(':') ? `[${host}]` : host);
  return `(?i:(?:https?:)?//${name}[.]?(?::(?:${[...new Set([80, 443, port])].join('|')}))?)`;
}

export function addressMapping(upstream: Upstream, origin: Part, prefix: string, maps: MapList): AddressMapping {
  const rest = `${prefix}rest`;
  const from = literal(`~^${originPattern(upstream)}(?<${rest}>(?:[/?#].*)?)\\z`);
  return {
    link: linkMap({ upstream, origin, prefix, maps }),
    redirect: { from, to: value(origin, variable(rest)) },
  };
}

interface LinkContext {
  readonly upstream: Upstream;
  readonly origin: Part;
  readonly prefix: string;
  readonly maps: MapList;
}

/**
 * A client that follows `Link` to the upstream's own host would send it the proxy's key, so every link is
 * mapped. nginx replaces nothing twice in one expression: each map does one link and hands on what is left.
 */
function linkMap({ upstream, origin, prefix, maps }: LinkContext): Variable {
  const own = `<${originPattern(upstream)}(?=[/?#>])`;
  const other = `(?:[^<]|<(?!${own.slice(1)}))*+`;
  const sent = variable('upstream_http_link');
  const parts: Variable[] = [];
  let left = sent;
  for (let number = 1; number <= MOST_LINKS; number++) {
    const [before, after] = [`${prefix}before${number}`, `${prefix}after${number}`];
    const name = `${prefix}link${number}`;
    const patterns = [[`^(?<${before}>${other})${own}(?<${after}>.*)\\z`, [variable(before), '<', origin]]] as const;
    parts.push(maps.add({ name, source: [left], fallback: left, patterns }));
    left = variable(after);
  }
  return maps.add({
    name: `${prefix}link`,
    source: [sent],
    fallback: [...parts, left],
    exact: [['', '']],
    patterns: [[`^(?:${other}${own}){${MOST_LINKS + 1}}`, '']],
  });
}
