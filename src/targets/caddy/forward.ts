import { wholeBody } from '../../plan/bounds.ts';
import { forwardsOf, originSource, publicAddress } from '../../plan/forwards.ts';
import type { Access } from '../../policy/access.ts';
import { HIDDEN_RESPONSE_HEADERS } from '../../policy/headers.ts';
import { credentialText } from '../../policy/key.ts';
import { schemeOf } from '../../policy/origin.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { canonical, type RareHeaders, rareHeaders } from './headers.ts';
import { bareWord, type CaddyToken, placeholder, trustedText } from './quote.ts';
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

export function forwardModels(policy: Policy, proxy: Proxy, access: Access): Forward[] {
  const forwards = forwardsOf(access, policy);
  return forwards.all.map((plan) => {
    const { name, forwarding, upstream } = plan;
    const ids = access.classes.filter((each) => forwards.of(each) === plan).map(({ id }) => id);
    const origin = proxy.publicUrl ?? `${schemeOf(proxy)}://{request.host}`;
    const url = originSource(upstream);
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
      // Orders to a proxy in front are hidden everywhere.
      hidden: HIDDEN_RESPONSE_HEADERS.filter((name) => !name.startsWith('x-accel-')).map((name) =>
        bareWord(canonical(name)),
      ),
      locations: [{ pattern: trustedText(`^${url}([/?#]|$)`), by: trustedText(`${origin}$1`) }],
      links: [{ pattern: trustedText(`<${url}([/?#>])`), by: trustedText(`<${origin}$1`) }],
      ...transportOf(upstream),
    };
  });
}

/** What differs from what the headers of all proxies say: the Host of the client, and plain HTTP. */
function outsideHeaders(proxy: Proxy): Forward['outside'] {
  const { publicUrl, tls } = proxy;
  if (publicUrl === undefined)
    return tls ? [{ name: bareWord('X-Forwarded-Proto'), value: trustedText(schemeOf(proxy)) }] : [];
  return publicAddress(publicUrl).map(([name, value]) => ({ name: bareWord(name), value: trustedText(value) }));
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
