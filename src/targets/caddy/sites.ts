import { HEADS, PHASES } from '../../plan/bounds.ts';
import { caseless } from '../../plan/regex.ts';
import { type MappedAnswer, type MappedRequest, type NamePair, namePairs, sitesOf } from '../../plan/sites.ts';
import { ofFollowed } from '../../policy/answerHeaders.ts';
import { toCidrs } from '../../policy/cidr.ts';
import { METHOD_LETTERS } from '../../policy/pattern.ts';
import type { Policy } from '../../policy/types.ts';
import { siteClient } from '../sites.ts';
import { type ClientModel, clientModel } from './addresses.ts';
import {
  ODD_ADDRESS,
  ODD_ADDRESS_BEHIND_BLANKS,
  ODD_LINK,
  type Pattern,
  type Replacement,
  replacements,
} from './forward.ts';
import type { CaddyOptions } from './options.ts';
import { bareWord, type CaddyToken, trustedText } from './quote.ts';
import { headerSize } from './server.ts';
import { type Table, table } from './table.ts';
import { longestRead, type Transport, transportOf } from './transport.ts';

/** The sites of all domain rewrites that name an upstream. */
export interface SitesModel {
  readonly listener: CaddyToken;
  readonly maxHeaderSize: number;
  readonly longestRead: CaddyToken;
  readonly client: ClientModel | null;
  /** Load balancers whose PROXY protocol is believed. */
  readonly proxyProtocol: readonly CaddyToken[];
  /** Mark of requests that have passed these sites, by which loops are found. */
  readonly mark: CaddyToken;
  /** Arguments of `tls`: the word internal, or a certificate and its key; none for plain http. */
  readonly tls: readonly CaddyToken[];
  /** Whether Caddy's own CA makes the certificates. */
  readonly ownCa: boolean;
  readonly sites: readonly Site[];
  /** `site.port`: the port that the client asked for, as it stands in URLs. */
  readonly port: Table;
  readonly answers: readonly Replacement[];
  readonly requests: readonly Replacement[];
  /** Address without a name, under which every other request is misdirected. */
  readonly others: CaddyToken;
  /** Expression for the methods that are read. */
  readonly methodLetters: CaddyToken;
}

interface Site extends Transport {
  readonly address: CaddyToken;
  readonly snippet: CaddyToken;
  /** Name of a matcher for the site's name with the dot of the DNS root, which is `dotted`. */
  readonly matcher: CaddyToken;
  readonly dotted: CaddyToken;
  readonly from: CaddyToken;
  /** Whether clients use the private name, so that no answer may send them to the public one. */
  readonly mapped: boolean;
}

export function sitesModel(policy: Policy, { sites: options = {} }: CaddyOptions): SitesModel | null {
  const planned = sitesOf(policy);
  if (planned.length === 0) return null;
  const { listen = 443, tls = 'internal' } = options;
  const files = typeof tls === 'object' ? [trustedText(tls.certFile), trustedText(tls.keyFile)] : [];
  const certificate = tls === 'internal' ? [bareWord(tls)] : files;
  const scheme = certificate.length > 0 ? 'https' : 'http';
  const outside = tls === 'off' ? 'http' : 'https';
  const pairs = namePairs(policy);
  const { clientIp } = siteClient(options.clientIp, policy, []);
  return {
    listener: bareWord(`:${listen}`),
    maxHeaderSize: headerSize(HEADS.site),
    longestRead: longestRead(PHASES.siteUpstream, PHASES.siteUpstream),
    // No proxy has a name with a dot.
    client: clientModel({ id: 'all.sites', clientIp }),
    proxyProtocol: clientIp.kind === 'proxyProtocol' ? toCidrs(clientIp.trusted).map(bareWord) : [],
    mark: bareWord(policy.name),
    port: portTable(outside),
    tls: certificate,
    ownCa: tls === 'internal',
    sites: planned.flatMap(({ rewrite: { from }, upstream, names }) =>
      names.map(({ name, isPrivate }) => ({
        ...transportOf(upstream),
        address: bareWord(`${scheme}://${name}:${listen}`),
        snippet: bareWord(`site-${name}`),
        matcher: bareWord(name),
        dotted: bareWord(`${name}.`),
        from: bareWord(from),
        mapped: isPrivate,
      })),
    ),
    answers: [...oddReplacements(), ...pairs.flatMap((pair) => answerReplacements(pair, outside))],
    requests: pairs.flatMap(requestReplacements),
    others: bareWord(`${scheme}://:${listen}`),
    methodLetters: trustedText(`^${METHOD_LETTERS}$`),
  };
}

/**
 * Returns the table of `site.port`, the port as the client wrote it: behind a load balancer, the sites listen on
 * another port than clients know.
 */
function portTable(outside: 'http' | 'https'): Table {
  return table({
    source: '{http.request.port}',
    destination: 'site.port',
    entries: [
      ['', ''],
      [outside === 'https' ? '443' : '80', ''],
    ],
    fallback: ':{http.request.port}',
  });
}

/** Source of what stands before the URL in `0; url=https://…` and in `0, https://…`, which clients read alike. */
const REFRESH = '^([ \\t]*[0-9.]*[ \\t]*[;,]?[ \\t]*(?:[Uu][Rr][Ll][ \\t]*=[ \\t]*)?)';

/** URLs that clients read as they like lead to the root of the site, and no link has one. */
function oddReplacements(): Replacement[] {
  const followed = [{ pattern: `^${ODD_ADDRESS}`, by: '/' }];
  return replacements({
    ...ofFollowed(() => followed),
    Refresh: [{ pattern: `${REFRESH}${ODD_ADDRESS_BEHIND_BLANKS}`, by: '$1/' }],
    Link: [{ pattern: ODD_LINK, by: '' }],
  } satisfies { [H in MappedAnswer]?: Pattern[] });
}

/**
 * Returns the replacements for answers. Patterns hold no braces, because Caddy would take them for placeholders and
 * compile the pattern for every request.
 */
function answerReplacements({ from, to, ownPort, hasSite }: NamePair, outside: 'http' | 'https'): Replacement[] {
  const name = `${caseless(from)}[.]?`;
  const ports = `(?::443|:80${ownPort === '' ? '' : `|${ownPort}`})?`;
  const url = `[Hh][Tt][Tt][Pp][Ss]?://${name}${ports}`;
  const link = `(?:[Hh][Tt][Tt][Pp][Ss]?:)?//${name}${ports}`;
  // A name without a site is served by another server, on the usual port whichever port our clients use.
  const origin = hasSite ? `${outside}://${to}{site.port}` : `https://${to}`;
  const followed = [{ pattern: `^${link}([/?#]|$)`, by: `${origin}$1` }];
  return replacements({
    'Www-Authenticate': [{ pattern: `${url}([/?#",]|$)`, by: `${origin}$1` }],
    ...ofFollowed(() => followed),
    Refresh: [{ pattern: `${REFRESH}${link}([/?#]|$)`, by: `\${1}${origin}$2` }],
    Link: [{ pattern: `<${link}([/?#>])`, by: `<${origin}$1` }],
    'Set-Cookie': [{ pattern: `(;[ \\t]*[Dd][Oo][Mm][Aa][Ii][Nn]=)[.]?${name}[ \\t]*(;|$)`, by: `\${1}${to}$2` }],
    'Access-Control-Allow-Origin': [{ pattern: `^${url}$`, by: origin }],
    'Content-Security-Policy': [
      { pattern: `${url}([/; ,]|$)`, by: `${origin}$1` },
      { pattern: `[Ww][Ss][Ss]?://${name}${ports}([/; ,]|$)`, by: `${origin.replace(/^http/, 'ws')}$1` },
    ],
  } satisfies { [H in MappedAnswer]: Pattern[] });
}

function requestReplacements({ from, to, ownPort }: NamePair): Replacement[] {
  const url = `^[Hh][Tt][Tt][Pp][Ss]?://${caseless(to)}[.]?(?::[0-9]+)?`;
  return replacements({
    Origin: [{ pattern: `${url}$`, by: `https://${from}${ownPort}` }],
    Referer: [{ pattern: `${url}([/?#]|$)`, by: `https://${from}${ownPort}$1` }],
  } satisfies { [H in MappedRequest]: Pattern[] });
}
