import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { parseAddress } from '../../policy/cidr.ts';
import { hasSite } from '../../policy/domains.ts';
import { hostAndPort } from '../../policy/origin.ts';
import type { HostPort, Policy, Upstream } from '../../policy/types.ts';
import { nginxCodes } from './codes.ts';
import type { UpstreamModel } from './model.ts';
import { blockName } from './names.ts';
import { atLeast, type NginxOptions } from './options.ts';
import { bareWord, literal, type NginxToken } from './quote.ts';

/** Returns whether a server is given by a name for DNS; every machine resolves `localhost` itself. */
function isName({ host }: HostPort): boolean {
  return host !== 'localhost' && parseAddress(host) === undefined;
}

function hasNames({ servers }: Upstream): boolean {
  return servers.some(isName);
}

/** Returns whether nginx can resolve the servers of an upstream block while it runs, which it can since 1.27.3. */
function looksUpPools({ version }: NginxOptions): boolean {
  return atLeast(version, [1, 27, 3]);
}

/**
 * Returns whether nginx has to resolve the server anew for each connection. Such an upstream has no block, so that
 * nginx keeps no connection to it.
 */
function isLookedUpAlone(upstream: Upstream, options: NginxOptions): boolean {
  return options.resolver !== undefined && hasNames(upstream) && !looksUpPools(options);
}

/** The upstream blocks of a configuration, and the origins that requests are passed to. */
export interface Upstreams {
  readonly blocks: readonly UpstreamModel[];
  /**
   * Returns the origin of an upstream. Unless its server is resolved for each connection, it has a block of this name,
   * which is added to `blocks`.
   */
  origin(upstream: Upstream, name?: string): { readonly text: string; readonly isBlock: boolean };
}

export function upstreamsOf(options: NginxOptions): Upstreams {
  const blocks = new Map<string, UpstreamModel>();
  return {
    get blocks() {
      return [...blocks].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, block]) => block);
    },
    origin(upstream, name = blockName(upstream.id)) {
      const { scheme, servers } = upstream;
      const [first] = servers;
      if (first && isLookedUpAlone(upstream, options))
        return { text: `${scheme}://${hostAndPort(first)}`, isBlock: false };
      blocks.set(name, blockOf(upstream, name, options));
      return { text: `${scheme}://${name}`, isBlock: true };
    },
  };
}

function blockOf(upstream: Upstream, name: string, { resolver }: NginxOptions): UpstreamModel {
  return {
    name: literal(name),
    names: hasNames(upstream),
    servers: upstream.servers.map((server) => bareWord(hostAndPort(server))),
    resolvers: resolver && hasNames(upstream) ? resolver.map(bareWord) : null,
  };
}

/** Returns the DNS servers for upstreams without a block; `null` where all have one. */
export function resolversOf({ upstreams }: Policy, options: NginxOptions): readonly NginxToken[] | null {
  const asked = upstreams.some((upstream) => isLookedUpAlone(upstream, options));
  return asked && options.resolver ? options.resolver.map(bareWord) : null;
}

/** Reports names that nginx resolves when it starts: while one of them fails, nginx serves nobody, whatever they ask for. */
export function nameProblems(policy: Policy, options: NginxOptions, at: SpecPath): Diagnostic[] {
  const used = new Set([
    ...policy.routes.map(({ forwarding }) => forwarding.upstream),
    ...policy.rewrites.filter(hasSite).map(({ upstream }) => upstream),
  ]);
  const asked = policy.upstreams.filter(({ id }) => used.has(id));
  const named = asked.filter(hasNames);
  const names = [...new Set(named.flatMap(({ servers }) => servers.filter(isName).map(({ host }) => host)))].sort();
  const takesOthersDown = names.length > 1 || (names.length === 1 && asked.length > 1);
  if (!options.resolver && takesOthersDown)
    return [nginxCodes.report('names-at-start', at, { names }, { part: 'key' })];
  if (!options.resolver || looksUpPools(options)) return [];
  return named
    .filter(({ servers }) => servers.length > 1)
    .map(({ origin }) =>
      nginxCodes.report('needs-version', [...origin, 'servers'], {
        option: 'a pool of names that are looked up by resolver',
        version: '1.27.3',
      }),
    );
}
