import { defineCodes, error } from '../diagnostics/codes.ts';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { asksWho, guardsBehind } from '../policy/chains.ts';
import { hasSite, type SiteRewrite } from '../policy/domains.ts';
import type { Policy } from '../policy/types.ts';
import type { NamedFile } from './target.ts';

/** Where the sites of one engine are to listen. */
interface SitePort {
  /** Name of the target. */
  readonly engine: string;
  readonly port: number;
  /** Whether what connects to them is a load balancer, in plain HTTP. */
  readonly inFront: boolean;
  /** The options of the sites. */
  readonly at: SpecPath;
}

/** What keeps any engine from having these sites. */
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

/** A site tells the proxy behind it who connects, and behind a load balancer that is the balancer. */
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

/** The certificate that sites show, where the options name its file; `at` is where the options of the target stand. */
export function certificateOf(sites: SiteOptions | undefined, at: SpecPath): NamedFile | undefined {
  const tls = sites?.tls;
  return typeof tls === 'object' ? { file: tls.certFile, at: [...at, 'sites', 'tls', 'certFile'] } : undefined;
}

interface SiteOptions {
  readonly tls?: string | { readonly certFile: string } | undefined;
}

/** What every engine that has sites for domain rewrites may have to say about them. */
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
    'end TLS in the sites themselves, with a balancer that passes connections on as they are: tls: { certFile: …, keyFile: … }',
  ),
  port: error('the sites of the domain rewrites listen on port {port}, as proxy "{proxy}" does').hint(
    'choose another port in targets.{engine}.sites.listen or in the proxy',
  ),
});
