import { wholeBody } from '../../plan/bounds.ts';
import { CORS_RESPONSE_HEADERS } from '../../plan/cors.ts';
import {
  forwardsOf,
  mappedOrigins,
  ODD_URL,
  ODD_URL_BEHIND_BLANKS,
  originSource,
  publicAddress,
} from '../../plan/forwards.ts';
import type { Access } from '../../policy/access.ts';
import { type HeadersOf, ofFollowed } from '../../policy/answerHeaders.ts';
import { HIDDEN_RESPONSE_HEADERS } from '../../policy/headers.ts';
import { credentialText } from '../../policy/key.ts';
import { schemeOf } from '../../policy/origin.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { canonical, type RareHeaders, rareHeaders } from './headers.ts';
import { bareWord, type CaddyToken, placeholder, trustedText } from './quote.ts';
import { type Table, table } from './table.ts';
import { longestRead, type Transport, transportOf } from './transport.ts';

/** A `reverse_proxy`, shared by all route classes that are forwarded alike. */
export interface Forward extends Transport, RareHeaders {
  /** Name of its matcher; `snippet` is the name of the snippet with what both of its variants have in common. */
  readonly name: CaddyToken;
  readonly snippet: CaddyToken;
  readonly classes: readonly CaddyToken[];
  readonly maxBody: CaddyToken | null;
  /** Longest time for a whole body: Caddy does not tell a silent client from a slow one. */
  readonly bodyTimeout: CaddyToken;
  readonly longestRead: CaddyToken;
  /** Header for the token of the upstream. */
  readonly tokenHeader: CaddyToken | null;
  /** Headers that tell the upstream where clients find the proxy, if the spec says so, in place of what clients say. */
  readonly outside: readonly { readonly name: CaddyToken; readonly value: CaddyToken }[];
  readonly token: CaddyToken;
  readonly hidden: readonly CaddyToken[];
  readonly mapped: readonly Replacement[];
}

/** A part of a header of answers that is replaced. */
export interface Replacement {
  readonly header: CaddyToken;
  readonly pattern: CaddyToken;
  readonly by: CaddyToken;
}

/** Sources of an address that clients read as they like, and of a `Link` with one. */
export const ODD_ADDRESS = `(?:${ODD_URL}).*$`;
export const ODD_ADDRESS_BEHIND_BLANKS = `(?:${ODD_URL_BEHIND_BLANKS}).*$`;
export const ODD_LINK = `^.*<${ODD_ADDRESS}`;

/** How a part of a header is replaced. */
export interface Pattern {
  readonly pattern: string;
  readonly by: string;
}

export function replacements(patterns: Readonly<Record<string, readonly Pattern[]>>): Replacement[] {
  return Object.entries(patterns).flatMap(([header, list]) =>
    list.map(({ pattern, by }) => ({ header: bareWord(header), pattern: trustedText(pattern), by: trustedText(by) })),
  );
}

/**
 * How the upstream's addresses become those of the proxy. What clients read as they like, user information or "\" for
 * instance, leads to the root, and no link may have it; then, the upstream's own.
 */
function addressPatterns(url: string, origin: string): { readonly [H in HeadersOf<'proxies', 'mapped'>]: Pattern[] } {
  const followed = [
    { pattern: `^${ODD_ADDRESS}`, by: `${origin}/` },
    { pattern: `^${url}([/?#]|$)`, by: `${origin}$1` },
  ];
  return {
    ...ofFollowed(() => followed),
    Link: [
      { pattern: ODD_LINK, by: '' },
      { pattern: `<${url}([/?#>])`, by: `<${origin}$1` },
    ],
    'Www-Authenticate': [{ pattern: `([ "<,;]|^)${url}([/?#>";, ]|$)`, by: `\${1}${origin}$2` }],
  };
}

export function forwardModels(policy: Policy, proxy: Proxy, access: Access): Forward[] {
  const forwards = forwardsOf(access, policy);
  return forwards.all.map((plan) => {
    const { name, forwarding, upstream } = plan;
    const ids = access.classes.filter((each) => forwards.of(each) === plan).map(({ id }) => id);
    const origin = proxy.publicUrl ?? `${schemeOf(proxy)}://{request.host}`;
    const url = originSource(mappedOrigins(upstream, proxy.publicUrl));
    return {
      name: bareWord(name),
      snippet: bareWord(`${proxy.id}-${name}`),
      classes: ids.sort().map(bareWord),
      maxBody: forwarding.maxBody === undefined ? null : bareWord(String(forwarding.maxBody)),
      longestRead: longestRead(wholeBody(forwarding, upstream), upstream.timeouts.read),
      bodyTimeout: bareWord(`${wholeBody(forwarding, upstream)}ms`),
      tokenHeader: forwarding.auth === 'apiKey' ? bareWord(upstream.tokenHeader) : null,
      outside: outsideHeaders(proxy),
      token:
        upstream.tokenScheme === undefined
          ? placeholder('http.vars.token')
          : trustedText(credentialText(upstream.tokenScheme, '{http.vars.token}')),
      ...rareHeaders(plan, policy),
      // Orders to a proxy in front (`X-Accel-*`) are hidden in all answers elsewhere.
      hidden: [
        ...HIDDEN_RESPONSE_HEADERS.filter((name) => !name.startsWith('x-accel-')),
        ...(proxy.cors ? CORS_RESPONSE_HEADERS : []),
      ].map((name) => bareWord(canonical(name))),
      mapped: replacements(addressPatterns(url, origin)),
      ...transportOf(upstream),
    };
  });
}

/** Returns the headers that differ from those of all proxies, which report the client's Host and plain HTTP. */
function outsideHeaders(proxy: Proxy): Forward['outside'] {
  const { publicUrl, tls } = proxy;
  if (publicUrl === undefined)
    return tls ? [{ name: bareWord('X-Forwarded-Proto'), value: trustedText(schemeOf(proxy)) }] : [];
  return publicAddress(publicUrl).map(([name, value]) => ({ name: bareWord(name), value: trustedText(value) }));
}

/**
 * Returns the table of `request.host`, the Host as text for the replacement of a regular expression, in which every "$"
 * is doubled.
 */
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
