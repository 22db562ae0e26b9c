import { MOST_LINKS } from '../../plan/bounds.ts';
import { originSource } from '../../plan/forwards.ts';
import { escapeRegex } from '../../plan/regex.ts';
import type { Proxy, Upstream } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import { literal, type NginxToken, type Part, type Variable, value, variable } from './quote.ts';

/** A `Link` with more entries than are mapped. */
export const TOO_MANY_LINKS = `^(?:[^<]*+<){${MOST_LINKS + 1}}`;

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
  return maps.add({ name: `${prefix}_origin`, source: [host], fallback: [scheme, '://', host], exact: [['', self]] });
}

/** What follows is a path, a query or the end. */
function originPattern(upstream: Upstream): string {
  return `(?i:${originSource(upstream, escapeRegex)})`;
}

export function addressMapping(upstream: Upstream, origin: Part, prefix: string, maps: MapList): AddressMapping {
  const from = literal(`~^${originPattern(upstream)}(?<redirect_rest>(?:[/?#].*)?)\\z`);
  return {
    link: linkMap({ upstream, origin, prefix, maps }),
    redirect: { from, to: value(origin, variable('redirect_rest')) },
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
    const [before, after] = [`link_before_${number}`, `link_after_${number}`];
    const name = `${prefix}_link_${number}`;
    const patterns = [[`^(?<${before}>${other})${own}(?<${after}>.*)\\z`, [variable(before), '<', origin]]] as const;
    parts.push(maps.add({ name, source: [left], fallback: left, patterns }));
    left = variable(after);
  }
  return maps.add({
    name: `${prefix}_link`,
    source: [sent],
    fallback: [...parts, left],
    exact: [['', '']],
    patterns: [[TOO_MANY_LINKS, '']],
  });
}
