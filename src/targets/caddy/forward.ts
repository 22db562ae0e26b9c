import { wholeBody } from '../../plan/bounds.ts';
import { outsideOf } from '../../plan/outside.ts';
import type { RouteClass } from '../../policy/access.ts';
import { HIDDEN_RESPONSE_HEADERS } from '../../policy/headers.ts';
import { credentialText } from '../../policy/key.ts';
import { schemeOf, urlHost } from '../../policy/origin.ts';
import type { Forwarding, Policy, Proxy, Upstream } from '../../policy/types.ts';
import { canonical, type RareHeaders, rareHeaders } from './headers.ts';
import { type CaddyToken, own, placeholder, word } from './quote.ts';
import { caseless, oneOf } from './regex.ts';
import { type Table, table } from './table.ts';
import { longestRead, type Transport, transportOf } from './transport.ts';

/** What belongs to a `reverse_proxy`; shared by all route classes that forward alike. */
export interface Forward extends Transport, RareHeaders {
  /** Of its named matcher, and of the snippet with what both its variants have in common. */
  readonly name: CaddyToken;
  readonly snippet: CaddyToken;
  readonly classes: readonly CaddyToken[];
  readonly maxBody: CaddyToken | null;
  /** How long a body may take altogether: Caddy cannot tell a silent client from a slow one. */
  readonly bodyTimeout: CaddyToken;
  readonly longestRead: CaddyToken;
  /** Where the upstream's own token goes. */
  readonly tokenHeader: CaddyToken | null;
  /** Where clients find the proxy, if the spec says so, in place of what they say themselves. */
  readonly outside: readonly { readonly name: CaddyToken; readonly value: CaddyToken }[];
  readonly token: CaddyToken;
  readonly hidden: readonly CaddyToken[];
  readonly locations: readonly Replacement[];
  readonly links: readonly Replacement[];
}

interface Replacement {
  readonly pattern: CaddyToken;
  readonly by: CaddyToken;
}

export function forwardsOf(policy: Policy, proxy: Proxy, classes: readonly RouteClass[]): Forward[] {
  const alike = new Map<string, { forwarding: Forwarding; ids: string[] }>();
  for (const routeClass of classes) {
    if (routeClass.kind !== 'forward') continue;
    const name = nameOf(routeClass.forwarding);
    const known = alike.get(name) ?? { forwarding: routeClass.forwarding, ids: [] };
    alike.set(name, known);
    known.ids.push(routeClass.id);
  }
  const byName = [...alike].sort(([a], [b]) => (a < b ? -1 : 1));
  return byName.map(([name, { forwarding, ids }]) => {
    const upstream = policy.upstreams.find(({ id }) => id === forwarding.upstream);
    if (!upstream) throw new Error(`no upstream ${forwarding.upstream}`);
    const origin = proxy.publicUrl ?? `${schemeOf(proxy)}://{request.host}`;
    const url = upstreamUrl(upstream);
    return {
      name: word(name),
      snippet: word(`${proxy.id}-${name}`),
      classes: ids.sort().map(word),
      maxBody: forwarding.maxBody === undefined ? null : word(String(forwarding.maxBody)),
      longestRead: longestRead(wholeBody(forwarding, upstream), upstream.timeouts.read),
      bodyTimeout: word(`${wholeBody(forwarding, upstream)}ms`),
      tokenHeader: forwarding.auth === 'apiKey' ? word(upstream.tokenHeader) : null,
      outside: outsideHeaders(proxy),
      token:
        upstream.tokenScheme === undefined
          ? placeholder('http.vars.token')
          : own(credentialText(upstream.tokenScheme, '{http.vars.token}')),
      ...rareHeaders({ policy, proxy, upstream }, forwarding),
      // Orders to a proxy in front are hidden everywhere.
      hidden: HIDDEN_RESPONSE_HEADERS.filter((name) => !name.startsWith('x-accel-')).map((name) =>
        word(canonical(name)),
      ),
      locations: [{ pattern: own(`^${url}([/?#]|$)`), by: own(`${origin}$1`) }],
      links: [{ pattern: own(`<${url}([/?#>])`), by: own(`<${origin}$1`) }],
      ...transportOf(upstream),
    };
  });
}

/** What each field adds to the name of a way to forward; nothing where it is as usual, so that a name never changes. */
const NAMED: { readonly [K in keyof Forwarding]: (value: Forwarding[K]) => string } = {
  upstream: (id) => id,
  auth: (auth) => (auth === 'apiKey' ? '' : auth),
  headers: (headers) => (headers.length > 0 ? `with-${headers.join('+')}` : ''),
  // What types a body may have is decided before; all of them are forwarded alike.
  contentTypes: () => '',
  maxBody: (bytes) => (bytes === 1024 ** 2 ? '' : `${bytes ?? 'unlimited'}`),
  websocket: (websocket) => (websocket ? 'websocket' : ''),
};

/** `forward-gitlab`, with what is unusual about it behind, after a character that no name has: `forward-gitlab~passthrough~65536`. */
function nameOf(forwarding: Forwarding): string {
  const part = <K extends keyof Forwarding>(key: K): string => NAMED[key](forwarding[key]);
  const unusual = [part('auth'), part('websocket'), part('maxBody'), part('headers'), part('contentTypes')];
  return [`forward-${part('upstream')}`, ...unusual].filter((text) => text !== '').join('~');
}

/** What differs from what the headers of all proxies say: the Host of the client, and plain HTTP. */
function outsideHeaders(proxy: Proxy): Forward['outside'] {
  const { publicUrl, tls } = proxy;
  if (publicUrl === undefined) return tls ? [{ name: word('X-Forwarded-Proto'), value: own(schemeOf(proxy)) }] : [];
  const { scheme, authority, port } = outsideOf(publicUrl);
  return [
    { name: word('X-Forwarded-Host'), value: own(authority) },
    { name: word('X-Forwarded-Port'), value: own(port) },
    { name: word('X-Forwarded-Proto'), value: own(scheme) },
  ];
}

/** `request.host` for the replacement of a regular expression, where a dollar sign stands for itself if it is doubled. */
export function hostTable(): Table {
  const part = '([^$]*)';
  const withDollars = (count: number): [string, string] => {
    const groups = Array.from({ length: count + 1 }, (_, index) => `$${index + 1}`);
    return [
      `~^${Array(count + 1)
        .fill(part)
        .join('[$]')}$`,
      groups.join('$$$$'),
    ];
  };
  return table({
    source: '{http.request.hostport}',
    destination: 'request.host',
    entries: [0, 1, 2, 3].map(withDollars),
    fallback: 'unknown',
  });
}

/**
 * The upstream's origin, as it may stand in a header of an answer, in every spelling that clients read as the same:
 * capitals, a dot after the name, the usual ports, no scheme.
 */
function upstreamUrl({ host, port }: Upstream): string {
  const name = caseless(urlHost(host));
  return `(?:[Hh][Tt][Tt][Pp][Ss]?:)?//${name}[.]?(?::${oneOf([...new Set([80, 443, port])].map(String))})?`;
}
