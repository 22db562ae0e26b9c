import { hasError, ok, type Result } from '../../diagnostics/diagnostic.ts';
import { HEADS, PHASES } from '../../plan/bounds.ts';
import { distinctSets, routeSets } from '../../plan/routeSets.ts';
import { listeners } from '../../policy/hosts.ts';
import type { ApiKey, Policy, Proxy } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { addressTables } from './addresses.ts';
import { problemsOf, shadowProblem } from './check.ts';
import { nginxCodes } from './codes.ts';
import { type Identity, identityOf } from './identity.ts';
import { proxyReasons, sharedLogMaps } from './log.ts';
import { sharedAnswers } from './mapping.ts';
import { type MapList, mapList } from './maps.ts';
import type {
  ForwardLocation,
  GeoModel,
  MapModel,
  NginxModel,
  ProxyModel,
  SharedModel,
  SharedRoutesModel,
} from './model.ts';
import { atLeast, isIncluded, type NginxOptions, writtenTo } from './options.ts';
import { pathsOf } from './paths.ts';
import { accessTo, type PlannedProxy, type ProxyInput, proxyModel, sharedRoutesOf } from './proxy.ts';
import { bareWord, type Variable, value } from './quote.ts';
import { SHADOW } from './shadow.ts';
import { sitesModel } from './sites.ts';
import { alikeRows, hashSizes, roughly, type Secrets, workerConnections } from './sizes.ts';
import { resolversOf, upstreamsOf } from './upstreams.ts';

const DEFAULT_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

interface CallerMaps {
  readonly identity: Identity;
  readonly rates: Rates;
  readonly maps: readonly MapModel[];
}

export function plan(input: TargetInput<NginxOptions>): Result<NginxModel> {
  const problems = problemsOf(input);
  if (hasError(problems)) return { diagnostics: problems };
  const { model, maps } = modelOf(input);
  const [first, second, ...others] = alikeRows(maps);
  if (first === undefined || second === undefined) return ok(model, problems);
  const names = { count: others.length + 2, first, second };
  return { diagnostics: [...problems, nginxCodes.report('names-alike', input.at, names)] };
}

interface Modelled {
  readonly model: NginxModel;
  readonly maps: readonly MapModel[];
}

function modelOf({ policy, options }: TargetInput<NginxOptions>): Modelled {
  const shadow = decidable(policy.shadow);
  const callers = callersOf(policy);
  const upstreams = upstreamsOf(options);
  const caFile = options.caFile ?? DEFAULT_CA_FILE;
  const [reasons, answers] = [proxyReasons(), sharedAnswers()];
  const common = { policy, options, caFile, upstreams, shadow, reasons, answers };
  const { planned, sharedRoutes } = plannedProxies(common, callers);
  const proxies = planned.map(({ model }) => model);
  const shadows = planned.flatMap((each) => each.shadow ?? []);
  const sites = sitesModel({ policy, options, caFile, upstreams });
  const [first, ...others] = planned.flatMap(({ needs }) => needs);
  const paths = first ? pathsOf([first, ...others]) : null;
  const log = mapList();
  if (proxies.length > 0 || sites) sharedLogMaps(log, proxies.length > 0 ? reasons : undefined);
  const callerMaps = [...callers.values()].flatMap((caller) => caller.maps);
  const maps = [
    ...callerMaps,
    ...log.maps,
    ...answers.maps(),
    ...(paths?.maps ?? []),
    ...sharedRoutes.flatMap((each) => [...each.routes, ...each.routing, ...each.log]),
    ...proxies.flatMap(mapsOf),
    ...shadows.flatMap((each) => each.maps),
    ...(sites?.maps ?? []),
  ];
  const model: NginxModel = {
    main: {
      ...settingsOf(options),
      hashes: hashSizes(maps, secretsOf(policy)),
      names: sites !== null || policy.proxies.some(({ hosts }) => hosts.length > 0),
      includes: [
        ...(paths ? [bareWord('paths.conf')] : []),
        ...sharedRoutes.map((each) => bareWord(each.file)),
        ...shadows.map(({ name }) => bareWord(`${name}.shadow.conf`)),
        ...proxies.flatMap(({ name }) => [bareWord(`${name}.routes.conf`), bareWord(`${name}.conf`)]),
        ...(sites ? [bareWord('sites.conf')] : []),
      ],
    },
    maps: {
      lists: clientLists(policy, shadow),
      identities: [...callers.values()].map((caller) => ({
        header: bareWord(caller.identity.header),
        maps: caller.maps,
      })),
      log: log.maps,
      answers: answers.maps(),
      zones: [...callers.values()].flatMap((caller) => caller.rates.zones),
    },
    paths,
    upstreams: { resolvers: resolversOf(policy, options), upstreams: upstreams.blocks, kept: PHASES.kept },
    sharedRoutes,
    proxies,
    shadows,
    sites: sites?.model ?? null,
  };
  return { model, maps };
}

interface Planned {
  readonly planned: readonly PlannedProxy[];
  readonly sharedRoutes: readonly SharedRoutesModel[];
}

type Common = Pick<ProxyInput, 'policy' | 'options' | 'caFile' | 'upstreams' | 'shadow' | 'reasons' | 'answers'>;

function plannedProxies(common: Common, callers: ReadonlyMap<string, CallerMaps>): Planned {
  const { proxies } = common.policy;
  const defaults = new Set(listeners(proxies).map(([first]) => first));
  const sets = routeSets(common.policy);
  const tables = new Map(distinctSets(sets).map((set) => [set, sharedRoutesOf(set)] as const));
  const planned = proxies.map((proxy) => {
    const access = accessTo(proxy);
    const caller = access.usesKeys ? callers.get(keyPlaceOf(proxy)) : undefined;
    const limits = caller?.rates.limits ?? [];
    const set = sets.get(proxy);
    const its = { proxy, access, isDefault: defaults.has(proxy), identity: caller?.identity, limits };
    return proxyModel({ ...common, ...its, sharedRoutes: set && tables.get(set) });
  });
  return { planned, sharedRoutes: [...tables.values()].map(({ model }) => model) };
}

/** Returns what of the main file no proxy and no site has a part in. */
function settingsOf(options: NginxOptions): Omit<NginxModel['main'], 'hashes' | 'names' | 'includes'> {
  const connections = workerConnections(options);
  return {
    included: isIncluded(options),
    http2: atLeast(options.version, [1, 25, 1]),
    workerProcesses: bareWord(options.workerProcesses ?? 'auto'),
    workerConnections: connections,
    written: writtenFiles(options),
    // Each connection takes a descriptor, logs and listeners some more. systemd's default of 1,024 would be too few.
    openFiles: 2 * connections,
    answerHead: HEADS.answer,
    busy: 2 * HEADS.answer,
    phases: { ...PHASES, unwantedPause: PHASES.unwantedBody / 2 },
  };
}

function writtenFiles(options: NginxOptions): NginxModel['main']['written'] {
  const place = (file: string) => bareWord(writtenTo(file, options));
  return {
    pid: place('nginx.pid'),
    clientBody: place('client_body_temp'),
    proxy: place('proxy_temp'),
    fastcgi: place('fastcgi_temp'),
    uwsgi: place('uwsgi_temp'),
    scgi: place('scgi_temp'),
  };
}

/** Returns the shadow, unless it holds something that keeps nginx from deciding it. */
function decidable(shadow: Policy | undefined): Policy | undefined {
  return shadow && shadowProblem(shadow) === undefined ? shadow : undefined;
}

/** Returns the address tables of the policy, and those of its shadow. */
function clientLists(policy: Policy, shadow: Policy | undefined): readonly GeoModel[] {
  return [...addressTables(policy), ...(shadow ? addressTables(shadow, SHADOW) : [])];
}

/**
 * Returns the place that a proxy reads keys from, as a text: `private-token`, or `authorization Bearer`. Proxies with
 * the same place share the maps that identify a caller.
 */
function keyPlaceOf({ apiKeyHeader, apiKeyScheme }: Proxy): string {
  return [apiKeyHeader.toLowerCase(), ...(apiKeyScheme === undefined ? [] : [apiKeyScheme])].join(' ');
}

/** Returns the maps that identify a caller, by the place that keys are read from; sorted. */
function callersOf(policy: Policy): ReadonlyMap<string, CallerMaps> {
  const places = policy.proxies.filter((proxy) => accessTo(proxy).usesKeys).map(keyPlaceOf);
  return new Map([...new Set(places)].sort().map((place) => [place, callerModel(policy, place)]));
}

function callerModel(policy: Policy, place: string): CallerMaps {
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

interface Rates {
  readonly zones: SharedModel['zones'];
  readonly limits: ForwardLocation['limits'];
}

type Rate = NonNullable<ApiKey['rateLimit']>;

/**
 * Returns a zone for each distinct rate. A key with another rate, or none, gives the zone an empty name, and nginx does
 * not count it.
 */
function ratesOf(keys: readonly ApiKey[], context: { id: Variable; prefix: string; maps: MapList }): Rates {
  const { id, prefix, maps } = context;
  const byRate = new Map<string, { rate: Rate; keys: ApiKey[] }>();
  for (const key of keys) {
    if (!key.rateLimit) continue;
    const name = `${key.rateLimit.requests}/${key.rateLimit.per} ${key.rateLimit.burst}`;
    const entry = byRate.get(name) ?? { rate: key.rateLimit, keys: [] };
    entry.keys.push(key);
    byRate.set(name, entry);
  }
  const sorted = [...byRate].sort(([a], [b]) => (a < b ? -1 : 1));
  const zones = sorted.map(([, { rate, keys: limited }]) => {
    const text = `${prefix}_rate_${rate.requests}_per_${rate.per}_burst_${rate.burst}`;
    const name = bareWord(text);
    const counted = maps.add({
      name: text,
      source: [id],
      exact: limited.map((key) => [key.id, key.id] as const),
    });
    // A counter takes up to 192 bytes; a full zone would drop the oldest.
    const size = bareWord(`${roughly(Math.max(64, Math.ceil((limited.length * 192) / 1024) * 2))}k`);
    return {
      zone: { key: value(counted), name, size, rate: bareWord(`${rate.requests}r/${rate.per}`) },
      burst: rate.burst,
    };
  });
  return {
    zones: zones.map(({ zone }) => zone),
    limits: zones.map(({ zone, burst }) => ({ zone: zone.name, burst })),
  };
}
