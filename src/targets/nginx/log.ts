import type { ForwardPlan } from '../../plan/forwards.ts';
import {
  CUT_OFF,
  FAILURES,
  LOG_FIELDS,
  type LogLine,
  PLAIN_PATH,
  REFUSALS,
  SHADOW_FIELDS,
  type ShadowLine,
  STATUS_REASONS,
} from '../../plan/log.ts';
import type { Access } from '../../policy/access.ts';
import type { Upstream } from '../../policy/types.ts';
import { REQUEST_ID } from './errorBody.ts';
import type { Identity } from './identity.ts';
import { LOCATION_PREFIX, VERDICTS } from './locations.ts';
import type { MapList } from './maps.ts';
import type { LogFile } from './model.ts';
import { classNames } from './names.ts';
import { type NginxOptions, writtenTo } from './options.ts';
import { METHOD, PATH } from './paths.ts';
import { bareWord, literal, type NginxToken, type Part, type Variable, value, variable } from './quote.ts';
import type { Routing } from './routing.ts';

/** Fields of a log line that proxies and sites fill in differently. */
export type RequestFields = {
  readonly [K in 'proxy' | 'client' | 'method' | 'path' | 'reason' | 'route' | 'key' | 'keyPosition']: Part;
};

const JOURNAL = 'syslog:server=unix:/dev/log,nohostname,tag=postern';

/** Returns the file of the access log, and whether nginx buffers lines for it, which it cannot do for datagrams. */
export function logFile({ accessLog = 'file', writable }: Pick<NginxOptions, 'accessLog' | 'writable'>): LogFile {
  if (accessLog === 'journal') return { file: literal(JOURNAL), buffered: false };
  const file = accessLog === 'file' ? writtenTo('access.log', { writable }) : `/dev/${accessLog}`;
  return { file: bareWord(file), buffered: true };
}

/** Fields of a log line about the decision of a shadow. */
export type ShadowFields = { readonly [K in keyof ShadowLine]: Part };

type LogParts = { readonly [K in keyof LogLine]: Part | readonly Part[] };

const isParts = (part: Part | readonly Part[]): part is readonly Part[] => Array.isArray(part);

/**
 * Returns the log format, one JSON object per request. `route` is the first of the routing fields, because method and
 * path are captured when nginx evaluates it.
 */
export function logFormat(fields: RequestFields, shadow?: ShadowFields): NginxToken[] {
  const { proxy, route, ...others } = fields;
  const parts: LogParts = {
    time: variable('time_iso8601'),
    id: REQUEST_ID,
    proxy,
    route,
    ...others,
    status: variable('log_status'),
    size: variable('body_bytes_sent'),
    duration: variable('request_time'),
    upstreamTime: variable('log_upstream_time'),
    upstream: variable('upstream_addr'),
    upstreamStatus: variable('log_upstream_status'),
  };
  const types: Readonly<Record<string, string>> = { ...LOG_FIELDS, ...SHADOW_FIELDS };
  const named: (readonly [string, Part | readonly Part[]])[] = Object.entries({ ...parts, ...shadow });
  return named.map(([name, part], index) => {
    const quote = types[name] === 'text' ? '"' : '';
    const [start, end] = [index === 0 ? '{' : '', index === named.length - 1 ? '}' : ','];
    return value(`${start}"${name}":${quote}`, ...(isParts(part) ? part : [part]), `${quote}${end}`);
  });
}

/** Variable with the reason of a status that nginx itself answered with. */
const BY_STATUS = 'log_reason_by_status';

/** Variable with what is logged of a path that no route has. */
const BESIDE = 'log_plain';

/** Source of all numbers but the last in a list: nginx lists one number for each server that it tried. */
const LISTED = '(?:[0-9.-]++, )*+';

/**
 * Defines the log fields that are the same for every proxy, and those of sites where there are no `reasons` of proxies.
 * nginx evaluates them when a request has ended.
 */
export function sharedLogMaps(list: MapList, reasons: ProxyReasons | undefined): void {
  // The status of an answer without a head, as in HTTP/0.9, is 009, which is no number in JSON.
  const status = variable('status');
  list.add({ name: 'log_status', source: [status], fallback: status, exact: ['009', '000'].map((odd) => [odd, '0']) });
  list.add({
    name: 'log_upstream_time',
    source: [variable('upstream_response_time')],
    fallback: variable('upstream_response_time'),
    exact: [['', 'null']],
    patterns: [[', (?<log_seconds>[0-9.]++)\\z', variable('log_seconds')]],
  });
  // No server was asked: there is no address of a name that nginx asks for while it runs.
  const unasked = ['502', FAILURES.unresolved] as const;
  const exact = [...Object.entries(STATUS_REASONS), unasked];
  list.add({ name: BY_STATUS, source: [status], fallback: 'internal', exact });
  const answered = list.add({
    name: 'log_upstream_answer',
    source: [variable('upstream_status'), ' ', variable('upstream_header_time')],
    fallback: 'null',
    patterns: [[`^${LISTED}(?<log_answer>[0-9]++) ${LISTED}[0-9]`, variable('log_answer')]],
  });
  list.add({
    name: 'log_upstream_status',
    source: [variable('upstream_status')],
    fallback: answered,
    // Rows for the usual statuses spare most requests the expression. 502 and 504 are not among them, because nginx
    // also gives them for servers that did not answer.
    exact: [['', 'null'], ...USUAL.map((status) => [status, status] as const)],
  });
  list.add({
    name: BESIDE,
    source: [variable('request')],
    patterns: [
      [`^[A-Z_-]++ (?<log_whole>${PLAIN_PATH.whole})[ ?]`, variable('log_whole')],
      [`^[A-Z_-]++ (?<log_beginning>${PLAIN_PATH.beginning})/`, [variable('log_beginning'), '/*']],
    ],
  });
  reasons?.define(list);
}

const USUAL = ['200', '201', '202', '204', '206', '304', '400', '401', '403', '404', '409', '422', '500'];

/** nginx does not tell whether a connection was refused or its TLS failed. */
const CONNECTING = { http: FAILURES.refused, https: FAILURES.unreachable };

type Scheme = keyof typeof CONNECTING;

/** Returns the scheme that all of these upstreams have; `mixed` where some speak TLS and others do not. */
function commonScheme(upstreams: readonly Pick<Upstream, 'scheme'>[]): Scheme | 'mixed' {
  const [only = 'http', ...others] = [...new Set(upstreams.map(({ scheme }) => scheme))];
  return others.length > 0 ? 'mixed' : only;
}

/** The reason of an answer that is not the upstream's, and the one that is logged. */
interface Reasons {
  readonly reason: Variable;
  readonly told: Variable;
}

/** Defines the reason that sites to these upstreams log; they refuse nothing by a verdict. */
export function siteReason(upstreams: readonly Pick<Upstream, 'scheme'>[], maps: MapList): Variable {
  const name = 'sites_reason';
  const own = ownMap(name, variable(BY_STATUS), maps);
  const connecting = commonScheme(upstreams) === 'http' ? CONNECTING.http : CONNECTING.https;
  return reasonMaps({ name, maps, own, connecting }).told;
}

/** The reasons that proxies log: tables that all of them share, but for which failures of connections are said. */
export interface ProxyReasons {
  of(proxy: ReasonsOfProxy): Reasons;
  /** Defines what the proxies share, once all of them are known. */
  define(maps: MapList): void;
}

interface ReasonsOfProxy {
  readonly forwards: readonly ForwardPlan[];
  /** Answers that the spec asks the proxy to give, as status and location: `404 /./answer:any:/old`. */
  readonly answered: readonly string[];
  readonly verdict: Variable;
  readonly prefix: string;
  readonly maps: MapList;
}

export function proxyReasons(): ProxyReasons {
  const name = 'log_reason';
  const [reason, told, byTls] = [variable(name), variable(`${name}_told`), `${name}_tls`];
  const answers = new Set<string>();
  let speakTls = false;
  return {
    of({ forwards, answered, verdict, prefix, maps }) {
      for (const each of answered) answers.add(each);
      const scheme = commonScheme(forwards.map(({ upstream }) => upstream));
      if (scheme === 'http') return { reason, told };
      speakTls ||= scheme === 'https';
      if (scheme === 'https') return { reason, told: variable(byTls) };
      const tls = forwards.filter(({ upstream }) => upstream.scheme === 'https');
      const own = maps.add({
        name: `${prefix}_log_reason`,
        source: [verdict, ' ', told],
        fallback: told,
        exact: tls.map((each) => [`${each.name} ${CONNECTING.http}`, CONNECTING.https] as const),
      });
      return { reason, told: own };
    },
    define(maps) {
      const own = ownMap(name, refusalMap([...answers].sort(), maps), maps);
      reasonMaps({ name, maps, own, connecting: CONNECTING.http });
      const exact = [[CONNECTING.http, CONNECTING.https]] as const;
      if (speakTls) maps.add({ name: byTls, source: [told], fallback: told, exact });
    },
  };
}

/**
 * Defines the reason of an answer without an upstream. The location that gave it tells which refusal it is: clients
 * cannot ask for one, and nginx's own errors have others.
 */
function refusalMap(answered: readonly string[], maps: MapList): Variable {
  const refusals = VERDICTS.map((reason) => [`${REFUSALS[reason]} ${LOCATION_PREFIX}${reason}`, reason] as const);
  return maps.add({
    name: 'log_reason_location',
    source: [variable('status'), ' ', variable('uri')],
    fallback: variable(BY_STATUS),
    exact: [...refusals, [`404 ${LOCATION_PREFIX}method`, 'method'], ...answered.map((each) => [each, ''] as const)],
  });
}

/** Defines the reason of an answer that is nginx's own, and "" for the upstream's. */
function ownMap(name: string, reason: Variable, maps: MapList): Variable {
  return maps.add({
    name: `${name}_own`,
    source: [variable('upstream_status')],
    exact: ['', '-'].map((none) => [none, reason] as const),
  });
}

interface ReasonInput {
  /** Start of the names of the maps. */
  readonly name: string;
  readonly maps: MapList;
  /** The reason of an answer that is nginx's own. */
  readonly own: Variable;
  /** The reason of a failed connection. */
  readonly connecting: Part;
}

/**
 * Defines the reason why an answer is not the upstream's, and the one that is logged: also an answer that breaks off has
 * one. The status is looked up first, because most statuses need no reason, so that such a request costs one look-up.
 */
function reasonMaps({ name, maps, own, connecting }: ReasonInput): Reasons {
  const failure = failureMap({ name, maps, connecting, own });
  const ownStatuses = new Set([...Object.values(REFUSALS), ...Object.keys(STATUS_REASONS).map(Number)]);
  const reason = maps.add({
    name,
    source: [variable('status')],
    exact: [
      ...[...ownStatuses].sort((a, b) => a - b).map((code) => [String(code), own] as const),
      ...[502, 504].map((code) => [String(code), failure] as const),
    ],
  });
  const cut = maps.add({ name: `${name}_cut`, source: [reason], fallback: reason, exact: [['', CUT_OFF]] });
  const told = maps.add({
    name: `${name}_told`,
    source: [variable('request_completion')],
    fallback: cut,
    exact: [['OK', reason]],
  });
  return { reason, told };
}

/** Defines the reason of a request that the upstream did not answer, as far as nginx's times and byte counts tell. */
function failureMap({ name, maps, connecting, own }: ReasonInput): Variable {
  const number = '[0-9][0-9.]*+';
  return maps.add({
    name: `${name}_failure`,
    source: [
      variable('status'),
      ...['upstream_addr', 'upstream_header_time', 'upstream_connect_time', 'upstream_bytes_received'].flatMap(
        (each): Part[] => ['|', variable(each)],
      ),
    ],
    fallback: FAILURES.unknown,
    patterns: [
      // No server was chosen.
      ['^[0-9]++[|][|]', own],
      // The upstream sent a head, so the status is the upstream's.
      [`^[0-9]++[|][^|]++[|]${LISTED}${number}[|]`, ''],
      // nginx logs the name of the block instead of an address where none of its servers has an address.
      ['^502[|](?:[^|]*, )?[^|:,]++[|]', FAILURES.unresolved],
      ['^504[|][^|]++[|]', FAILURES.timeout],
      [`^502[|][^|]++[|]${LISTED}-[|]${LISTED}-[|]`, connecting],
      [`^502[|][^|]++[|]${LISTED}-[|]${LISTED}${number}[|]${LISTED}[0-]\\z`, FAILURES.closed],
      [`^502[|][^|]++[|]${LISTED}-[|]${LISTED}${number}[|]${LISTED}[1-9][0-9]*+\\z`, FAILURES.badAnswer],
    ],
  });
}

export interface ProxyLog {
  readonly access: Access;
  readonly routing: Routing;
  readonly identity: Identity | undefined;
  /** The path, where the tables of paths are shared. */
  readonly path: Variable | undefined;
  readonly prefix: string;
  readonly maps: MapList;
}

/** Returns the log fields of a proxy about route, path and key. */
export function proxyFields(input: ProxyLog): Pick<RequestFields, 'route' | 'method' | 'path' | 'key' | 'keyPosition'> {
  const { access, routing, identity, prefix, maps } = input;
  const known = identity && access.usesKeys ? identity.logged : undefined;
  return {
    route: routeIds(input),
    method: METHOD,
    path: input.path ?? pathField({ route: routing.route, prefix, maps }),
    key: known?.key ?? '',
    keyPosition: known?.position ?? '',
  };
}

interface PathField extends Pick<ProxyLog, 'prefix' | 'maps'> {
  readonly route: Variable;
  /** The path where a route has it. */
  readonly whole?: Variable;
}

/** Defines the path as it is logged: less of it where no route, or no site, has it. */
export function pathField({ route, whole = PATH, prefix, maps }: PathField): Variable {
  const exact = [['', variable(BESIDE)]] as const;
  return maps.add({ name: `${prefix}_log_path`, source: [route], fallback: whole, exact });
}

/**
 * Returns the variable with the id of the route class, as the spec has it. Maps have other names for long ids and ids
 * with capital letters.
 */
export function routeIds({ access, routing, prefix, maps }: Omit<ProxyLog, 'identity' | 'path'>): Variable {
  const others = [...classNames(access)].filter(([routeClass, name]) => name !== routeClass.id);
  if (others.length === 0) return routing.route;
  return maps.add({
    name: `${prefix}_log_route`,
    source: [routing.route],
    fallback: routing.route,
    exact: others.map(([routeClass, name]) => [name, routeClass.id] as const),
  });
}
