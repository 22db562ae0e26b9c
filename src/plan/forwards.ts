import type { Access, RouteClass } from '../policy/access.ts';
import { DEFAULT_REQUEST_HEADERS, PASSTHROUGH_CREDENTIAL_HEADERS, WEBSOCKET_HEADERS } from '../policy/headers.ts';
import { authorityOf, DEFAULT_PORT, schemeOf, urlHost } from '../policy/origin.ts';
import { sizeName } from '../policy/routes.ts';
import { shortened } from '../policy/shortened.ts';
import type { Forwarding, Policy, Proxy, Upstream } from '../policy/types.ts';
import { caseless, oneOf } from './regex.ts';

/** One way to forward requests, shared by all route classes that are forwarded alike. */
export interface ForwardPlan {
  /** `forward-gitlab`, followed by all that is unusual about it: `forward-gitlab~passthrough~10MB`. */
  readonly name: string;
  readonly forwarding: Forwarding;
  readonly upstream: Upstream;
  /** Value of Host for the upstream. */
  readonly host: string;
  /** Headers of the client that pass, in lower case, sorted; without those that the proxy sets itself. */
  readonly passed: readonly string[];
}

/** The ways in which a proxy forwards, by name. */
export interface Forwards {
  /** Sorted by name. */
  readonly all: readonly ForwardPlan[];
  of(routeClass: RouteClass): ForwardPlan | undefined;
}

export function forwardsOf(access: Access, policy: Pick<Policy, 'upstreams'>): Forwards {
  const plans = new Map<string, ForwardPlan>();
  const names = new Map<RouteClass, string>();
  for (const routeClass of access.classes) {
    if (routeClass.kind !== 'forward') continue;
    const name = forwardName(routeClass.forwarding);
    names.set(routeClass, name);
    if (!plans.has(name)) plans.set(name, forwardPlan(routeClass.forwarding, policy));
  }
  return {
    all: [...plans.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    of: (routeClass) => plans.get(names.get(routeClass) ?? ''),
  };
}

export function forwardPlan(forwarding: Forwarding, { upstreams }: Pick<Policy, 'upstreams'>): ForwardPlan {
  const upstream = upstreams.find(({ id }) => id === forwarding.upstream);
  if (!upstream) throw new Error(`no upstream ${forwarding.upstream}`);
  return {
    name: forwardName(forwarding),
    forwarding,
    upstream,
    host: authorityOf(upstream),
    passed: passedHeaders(forwarding, upstream),
  };
}

/**
 * Characters of the longest name that is used as it is: nginx 1.22 keeps the length of a location's name in one byte,
 * and does not find a longer one.
 */
const LONGEST_NAME = 120;

/**
 * The text that each field adds to the name of a forward, in the order of the name; "" for the usual value, so that a
 * name never changes. No id holds "~", so `a~passthrough` is never the upstream `a-passthrough`, and no two fields add
 * the same text.
 */
const NAMED: { readonly [K in keyof Forwarding]: (value: Forwarding[K]) => string } = {
  upstream: (id) => `forward-${id}`,
  auth: (auth) => (auth === 'apiKey' ? '' : auth),
  websocket: (websocket) => (websocket ? 'websocket' : ''),
  maxBody: (bytes) => (bytes === 1024 ** 2 ? '' : sizeName(bytes)),
  headers: (headers) => headers.map((header) => `+${header}`).join(''),
  // The type of a body is checked before, and all types are forwarded alike.
  contentTypes: () => '',
};

function forwardName(forwarding: Forwarding): string {
  const part = <K extends keyof Forwarding>(key: K): string => NAMED[key](forwarding[key]);
  const parts = (Object.keys(NAMED) as (keyof Forwarding)[]).map(part);
  return shortened(parts.filter((text) => text !== '').join('~'), LONGEST_NAME);
}

/**
 * Returns the headers that tell an upstream where clients find a proxy with a public URL, `scheme://host[:port]`. The
 * host has its port unless it is the usual one: `api.example.com:8443`.
 */
export function publicAddress(publicUrl: string): (readonly [header: string, value: string])[] {
  const { scheme, url, port } = publicOrigin(publicUrl);
  return [
    ['X-Forwarded-Host', url.host],
    ['X-Forwarded-Port', String(port)],
    ['X-Forwarded-Proto', scheme],
  ];
}

/** Returns the headers that tell an upstream where clients find a proxy, as far as the spec alone says it, in lower case. */
export function toldAddress(proxy: Proxy): ReadonlyMap<string, string> {
  const { publicUrl } = proxy;
  const told = publicUrl === undefined ? [['X-Forwarded-Proto', schemeOf(proxy)] as const] : publicAddress(publicUrl);
  return new Map(told.map(([name, value]) => [name.toLowerCase(), value]));
}

function publicOrigin(publicUrl: string) {
  const url = new URL(publicUrl);
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  return { scheme, url, port: url.port === '' ? DEFAULT_PORT[scheme] : Number(url.port) };
}

/** Returns the headers of a client that reach the upstream; this is the only list of them. */
function passedHeaders({ auth, headers, websocket }: Forwarding, upstream: Upstream): string[] {
  const credentials = auth === 'passthrough' ? PASSTHROUGH_CREDENTIAL_HEADERS : [];
  const own = auth === 'apiKey' ? upstream.tokenHeader.toLowerCase() : undefined;
  const all = [...DEFAULT_REQUEST_HEADERS, ...credentials, ...(websocket ? WEBSOCKET_HEADERS : []), ...headers];
  return [...new Set(all)].filter((header) => header !== own).sort();
}

/**
 * Returns the source of a regular expression for origins, in every plain spelling that clients treat as the same: any
 * case, a dot after the name, the usual ports, no scheme. For an engine that ignores case by itself, `letters` is
 * `escapeRegex`. The caller adds what may follow: a path, a query or the end.
 */
export function originSource(origins: readonly Pick<Upstream, 'host' | 'port'>[], letters = caseless): string {
  const hosts = origins.map(({ host, port }) => {
    const ports = oneOf([...new Set([80, 443, port])].map(String));
    return `${letters(urlHost(host))}[.]?(?::${ports})?`;
  });
  return `(?:${letters('http')}${letters('s')}?:)?//${oneOf([...new Set(hosts)])}`;
}

const CONTROL = '[\\x00-\\x1F\\x7F]';
const oddStart = (signs: string) =>
  [
    `[${signs}]|/?\\\\`,
    '(?i:https?:)/?(?:[^/]|$)',
    '(?i:https?:)?//(?:[/>]|$|[-\\]\\[0-9A-Za-z._:]*[^-\\]\\[0-9A-Za-z._:/?#>])',
    '(?i:https?:)?//(?:\\[[^/?#>]*\\][^\\]/?#>:]*|[^/?#>:]*):(?:0|[/?#>]|$)',
  ].join('|');

const ODD_START = oddStart(' "\'');

/**
 * Source of the start of a URL that clients read in ways of their own: with tabs in it, "\" for "/", one slash or three,
 * user information, a host that no plain text is, or a port with zeros before it. Any of them could lead to an upstream,
 * and none is what an upstream has a reason to write.
 */
export const ODD_URL = `[^>]*${CONTROL}|${ODD_START}`;

/** The same behind blanks that are no part of a URL, for an engine that would leave one of them to it. */
export const ODD_URL_BEHIND_BLANKS = `[^>]*${CONTROL}|${oddStart('"\'')}`;

/** Source of a link with such a URL. Looking for it ends at the next link, so that no byte is looked at for each one. */
export const ODD_LINK = `<(?:[^<>]*${CONTROL}|${ODD_START})`;

/** Returns the origins in answers that come back as the one that clients know: the upstream's, and the proxy's own. */
export function mappedOrigins(upstream: Upstream, publicUrl: string | undefined): Pick<Upstream, 'host' | 'port'>[] {
  if (publicUrl === undefined) return [upstream];
  const { url, port } = publicOrigin(publicUrl);
  return [upstream, { host: url.hostname.replace(/^\[|\]$/g, ''), port }];
}
