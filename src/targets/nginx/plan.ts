import { hasError, ok, type Result } from '../../diagnostics/diagnostic.ts';
import type { CidrSet } from '../../policy/cidr.ts';
import type { Policy, Proxy, Upstream } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { type Areas, areasOf } from './areas.ts';
import { problemsOf } from './check.ts';
import { type Identity, type IdentityInput, identityOf, rolesOf } from './identity.ts';
import { mapList } from './maps.ts';
import type { MapModel, NginxModel, ProxyModel, SharedModel, UpstreamModel } from './model.ts';
import { readableNetworks } from './networks.ts';
import type { NginxOptions } from './options.ts';
import { accessTo, proxyModel } from './proxy.ts';
import { literal, value, variable, word } from './quote.ts';
import { type Rates, ratesOf } from './rates.ts';
import { type SitesInput, sitesModel } from './sites.ts';
import { hashSizes, type Secrets } from './sizes.ts';

const DEFAULT_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

interface Caller {
  readonly identity: Identity;
  readonly rates: Rates;
  readonly maps: readonly MapModel[];
}

interface NamedUpstream {
  readonly upstream: Upstream;
  readonly name: string;
}

export function plan(input: TargetInput<NginxOptions>): Result<NginxModel> {
  const problems = problemsOf(input);
  return hasError(problems) ? { diagnostics: problems } : ok(modelOf(input), problems);
}

function modelOf({ policy, options }: TargetInput<NginxOptions>): NginxModel {
  const areas = areasOf(addressSets(policy));
  const roles = rolesOf(policy.apiKeys);
  const behindProxies = policy.proxies.some(({ clientIp }) => clientIp.kind === 'header');
  const { all: callers, of: callerOf } = registry((place, number) =>
    callerModel({ policy, ...keyPlaceIn(place), prefix: `k${number}_`, areas, roles }),
  );
  const { all: used, of: upstreamOf } = registry((key, number) => namedUpstream(key, number, policy));
  const caFile = options.caFile ?? DEFAULT_CA_FILE;
  const proxies = policy.proxies.map((proxy, index) => {
    const access = accessTo(proxy);
    const caller = access.usesKeys ? callerOf(keyPlaceOf(proxy)) : undefined;
    return proxyModel({
      proxy,
      access,
      prefix: `p${index + 1}_`,
      areas,
      roles,
      identity: caller?.identity,
      limits: caller?.rates.limits ?? [],
      caFile,
      commonClient: behindProxies,
      upstreamOf,
    });
  });
  const workerConnections = options.workerConnections ?? 1024;
  const sites = sitesModel({ policy, options, caFile, upstreamOf: siteUpstreamOf(upstreamOf) });
  const maps = [...callers].flatMap((caller) => caller.maps).concat(proxies.flatMap(mapsOf), sites?.maps ?? []);
  return {
    main: {
      workerProcesses: word(options.workerProcesses ?? 'auto'),
      workerConnections,
      // Each connection takes one, logs and listeners a few; what systemd grants is 1024 in all.
      openFiles: 2 * workerConnections,
      hashes: hashSizes(maps, secretsOf(policy)),
      includes: [...proxies.map(({ file }) => word(file)), ...(sites ? [word('sites.conf')] : [])],
    },
    maps: sharedModel(areas, callers, behindProxies),
    upstreams: { upstreams: used.map((upstream) => upstreamModel(upstream, options)) },
    proxies,
    sites: sites?.model ?? null,
  };
}

/** Proxies that read the key in the same way share all that is known of callers. */
function keyPlaceOf({ apiKeyHeader, apiKeyScheme }: Proxy): string {
  return [apiKeyHeader.toLowerCase(), ...(apiKeyScheme === undefined ? [] : [apiKeyScheme])].join(' ');
}

function keyPlaceIn(place: string): Pick<IdentityInput, 'header' | 'scheme'> {
  const [header = '', scheme] = place.split(' ');
  return { header, scheme };
}

/** Makes what is asked for by name once, and numbers it in the order of asking. */
function registry<T>(make: (name: string, number: number) => T): {
  readonly all: readonly T[];
  readonly of: (name: string) => T;
} {
  const all: T[] = [];
  const byName = new Map<string, T>();
  const of = (name: string): T => {
    const known = byName.get(name);
    if (known !== undefined) return known;
    const made = make(name, all.length + 1);
    all.push(made);
    byName.set(name, made);
    return made;
  };
  return { all, of };
}

/** A block of its own for each rewrite, because connections are kept by block and each has one TLS name. */
function siteUpstreamOf(of: (key: string) => NamedUpstream): SitesInput['upstreamOf'] {
  return ({ from, upstream }) => of(`${upstream} ${from}`);
}

function callerModel(input: IdentityInput): Caller {
  const { policy, prefix } = input;
  const identity = identityOf(input);
  const list = mapList();
  const rates = ratesOf(policy.apiKeys, { id: identity.id, prefix, maps: list });
  return { identity, rates, maps: [...identity.maps, ...list.maps] };
}

function mapsOf({ client, routing, decision, mapping }: ProxyModel): MapModel[] {
  return [...(client?.maps ?? []), ...routing, ...decision, ...mapping];
}

function sharedModel(areas: Areas, callers: readonly Caller[], behindProxies: boolean): SharedModel {
  return {
    areas: {
      address: value(variable(behindProxies ? 'client' : 'remote_addr')),
      variable: value(variable('area')),
      cidrs: readableNetworks(areas.cidrs).map(({ cidr, area }) => ({ cidr: word(cidr), area })),
    },
    identities: callers.map((caller) => ({ header: word(caller.identity.header), maps: caller.maps })),
    zones: callers.flatMap((caller) => caller.rates.zones),
  };
}

function addressSets({ proxies, apiKeys }: Policy): CidrSet[] {
  return [...proxies.map(({ ranges }) => ranges), ...apiKeys.flatMap(({ ranges }) => ranges ?? [])];
}

function secretsOf({ apiKeys }: Policy): Secrets {
  const keys = apiKeys.reduce((sum, key) => sum + key.keys.length, 0);
  const longestId = apiKeys.reduce((longest, { id }) => Math.max(longest, id.length), 0);
  return { keys, longestId };
}

/** `key` is the id of an upstream, for a site followed by its name. */
function namedUpstream(key: string, number: number, { upstreams }: Policy): NamedUpstream {
  const id = key.split(' ', 1)[0];
  const upstream = upstreams.find((each) => each.id === id);
  if (!upstream) throw new Error(`no upstream ${id}`);
  return { upstream, name: `u${number}-${id}` };
}

function upstreamModel({ upstream: { servers }, name }: NamedUpstream, { resolver }: NginxOptions): UpstreamModel {
  return {
    name: literal(name),
    servers: servers.map(({ host, port }) => word(`${host.includes(':') ? `[${host}]` : host}:${port}`)),
    resolvers: resolver ? resolver.map(word) : null,
  };
}
