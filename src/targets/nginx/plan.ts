import { hasError, ok, type Result } from '../../diagnostics/diagnostic.ts';
import type { CidrSet } from '../../policy/cidr.ts';
import type { Policy, Upstream } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { areasOf } from './areas.ts';
import { problemsOf } from './check.ts';
import { type Identity, identityOf, rolesOf } from './identity.ts';
import { mapList } from './maps.ts';
import type { MapModel, NginxModel, UpstreamModel } from './model.ts';
import type { NginxOptions } from './options.ts';
import { accessTo, proxyModel } from './proxy.ts';
import { literal, word } from './quote.ts';
import { type Rates, ratesOf } from './rates.ts';
import { hashSizes } from './sizes.ts';

const DEFAULT_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

interface Caller {
  readonly identity: Identity;
  readonly rates: Rates;
  readonly maps: readonly MapModel[];
}

export function plan(input: TargetInput<NginxOptions>): Result<NginxModel> {
  const problems = problemsOf(input);
  return hasError(problems) ? { diagnostics: problems } : ok(modelOf(input), problems);
}

function modelOf({ policy, options }: TargetInput<NginxOptions>): NginxModel {
  const { apiKeys } = policy;
  const areas = areasOf(addressSets(policy));
  const roles = rolesOf(apiKeys);
  const callers = new Map<string, Caller>();
  const callerOf = (header: string): Caller => {
    const name = header.toLowerCase();
    const known = callers.get(name);
    if (known) return known;
    const prefix = `k${callers.size + 1}_`;
    const identity = identityOf({ policy, header, prefix, areas, roles });
    const list = mapList();
    const rates = ratesOf(apiKeys, { id: identity.id, prefix, maps: list });
    const caller = { identity, rates, maps: [...identity.maps, ...list.maps] };
    callers.set(name, caller);
    return caller;
  };
  const used = new Map<string, { upstream: Upstream; name: string }>();
  const upstreamOf = (id: string) => {
    const upstream = policy.upstreams.find((each) => each.id === id);
    if (!upstream) throw new Error(`no upstream ${id}`);
    const entry = used.get(id) ?? { upstream, name: `u${used.size + 1}-${id}` };
    used.set(id, entry);
    return entry;
  };
  const proxies = policy.proxies.map((proxy, index) => {
    const access = accessTo(proxy);
    const caller = access.usesKeys ? callerOf(proxy.apiKeyHeader) : undefined;
    const caFile = options.caFile ?? DEFAULT_CA_FILE;
    const limits = caller?.rates.limits ?? [];
    return proxyModel({
      proxy,
      access,
      prefix: `p${index + 1}_`,
      areas,
      roles,
      identity: caller?.identity,
      limits,
      caFile,
      upstreamOf,
    });
  });
  const shared = [...callers.values()];
  const maps = [
    ...shared.flatMap((caller) => caller.maps),
    ...proxies.flatMap((proxy) => [...proxy.routing, ...proxy.decision, ...proxy.mapping]),
  ];
  return {
    main: {
      workerProcesses: word(options.workerProcesses ?? 'auto'),
      workerConnections: options.workerConnections ?? 1024,
      hashes: hashSizes(maps, secretsOf(policy)),
      proxies: proxies.map(({ file }) => ({ file: word(file) })),
    },
    maps: {
      areas: areas.cidrs.map(({ cidr, area }) => ({ cidr: word(cidr), area })),
      identities: shared.map((caller) => ({ header: word(caller.identity.header), maps: caller.maps })),
      zones: shared.flatMap((caller) => caller.rates.zones),
    },
    upstreams: { upstreams: [...used.values()].map(({ upstream, name }) => upstreamModel(upstream, name, options)) },
    proxies,
  };
}

function addressSets({ proxies, apiKeys }: Policy): CidrSet[] {
  return [...proxies.map(({ ranges }) => ranges), ...apiKeys.flatMap(({ ranges }) => ranges ?? [])];
}

function secretsOf({ apiKeys }: Policy): { keys: number; longestId: number } {
  const keys = apiKeys.reduce((sum, key) => sum + key.keys.length, 0);
  return { keys, longestId: Math.max(0, ...apiKeys.map(({ id }) => id.length)) };
}

function upstreamModel({ servers }: Upstream, name: string, { resolver }: NginxOptions): UpstreamModel {
  return {
    name: literal(name),
    servers: servers.map(({ host, port }) => word(`${host.includes(':') ? `[${host}]` : host}:${port}`)),
    resolvers: resolver ? resolver.map(word) : null,
  };
}
