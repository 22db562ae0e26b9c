import { HEADS, PHASES } from '../../plan/bounds.ts';
import { hasSite, type SiteRewrite } from '../../policy/domains.ts';
import { authorityOf } from '../../policy/origin.ts';
import { statusBody } from '../../policy/statuses.ts';
import type { DomainRewrite, Policy, Upstream } from '../../policy/types.ts';
import { perAddress, requestsPerAddress } from './connections.ts';
import { locationName, TLS_ERROR_PAGES } from './locations.ts';
import { mapList } from './maps.ts';
import type { MapModel, PerAddress, SiteModel, SitesModel } from './model.ts';
import type { NginxOptions } from './options.ts';
import { literal, pattern, value, variable, word } from './quote.ts';
import { answerMaps, cookieDomains, requestMaps } from './siteHeaders.ts';
import { loopMaps, siteLog } from './siteMaps.ts';
import type { SiteName } from './siteNames.ts';

/** Rewrites of one name, which is what headers can be searched for. */
function plainRewrites({ rewrites }: Policy): readonly DomainRewrite[] {
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
  return {
    maps: list.maps,
    model: {
      maps: list.maps,
      listen: sites.listen ?? 443,
      ipv6: sites.ipv6 ?? true,
      perAddress: addressLimit(options),
      silence: PHASES.siteUpstream,
      maxRequestHead: HEADS.site,
      errorPages: TLS_ERROR_PAGES.map((page) => ({
        ...page,
        location: locationName(String(page.status)),
        body: value(statusBody(page.status)),
      })),
      tls: typeof tls === 'object' ? { certFile: literal(tls.certFile), keyFile: literal(tls.keyFile) } : null,
      answers: answers.map(({ header, part }) => ({ name: word(header), value: value(part) })),
      requests: requests.map(({ header, part }) => ({ name: word(header), value: value(part) })),
      cookies: { from: pattern(cookies.source), to: value(cookies.to) },
      looping: value(loop.found),
      looped: value(statusBody(508)),
      misdirected: value(statusBody(421)),
      mark: value(loop.mark),
      log: siteLog(
        rewrites,
        proxied.map((rewrite) => input.upstreamOf(rewrite).upstream),
        list,
      ),
      // Who has the private address from DNS that was rewritten still asks for the public name.
      sites: proxied.flatMap((rewrite) => [true, false].map((mapped) => siteModel(rewrite, mapped, input))),
    },
  };
}

function addressLimit(options: NginxOptions): PerAddress | null {
  const { tls, requestsPerAddress: most } = options.sites ?? {};
  if (tls === 'inFront' && most === undefined) return null;
  return perAddress('site_addresses', variable('remote_addr'), most ?? requestsPerAddress(options), options);
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
  return authorityOf({ scheme, host: from, port });
}

/** The certificate is for the public name unless the spec knows better. */
function serverName({ tls, host }: Upstream, from: string): string {
  return tls && tls.serverName !== host ? tls.serverName : from;
}
