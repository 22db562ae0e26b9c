import { HEADS, PHASES } from '../../plan/bounds.ts';
import { hasSite } from '../../policy/domains.ts';
import { DEFAULT_PORT } from '../../policy/origin.ts';
import type { DomainRewrite, Policy, Upstream } from '../../policy/types.ts';
import type { CaddyOptions } from './options.ts';
import { type CaddyToken, own, word } from './quote.ts';
import { caseless } from './regex.ts';
import { headerSize } from './server.ts';
import { type Table, table } from './table.ts';
import { longestRead, type Transport, transportOf } from './transport.ts';

/** The sites of all domain rewrites that name an upstream. */
export interface SitesModel {
  readonly listener: CaddyToken;
  readonly maxHeaderSize: number;
  readonly longestRead: CaddyToken;
  /** What requests that went through these sites are known by. */
  readonly mark: CaddyToken;
  /** Arguments of `tls`: the word internal, or a certificate and its key; none for plain http. */
  readonly tls: readonly CaddyToken[];
  readonly sites: readonly Site[];
  /** `site.port`: the port that the client asked for, as it stands in URLs. */
  readonly port: Table;
  readonly answers: readonly Replacement[];
  readonly requests: readonly Replacement[];
  /** Addresses without a name, for which everything else is misdirected. */
  readonly others: CaddyToken;
}

interface Site extends Transport {
  readonly address: CaddyToken;
  readonly snippet: CaddyToken;
  /** Of a matcher for the name with the dot of the root. */
  readonly matcher: CaddyToken;
  readonly dotted: CaddyToken;
  readonly from: CaddyToken;
  /** Whether clients know this site by the private name, so that nothing may send them to the public one. */
  readonly mapped: boolean;
}

interface Replacement {
  readonly header: CaddyToken;
  readonly pattern: CaddyToken;
  readonly by: CaddyToken;
}

export function sitesModel(policy: Policy, { sites: options = {} }: CaddyOptions): SitesModel | null {
  const { name, rewrites, upstreams } = policy;
  const proxied = rewrites.filter(hasSite);
  if (proxied.length === 0) return null;
  const { listen = 443, tls = 'internal' } = options;
  const files = typeof tls === 'object' ? [own(tls.certFile), own(tls.keyFile)] : [];
  const certificate = tls === 'internal' ? [word(tls)] : files;
  const scheme = certificate.length > 0 ? 'https' : 'http';
  const outside = tls === 'off' ? 'http' : 'https';
  const names = rewrites.filter(({ wildcard }) => !wildcard).map((rewrite) => siteName(rewrite, policy, outside));
  return {
    listener: word(`:${listen}`),
    maxHeaderSize: headerSize(HEADS.site),
    longestRead: longestRead(PHASES.siteUpstream, PHASES.siteUpstream),
    mark: word(name),
    port: portTable(outside),
    tls: certificate,
    sites: proxied.flatMap(({ from, to, upstream: id }) => {
      const upstream = upstreams.find((each) => each.id === id);
      if (!upstream) throw new Error(`no upstream ${id}`);
      const site = (known: string) => ({
        ...transportOf(named(upstream, from)),
        address: word(`${scheme}://${known}:${listen}`),
        snippet: word(`site-${known}`),
        matcher: word(known),
        dotted: word(`${known}.`),
        from: word(from),
        mapped: known === to,
      });
      // Who has the private address from DNS that was rewritten still asks for the public name, over TLS too.
      return [site(to), site(from)];
    }),
    answers: names.flatMap(answerReplacements),
    requests: names.flatMap(requestReplacements),
    others: word(`${scheme}://:${listen}`),
  };
}

/** The upstream under the public name, which is what its certificate and its own links say unless the spec knows better. */
function named(upstream: Upstream, from: string): Upstream {
  const tls =
    upstream.tls && upstream.tls.serverName === upstream.host ? { ...upstream.tls, serverName: from } : upstream.tls;
  return { ...upstream, host: from, ...(tls ? { tls } : {}) };
}

/** Two names of one thing, as they stand in URLs. */
interface SiteName {
  readonly from: string;
  readonly to: string;
  /** The upstream's own port, where it has one. */
  readonly port: string;
  /** What takes the place of an origin of the upstream; it may hold the placeholder of the port. */
  readonly origin: string;
}

function siteName({ from, to, upstream: id }: DomainRewrite, { upstreams }: Policy, outside: string): SiteName {
  const upstream = upstreams.find((each) => each.id === id);
  // Somebody else answers under this name, wherever our clients come in.
  if (!upstream) return { from, to, port: '', origin: `https://${to}` };
  const { scheme, port } = upstream;
  const isUsual = port === DEFAULT_PORT[scheme];
  return { from, to, port: isUsual ? '' : `:${port}`, origin: `${outside}://${to}{site.port}` };
}

/** Behind a load balancer the sites listen on one port and are known by another: the one that clients say. */
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

/** No braces in the patterns: Caddy would take them for placeholders and compile the pattern for every request. */
function answerReplacements({ from, to, port, origin }: SiteName): Replacement[] {
  const name = `${caseless(from)}[.]?`;
  const ports = `(?::443|:80${port === '' ? '' : `|${port}`})?`;
  const url = `[Hh][Tt][Tt][Pp][Ss]?://${name}${ports}`;
  const link = `(?:[Hh][Tt][Tt][Pp][Ss]?:)?//${name}${ports}`;
  const replace = (header: string, pattern: string, by: string): Replacement => ({
    header: word(header),
    pattern: own(pattern),
    by: own(by),
  });
  return [
    replace('Www-Authenticate', `${url}([/?#",]|$)`, `${origin}$1`),
    replace('Location', `^${link}([/?#]|$)`, `${origin}$1`),
    replace('Link', `<${link}([/?#>])`, `<${origin}$1`),
    replace('Set-Cookie', `(;[ \\t]*[Dd][Oo][Mm][Aa][Ii][Nn]=)[.]?${name}[ \\t]*(;|$)`, `\${1}${to}$2`),
    replace('Access-Control-Allow-Origin', `^${url}$`, origin),
    replace('Content-Security-Policy', `${url}([/; ,]|$)`, `${origin}$1`),
    replace(
      'Content-Security-Policy',
      `[Ww][Ss][Ss]?://${name}${ports}([/; ,]|$)`,
      `${origin.replace(/^http/, 'ws')}$1`,
    ),
  ];
}

/** What Rails and ActionCable compare with their own name. */
function requestReplacements({ from, to, port }: SiteName): Replacement[] {
  const url = `^[Hh][Tt][Tt][Pp][Ss]?://${caseless(to)}[.]?(?::[0-9]+)?`;
  return [
    { header: word('Origin'), pattern: own(`${url}$`), by: own(`https://${from}${port}`) },
    { header: word('Referer'), pattern: own(`${url}([/?#]|$)`), by: own(`https://${from}${port}$1`) },
  ];
}
