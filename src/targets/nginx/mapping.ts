import { MOST_LINKS } from '../../plan/bounds.ts';
import { mappedOrigins, ODD_URL, originSource } from '../../plan/forwards.ts';
import { escapeRegex } from '../../plan/regex.ts';
import type { Proxy, Upstream } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import { literal, type NginxToken, type Part, type Variable, value, variable } from './quote.ts';

/** Source of an expression for a `Link` header with more entries than are mapped. */
export const TOO_MANY_LINKS = `^(?:[^<]*+<){${MOST_LINKS + 1}}`;

/** Source of an expression for a `Link` header with a URL that clients read as they like. */
export const ODD_LINK = `<(?:${ODD_URL})`;

/** How URLs of the upstream in its answers become URLs of the proxy: in `Link`, and in redirects. */
export interface AddressMapping {
  readonly link: Variable;
  /** The first whose expression matches is taken. */
  readonly redirects: readonly { readonly from: NginxToken; readonly to: NginxToken }[];
}

/**
 * Returns the origin under which the client reached the proxy: `publicUrl`, or else the scheme and Host of the
 * request.
 */
export function originMap(proxy: Proxy, prefix: string, maps: MapList): Part {
  if (proxy.publicUrl !== undefined) return proxy.publicUrl;
  const scheme = variable('scheme');
  const host = variable('http_host');
  const self = [scheme, '://', variable('server_addr'), ':', variable('server_port')];
  return maps.add({ name: `${prefix}_origin`, source: [host], fallback: [scheme, '://', host], exact: [['', self]] });
}

/** Returns the mapping of an upstream's addresses to the `origin` under which the client reached the proxy. */
export function addressMapping(
  { upstream, proxy }: { readonly upstream: Upstream; readonly proxy: Proxy },
  origin: Part,
  prefix: string,
  maps: MapList,
): AddressMapping {
  const own = `(?i:${originSource(mappedOrigins(upstream, proxy), escapeRegex)})`;
  return {
    link: linkMap({ own, origin, prefix, maps }),
    redirects: [
      { from: literal(`~^(?:${ODD_URL})`), to: value(origin, '/') },
      {
        from: literal(`~^${own}(?<redirect_rest>(?:[/?#].*)?)\\z`),
        to: value(origin, variable('redirect_rest')),
      },
    ],
  };
}

interface LinkContext {
  /** Source of the origins that are replaced. */
  readonly own: string;
  readonly origin: Part;
  readonly prefix: string;
  readonly maps: MapList;
}

/**
 * Defines the maps that rewrite every link of a `Link` header: a client that followed a link to the upstream's own
 * host would send it the key of the proxy. nginx cannot replace all matches of an expression, so each map rewrites
 * one link and leaves the text after it to the next map.
 */
function linkMap({ own, origin, prefix, maps }: LinkContext): Variable {
  const whole = `${own}(?=[/?#>])`;
  const other = `(?:[^<]|<(?!${whole}))*+`;
  const sent = variable('upstream_http_link');
  const parts: Variable[] = [];
  let left = sent;
  for (let number = 1; number <= MOST_LINKS; number++) {
    const [before, after] = [`link_before_${number}`, `link_after_${number}`];
    const name = `${prefix}_link_${number}`;
    const patterns = [[`^(?<${before}>${other})<${whole}(?<${after}>.*)\\z`, [variable(before), '<', origin]]] as const;
    parts.push(maps.add({ name, source: [left], fallback: left, patterns }));
    left = variable(after);
  }
  return maps.add({
    name: `${prefix}_link`,
    source: [sent],
    fallback: [...parts, left],
    exact: [['', '']],
    patterns: [
      [TOO_MANY_LINKS, ''],
      [ODD_LINK, ''],
    ],
  });
}
