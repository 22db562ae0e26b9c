import { statusBody } from '../../policy/statuses.ts';
import type { DomainRewrite, Policy, Upstream } from '../../policy/types.ts';
import { ERROR_PAGES } from './locations.ts';
import { mapList } from './maps.ts';
import type { MapModel, SiteModel, SitesModel } from './model.ts';
import type { NginxOptions } from './options.ts';
import { literal, type Part, pattern, value, variable, word } from './quote.ts';
import { answerMaps, cookieDomains, requestMaps, type SiteName } from './siteNames.ts';

/** A request in plain HTTP on a port for TLS is one more of nginx's own errors. */
const SITE_ERRORS = ERROR_PAGES.map(({ from, status }) => ({ from: status === 400 ? [...from, 497] : from, status }));

type SiteRewrite = DomainRewrite & { readonly upstream: string };

export function hasSite(rewrite: DomainRewrite): rewrite is SiteRewrite {
  return rewrite.upstream !== undefined;
}

/** Rewrites of one name, which is what headers can be searched for. */
export function plainRewrites({ rewrites }: Policy): readonly DomainRewrite[] {
  return rewrites.filter(({ wildcard }) => !wildcard);
}

export interface SitesInput {
  readonly policy: Policy;
  readonly options: NginxOptions;
  readonly caFile: string;
  /** Name of the upstream block for one rewrite: connections that are kept must not change their TLS name. */
  readonly upstreamOf: (rewrite: SiteRewrite) => {
    readonly upstream: Upstream;
    readonly name: string;
  };
}

export interface Sites {
  readonly model: SitesModel;
  readonly maps: readonly MapModel[];
}

export function sitesModel(input: SitesInput): Sites | null {
  const { policy, options } = input;
  const { sites } = options;
  const proxied = policy.rewrites.filter(hasSite);
  const tls = sites?.tls;
  if (!sites || tls === undefined || proxied.length === 0) return null;
  const rewrites = plainRewrites(policy);
  const names = rewrites.map((rewrite) => siteName(rewrite, input));
  const list = mapList();
  const answers = answerMaps(names, tls !== 'off', list);
  const requests = requestMaps(names, list);
  const cookies = cookieDomains(names, list);
  const loop = loopMaps(policy.name, list);
  const log = logMaps(rewrites, list);
  return {
    maps: list.maps,
    model: {
      maps: list.maps,
      listen: sites.listen ?? 443,
      errorPages: SITE_ERRORS.map((page) => ({ ...page, body: value(statusBody(page.status)) })),
      tls: typeof tls === 'object' ? { certFile: literal(tls.certFile), keyFile: literal(tls.keyFile) } : null,
      answers: answers.map(({ header, part }) => ({ name: word(header), value: value(part) })),
      requests: requests.map(({ header, part }) => ({ name: word(header), value: value(part) })),
      cookies: cookies.sources.map((source) => ({ from: pattern(source), to: value(cookies.to) })),
      looping: value(loop.found),
      looped: value(statusBody(508)),
      misdirected: value(statusBody(421)),
      mark: value(loop.mark),
      route: value(log.route),
      path: value(log.path),
      // Who has the private address from DNS that was rewritten still asks for the public name.
      sites: proxied.flatMap((rewrite) => [true, false].map((mapped) => siteModel(rewrite, mapped, input))),
    },
  };
}

function siteName(rewrite: DomainRewrite, { upstreamOf }: SitesInput): SiteName {
  const { from, to } = rewrite;
  if (!hasSite(rewrite)) return { from, to, host: from, here: false };
  return { from, to, host: hostOf(upstreamOf(rewrite).upstream, from), here: true };
}

function siteModel(rewrite: SiteRewrite, mapped: boolean, { caFile, upstreamOf }: SitesInput): SiteModel {
  const { upstream, name } = upstreamOf(rewrite);
  const { tls, scheme, timeouts } = upstream;
  return {
    name: word(mapped ? rewrite.to : rewrite.from),
    pass: literal(`${scheme}://${name}`),
    host: value(hostOf(upstream, rewrite.from)),
    tls: tls
      ? {
          verify: !tls.insecureSkipVerify,
          caFile: literal(tls.caFile ?? caFile),
          name: value(serverName(upstream, rewrite.from)),
        }
      : null,
    timeouts,
    mapped,
  };
}

function hostOf({ scheme, port }: Upstream, from: string): string {
  return port === (scheme === 'https' ? 443 : 80) ? from : `${from}:${port}`;
}

/** The certificate is for the public name unless the spec knows better. */
function serverName({ tls, host }: Upstream, from: string): string {
  return tls && tls.serverName !== host ? tls.serverName : from;
}

/** Where the public name leads back here, by the very DNS that was rewritten, a request would never end. */
function loopMaps(name: string, list: ReturnType<typeof mapList>): { found: Part; mark: Part } {
  const sent = variable('http_x_postern_site');
  return {
    found: list.add({ name: 's_loop', source: [sent], patterns: [[`(?:^|,)[ \\t]*+${name}[ \\t]*+(?:,|\\z)`, '1']] }),
    mark: list.add({ name: 's_mark', source: [sent], fallback: [sent, `, ${name}`], exact: [['', name]] }),
  };
}

function logMaps(names: readonly DomainRewrite[], list: ReturnType<typeof mapList>): { route: Part; path: Part } {
  const known = new Map(
    names.filter(hasSite).flatMap(({ from, to }) => [
      [to, from],
      [from, from],
    ]),
  );
  return {
    route: list.add({ name: 's_route', source: [variable('host')], exact: known }),
    path: list.add({
      name: 's_path',
      source: [variable('request')],
      patterns: [["^[A-Z_-]++ (?<s_plain>/[A-Za-z0-9/._~!$&'()*+,;=:@%-]*+)", variable('s_plain')]],
    }),
  };
}
