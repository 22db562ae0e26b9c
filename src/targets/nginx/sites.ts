import { HEADS, PHASES } from '../../plan/bounds.ts';
import { below } from '../../plan/regex.ts';
import { namePairs, type SitePlan, sitesOf } from '../../plan/sites.ts';
import { headersOf } from '../../policy/answerHeaders.ts';
import { authorityOf } from '../../policy/origin.ts';
import type { Policy } from '../../policy/types.ts';
import { siteClient } from '../sites.ts';
import { clientOf } from './client.ts';
import { errorBody } from './errorBody.ts';
import { locationName, TLS_ERROR_PAGES } from './locations.ts';
import { logFile, logFormat, pathField, siteReason } from './log.ts';
import { type MapList, mapList } from './maps.ts';
import type { MapModel, PerAddress, SiteModel, SitesModel } from './model.ts';
import { isIncluded, type NginxOptions } from './options.ts';
import { trustedPeers } from './proxy.ts';
import { bareWord, literal, type NginxToken, type Part, pattern, type Variable, value, variable } from './quote.ts';
import { answerMaps, cookieDomains, requestMaps } from './siteHeaders.ts';
import { perAddress, requestsPerAddress } from './sizes.ts';
import type { Upstreams } from './upstreams.ts';

export interface SitesInput {
  readonly policy: Policy;
  readonly options: NginxOptions;
  readonly caFile: string;
  readonly upstreams: Upstreams;
}

export interface Sites {
  readonly model: SitesModel;
  readonly maps: readonly MapModel[];
}

export function sitesModel(input: SitesInput): Sites | null {
  const { policy, options } = input;
  const { sites } = options;
  const planned = sitesOf(policy);
  const tls = sites?.tls;
  if (!sites || tls === undefined || planned.length === 0) return null;
  const names = namePairs(policy);
  const list = mapList();
  const answers = answerMaps(names, tls !== 'off', list);
  const requests = requestMaps(names, list);
  const cookies = cookieDomains(names, list);
  const loop = loopMaps(policy.name, list);
  const { clientIp } = siteClient(sites.clientIp, policy, []);
  const client = clientOf({ proxy: { clientIp }, prefix: 'sites', maps: list });
  return {
    maps: list.maps,
    model: {
      maps: list.maps,
      included: isIncluded(options),
      geos: client.geos,
      client: value(client.address),
      isTold: clientIp.kind === 'header',
      nobody: errorBody(403),
      trusted: clientIp.kind === 'proxyProtocol' ? trustedPeers(clientIp.trusted) : null,
      listen: sites.listen ?? 443,
      ipv6: sites.ipv6 ?? true,
      perAddress: addressLimit(options, client.address, clientIp.kind !== 'direct', list),
      silence: PHASES.siteUpstream,
      maxRequestHead: HEADS.site,
      errorPages: TLS_ERROR_PAGES.map((page) => ({
        ...page,
        location: locationName(String(page.status)),
        body: errorBody(page.status),
      })),
      tls: typeof tls === 'object' ? { certFile: literal(tls.certFile), keyFile: literal(tls.keyFile) } : null,
      hidden: headersOf('sites', 'hidden').map(bareWord),
      answers: answers.map(({ header, part }) => ({ name: bareWord(header), value: value(part) })),
      requests: requests.map(({ header, part }) => ({ name: bareWord(header), value: value(part) })),
      cookies: { from: pattern(cookies.source), to: value(cookies.to) },
      looping: value(loop.found),
      looped: errorBody(508),
      fitting: literal(`^${below(HEADS.site + 1)}\\z`),
      tooLarge: errorBody(431),
      misdirected: errorBody(421),
      mark: value(loop.mark),
      accessLog: logFile(options),
      log: siteLog(planned, client.address, list),
      sites: planned.flatMap((site) => siteModels(site, input)),
    },
  };
}

function addressLimit(options: NginxOptions, address: Variable, isTold: boolean, maps: MapList): PerAddress | null {
  const { tls, requestsPerAddress: most } = options.sites ?? {};
  if (tls === 'inFront' && !isTold && most === undefined) return null;
  return perAddress({ name: 'site_addresses', address, most: most ?? requestsPerAddress(options), options, maps });
}

function siteModels({ rewrite, upstream, names }: SitePlan, { caFile, upstreams }: SitesInput): SiteModel[] {
  const { tls, timeouts } = upstream;
  // Each rewrite has a block of its own, because nginx keeps connections by block, and a connection has one TLS name.
  const origin = upstreams.origin(upstream, `site--${rewrite.from}`);
  return names.map(({ name, isPrivate }) => ({
    name: bareWord(name),
    // With a variable in it, nginx resolves the name while it runs.
    pass: origin.isBlock ? literal(origin.text) : value(origin.text, variable('request_uri')),
    host: value(authorityOf(upstream)),
    tls: tls
      ? { verify: !tls.insecureSkipVerify, caFile: literal(tls.caFile ?? caFile), name: value(tls.serverName) }
      : null,
    timeouts,
    mapped: isPrivate,
  }));
}

/**
 * Defines the maps that detect loops. The machine of the proxy may use the rewritten DNS; the public name then leads
 * back to the site, and a request would never end.
 */
function loopMaps(name: string, list: MapList): { found: Part; mark: Part } {
  const sent = variable('http_x_postern_site');
  return {
    found: list.add({
      name: 'sites_loop',
      source: [sent],
      patterns: [[`(?:^|,)[ \\t]*+${name}[ \\t]*+(?:,|\\z)`, '1']],
    }),
    mark: list.add({ name: 'sites_mark', source: [sent], fallback: [sent, `, ${name}`], exact: [['', name]] }),
  };
}

/**
 * Returns the log format of sites: the public name is the route, and a path is shown up to its first unusual character,
 * less of it where no site has the name.
 */
function siteLog(sites: readonly SitePlan[], client: Variable, maps: MapList): NginxToken[] {
  const known = new Map(sites.flatMap(({ rewrite, names }) => names.map(({ name }) => [name, rewrite.from])));
  const route = maps.add({ name: 'sites_route', source: [variable('host')], exact: known });
  const whole = maps.add({
    name: 'sites_path',
    source: [variable('request')],
    patterns: [["^[A-Z_-]++ (?<sites_plain>/[A-Za-z0-9/._~!$&'()*+,;=:@%-]*+)", variable('sites_plain')]],
  });
  const path = pathField({ route, whole, prefix: 'sites', maps });
  const reason = siteReason(
    sites.map(({ upstream }) => upstream),
    maps,
  );
  // nginx serves its own error pages as GET, so the method is taken from the request line.
  const method = maps.add({
    name: 'sites_method',
    source: [variable('request')],
    patterns: [['^(?<sites_verb>[A-Z_-]++) ', variable('sites_verb')]],
  });
  return logFormat({ proxy: '', client, method, path, reason, route, key: '', keyPosition: '' });
}
