import { hasError, ok, type Result } from '../../diagnostics/diagnostic.ts';
import { HEADS, PHASES } from '../../plan/bounds.ts';
import { listeners } from '../../policy/hosts.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { addressTables } from './addresses.ts';
import { problemsOf } from './check.ts';
import { workerConnections } from './connections.ts';
import { type Identity, identityOf } from './identity.ts';
import { sharedLogMaps } from './log.ts';
import { mapList } from './maps.ts';
import type { MapModel, NginxModel, ProxyModel } from './model.ts';
import type { NginxOptions } from './options.ts';
import { pathsOf } from './paths.ts';
import { accessTo, proxyModel } from './proxy.ts';
import { word } from './quote.ts';
import { type Rates, ratesOf } from './rates.ts';
import { sitesModel } from './sites.ts';
import { hashSizes, type Secrets } from './sizes.ts';
import { resolversOf, upstreamsOf } from './upstreams.ts';

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
  const callers = callersOf(policy);
  const upstreams = upstreamsOf(options);
  const caFile = options.caFile ?? DEFAULT_CA_FILE;
  const defaults = new Set(listeners(policy.proxies).map(([first]) => first));
  const planned = policy.proxies.map((proxy) => {
    const access = accessTo(proxy);
    const caller = access.usesKeys ? callers.get(keyPlaceOf(proxy)) : undefined;
    const limits = caller?.rates.limits ?? [];
    const own = { proxy, access, isDefault: defaults.has(proxy), identity: caller?.identity, limits };
    return proxyModel({ policy, options, caFile, upstreams, ...own });
  });
  const proxies = planned.map(({ model }) => model);
  const sites = sitesModel({ policy, options, caFile, upstreams });
  const paths =
    proxies.length === 0
      ? null
      : pathsOf(
          policy,
          planned.flatMap(({ tests }) => tests),
        );
  const connections = workerConnections(options);
  const log = mapList();
  if (proxies.length > 0 || sites) sharedLogMaps(log);
  const own = [...callers.values()].flatMap((caller) => caller.maps);
  const maps = [...own, ...log.maps, ...(paths?.maps ?? []), ...proxies.flatMap(mapsOf), ...(sites?.maps ?? [])];
  return {
    main: {
      workerProcesses: word(options.workerProcesses ?? 'auto'),
      workerConnections: connections,
      // Each connection takes one, logs and listeners a few; what systemd grants is 1024 in all.
      openFiles: 2 * connections,
      answerHead: HEADS.answer,
      phases: { ...PHASES, unwantedPause: PHASES.unwantedBody / 2 },
      hashes: hashSizes(maps, secretsOf(policy)),
      names: sites !== null || policy.proxies.some(({ hosts }) => hosts.length > 0),
      includes: [
        ...(paths ? [word('paths.conf')] : []),
        ...proxies.flatMap(({ name }) => [word(`${name}.routes.conf`), word(`${name}.conf`)]),
        ...(sites ? [word('sites.conf')] : []),
      ],
    },
    maps: {
      // They are about the client of a proxy.
      lists: proxies.length === 0 ? [] : addressTables(policy),
      identities: [...callers.values()].map((caller) => ({ header: word(caller.identity.header), maps: caller.maps })),
      log: log.maps,
      zones: [...callers.values()].flatMap((caller) => caller.rates.zones),
    },
    paths,
    upstreams: { resolvers: resolversOf(policy, options), upstreams: upstreams.blocks, kept: PHASES.kept },
    proxies,
    sites: sites?.model ?? null,
  };
}

/** Proxies that read the key in the same way share all that is known of callers. */
function keyPlaceOf({ apiKeyHeader, apiKeyScheme }: Proxy): string {
  return [apiKeyHeader.toLowerCase(), ...(apiKeyScheme === undefined ? [] : [apiKeyScheme])].join(' ');
}

/** Who is calling, by each place that some proxy reads keys from; sorted. */
function callersOf(policy: Policy): ReadonlyMap<string, Caller> {
  const places = policy.proxies.filter((proxy) => accessTo(proxy).usesKeys).map(keyPlaceOf);
  return new Map([...new Set(places)].sort().map((place) => [place, callerModel(policy, place)]));
}

function callerModel(policy: Policy, place: string): Caller {
  const [header = '', scheme] = place.split(' ');
  const identity = identityOf(policy, { header, scheme });
  const list = mapList();
  const rates = ratesOf(policy.apiKeys, { id: identity.id, prefix: identity.prefix, maps: list });
  return { identity, rates, maps: [...identity.maps, ...list.maps] };
}

function mapsOf({ client, routes, routing, decision, mapping }: ProxyModel): MapModel[] {
  return [...client.maps, ...routes, ...routing, ...decision, ...mapping];
}

function secretsOf({ apiKeys }: Policy): Secrets {
  const keys = apiKeys.reduce((sum, key) => sum + key.keys.length, 0);
  const longestId = apiKeys.reduce((longest, { id }) => Math.max(longest, id.length), 0);
  return { keys, longestId };
}
