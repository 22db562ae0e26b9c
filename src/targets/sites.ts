import { defineCodes, error } from '../diagnostics/codes.ts';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { asksWho, guardsBehind } from '../policy/chains.ts';
import { toCidrs } from '../policy/cidr.ts';
import { clientAddressOf } from '../policy/clientIp.ts';
import { hasSite, type SiteRewrite } from '../policy/domains.ts';
import { rangeResolver } from '../policy/ranges.ts';
import type { AddressSet, ClientAddress, Policy } from '../policy/types.ts';
import type { ClientIpSpec } from '../spec/clientIp.ts';
import type { NamedFile, SitesDo, SitesHere } from './target.ts';

/** Where the sites of an engine listen. */
interface SitePort {
  /** Name of the target. */
  readonly engine: string;
  readonly port: number;
  /** Whether a load balancer connects to them, in plain HTTP, and the sites do not learn the client's address from it. */
  readonly inFront: boolean;
  /** Path of the options of the sites. */
  readonly at: SpecPath;
}

/** Returns the problems of sites that all engines share. */
export function siteProblems(policy: Policy, { engine, port, inFront, at }: SitePort): Diagnostic[] {
  const { rewrites, proxies } = policy;
  const proxied = rewrites.filter(hasSite);
  const wild = proxied.filter(({ wildcard }) => wildcard);
  const clashing = proxied.length > 0 ? proxies.filter(({ listen }) => listen.port === port) : [];
  return [
    ...wild.map(({ origin, from }) => siteCodes.report('wildcard', [...origin, 'upstream'], { engine, from })),
    ...duplicateSites(proxied, engine),
    ...(inFront ? proxied.flatMap((rewrite) => balanced(rewrite, policy, at)) : []),
    ...clashing.map(({ id, origin }) => {
      const related = [{ at: [...origin, 'listen'], message: 'listens here' }];
      return siteCodes.report('port', at, { engine, port, proxy: id }, { related });
    }),
  ];
}

/**
 * Reports proxies behind a site that decide by client address. A site reports the address that connects to it, which
 * behind a load balancer is the balancer's.
 */
function balanced({ upstream: id, origin }: SiteRewrite, policy: Policy, at: SpecPath): Diagnostic[] {
  const upstream = policy.upstreams.find((each) => each.id === id);
  const guards = upstream ? guardsBehind(upstream, policy.proxies).map(({ proxy }) => proxy) : [];
  return [...new Set(guards)]
    .filter((proxy) => asksWho(proxy, policy))
    .map((proxy) => {
      const related = [
        { at: [...origin, 'upstream'], message: 'this site passes requests to it' },
        { at: [...proxy.origin, 'ipRanges'], message: 'it decides by the address' },
      ];
      return siteCodes.report('lost-address', [...at, 'tls'], { proxy: proxy.id }, { related });
    });
}

function duplicateSites(proxied: readonly SiteRewrite[], engine: string): Diagnostic[] {
  const first = new Map<string, SiteRewrite>();
  return proxied.flatMap((rewrite) => {
    const { to: name, origin } = rewrite;
    const other = first.get(name);
    first.set(name, other ?? rewrite);
    if (!other) return [];
    const related = [{ at: [...other.origin, 'to'], message: 'first here' }];
    return [siteCodes.report('twice', [...origin, 'to'], { engine, name, from: other.from }, { related })];
  });
}

/** Returns the file of the sites' certificate, if the options name one; `at` is the path of the target's options. */
export function certificateOf(sites: SiteOptions | undefined, at: SpecPath): NamedFile | undefined {
  const tls = sites?.tls;
  return typeof tls === 'object' ? { file: tls.certFile, at: [...at, 'sites', 'tls', 'certFile'] } : undefined;
}

/**
 * Where sites take the client's address from. The options name address sets of the spec, which the policy has by name.
 */
export function siteClient(
  written: ClientIpSpec | undefined,
  { addressSets }: Pick<Policy, 'addressSets'>,
  at: SpecPath,
): { readonly clientIp: ClientAddress; readonly problems: readonly Diagnostic[] } {
  const problems: Diagnostic[] = [];
  const items = typeof written === 'object' ? written.trustedProxies : [];
  const cidrs = ({ id, set }: AddressSet) => (items.includes(`@${id}`) ? toCidrs(set) : []);
  const ipRanges = Object.fromEntries(addressSets.map((each) => [each.id, cidrs(each)]));
  const ranges = rangeResolver({ version: 1, name: '', ipRanges }, () => undefined, problems);
  return { clientIp: clientAddressOf(written, at, { ranges, problems }), problems };
}

/** The options of sites on this machine, where every load balancer is. */
export function sitesHere(
  { clientIp }: SiteOptions,
  { speakTls, port, certificate, policy }: SitesHere & { readonly speakTls: boolean },
): {
  readonly options: { listen: number; tls: 'off' | SitesHere['certificate']; clientIp?: ClientIpSpec };
  readonly does: SitesDo;
} {
  const told =
    typeof clientIp === 'object'
      ? { ...clientIp, trustedProxies: [...clientIp.trustedProxies, '127.0.0.0/8'] }
      : clientIp;
  return {
    options: { listen: port, tls: speakTls ? certificate : 'off', ...(told && { clientIp: told }) },
    does: { speakTls, clientIp: siteClient(told, policy, []).clientIp },
  };
}

interface SiteOptions {
  readonly clientIp?: ClientIpSpec | undefined;
  readonly tls?: string | { readonly certFile: string } | undefined;
}

/** Diagnostics of all engines with sites. */
const siteCodes = defineCodes('site', {
  wildcard: error(
    '{engine} can have no site for the wildcard "*.{from}": each name needs its own Host and certificate name',
  ).hint('list the names one by one, or leave out upstream, so that only DNS is rewritten'),
  twice: error('"{name}" already stands for "{from}", and one site of {engine} cannot be two').hint(
    'give each name its own, or leave out upstream, so that only DNS is rewritten',
  ),
  'lost-address': error(
    'behind a load balancer the sites do not know who is asking, so proxy "{proxy}" would take the balancer for every client',
  ).hint(
    'say whose word they take for it: clientIp: { trustedProxies: […] }; or end TLS in the sites themselves, with a balancer that passes connections on as they are',
  ),
  port: error('the sites of the domain rewrites listen on port {port}, as proxy "{proxy}" does').hint(
    'choose another port in targets.{engine}.sites.listen or in the proxy',
  ),
});
