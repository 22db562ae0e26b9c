import type { DomainRewrite, Policy, Upstream } from '../../policy/types.ts';
import type { CaddyOptions } from './options.ts';
import { type CaddyToken, own, word } from './quote.ts';
import { caseless } from './regex.ts';
import { type Transport, transportOf } from './transport.ts';

/** The sites of all domain rewrites that name an upstream. */
export interface SitesModel {
  readonly listener: CaddyToken;
  /** What requests that went through these sites are known by. */
  readonly mark: CaddyToken;
  /** Arguments of `tls`: the word internal, or a certificate and its key; none for plain http. */
  readonly tls: readonly CaddyToken[];
  readonly sites: readonly Site[];
  readonly answers: readonly Replacement[];
  readonly requests: readonly Replacement[];
  /** Addresses without a name, for which everything else is misdirected. */
  readonly others: CaddyToken;
}

interface Site extends Transport {
  readonly address: CaddyToken;
  readonly from: CaddyToken;
  /** Whether clients know this site by the private name, so that nothing may send them to the public one. */
  readonly mapped: boolean;
}

interface Replacement {
  readonly header: CaddyToken;
  readonly pattern: CaddyToken;
  readonly by: CaddyToken;
}

export function hasSite(rewrite: DomainRewrite): rewrite is DomainRewrite & { readonly upstream: string } {
  return rewrite.upstream !== undefined;
}

export function sitesModel(policy: Policy, { sites: options = {} }: CaddyOptions): SitesModel | null {
  const { name, rewrites, upstreams } = policy;
  const proxied = rewrites.filter(hasSite);
  if (proxied.length === 0) return null;
  const { listen = 443, tls = 'internal' } = options;
  const scheme = tls === 'off' ? 'http' : 'https';
  const port = listen === (tls === 'off' ? 80 : 443) ? '' : `:${listen}`;
  const names = rewrites.filter(({ wildcard }) => !wildcard);
  return {
    listener: word(`:${listen}`),
    mark: word(name),
    tls: tls === 'off' ? [] : tls === 'internal' ? [word('internal')] : [own(tls.certFile), own(tls.keyFile)],
    sites: proxied.flatMap(({ from, to, upstream: id }) => {
      const upstream = upstreams.find((each) => each.id === id);
      if (!upstream) throw new Error(`no upstream ${id}`);
      const site = (known: string) => ({
        ...transportOf(named(upstream, from)),
        address: word(`${scheme}://${known}:${listen}`),
        from: word(from),
        mapped: known === to,
      });
      // Who has the private address from DNS that was rewritten still asks for the public name, over TLS too.
      return [site(to), site(from)];
    }),
    answers: names.flatMap(({ from, to }) => answerReplacements(from, `${scheme}://${to}${port}`, to)),
    requests: names.flatMap(({ from, to }) => requestReplacements(from, to)),
    others: word(`${scheme}://:${listen}`),
  };
}

/** The upstream under the public name, which is what its certificate and its own links say unless the spec knows better. */
function named(upstream: Upstream, from: string): Upstream {
  const tls =
    upstream.tls && upstream.tls.serverName === upstream.host ? { ...upstream.tls, serverName: from } : upstream.tls;
  return { ...upstream, host: from, ...(tls ? { tls } : {}) };
}

/** No braces in the patterns: Caddy would take them for placeholders and compile the pattern for every request. */
function answerReplacements(from: string, origin: string, to: string): Replacement[] {
  const name = caseless(from);
  const url = `[Hh][Tt][Tt][Pp][Ss]?://${name}(?::443|:80)?`;
  const replace = (header: string, pattern: string, by: string): Replacement => ({
    header: word(header),
    pattern: own(pattern),
    by: own(by),
  });
  return [
    replace('Www-Authenticate', `${url}([/?#",]|$)`, `${origin}$1`),
    replace('Location', `^${url}([/?#]|$)`, `${origin}$1`),
    replace('Link', `<${url}([/?#>])`, `<${origin}$1`),
    replace('Set-Cookie', `(;[ \\t]*[Dd][Oo][Mm][Aa][Ii][Nn]=)[.]?${name}[ \\t]*(;|$)`, `\${1}${to}$2`),
    replace('Access-Control-Allow-Origin', `^${url}$`, origin),
    replace('Content-Security-Policy', `${url}([/:; ,]|$)`, `${origin}$1`),
    replace(
      'Content-Security-Policy',
      `[Ww][Ss][Ss]?://${name}(?::443|:80)?([/:; ,]|$)`,
      `${origin.replace(/^http/, 'ws')}$1`,
    ),
  ];
}

/** What Rails and ActionCable compare with their own name. */
function requestReplacements(from: string, to: string): Replacement[] {
  const url = `^[Hh][Tt][Tt][Pp][Ss]?://${caseless(to)}(?::[0-9]+)?`;
  return [
    { header: word('Origin'), pattern: own(`${url}$`), by: own(`https://${from}`) },
    { header: word('Referer'), pattern: own(`${url}([/?#]|$)`), by: own(`https://${from}$1`) },
  ];
}
