import {
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
import { VERDICTS } from './locations.ts';
import type { MapList } from './maps.ts';
import { classNames } from './names.ts';
import { METHOD, PATH } from './paths.ts';
import { type NginxToken, type Part, type Variable, value, variable } from './quote.ts';
import type { Routing } from './routing.ts';

/** What a line says of one proxy's, or of the sites', requests. */
export type Said = {
  readonly [K in 'proxy' | 'client' | 'method' | 'path' | 'reason' | 'route' | 'key' | 'keyPosition']: Part;
};

/** What a line says of the shadow. */
export type ShadowSaid = { readonly [K in keyof ShadowLine]: Part };

type LogParts = { readonly [K in keyof LogLine]: Part | readonly Part[] };

const isParts = (part: Part | readonly Part[]): part is readonly Part[] => Array.isArray(part);

/** One JSON object a request. `route` stands early, because method and path are captured when it is asked for. */
export function logFormat(said: Said, shadow?: ShadowSaid): NginxToken[] {
  const { proxy, route, ...others } = said;
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

/** The reason that a status has where an engine gives it by itself. */
const BY_STATUS = 'log_reason_by_status';

/** Of each kind of number that nginx gives as a list, one for each server that was asked, the last one. */
const LISTED = '(?:[0-9.-]++, )*+';

/** The fields of the log that are the same for every proxy, worked out when a request is over. */
export function sharedLogMaps(list: MapList): void {
  // An answer without a head, as HTTP/0.9 had it, has the status 009, which is no number in JSON.
  const status = variable('status');
  list.add({ name: 'log_status', source: [status], fallback: status, exact: ['009', '000'].map((odd) => [odd, '0']) });
  list.add({
    name: 'log_upstream_time',
    source: [variable('upstream_response_time')],
    fallback: variable('upstream_response_time'),
    exact: [['', 'null']],
    patterns: [[', (?<log_seconds>[0-9.]++)\\z', variable('log_seconds')]],
  });
  list.add({ name: BY_STATUS, source: [status], fallback: 'internal', exact: Object.entries(STATUS_REASONS) });
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
    // Rows for what servers mostly answer spare most requests the expression. 502 and 504 are not among them: nginx
    // says so of servers that did not answer, too.
    exact: [['', 'null'], ...USUAL.map((status) => [status, status] as const)],
  });
}

const USUAL = ['200', '201', '202', '204', '206', '304', '400', '401', '403', '404', '409', '422', '500'];

/** nginx does not tell a connection that was refused from TLS that failed. */
const CONNECTING = { http: FAILURES.refused, https: FAILURES.unreachable };

/** The word for a connection to one of these upstreams that did not come about; `choose` is asked where there are several words. */
export function connectingWord(
  upstreams: readonly Pick<Upstream, 'scheme'>[],
  choose: (words: typeof CONNECTING) => Part,
): Part {
  const [only, ...others] = [...new Set(upstreams.map(({ scheme }) => scheme))];
  return only === undefined || others.length > 0 ? choose(CONNECTING) : CONNECTING[only];
}

interface ReasonInput {
  /** Of the maps. */
  readonly name: string;
  readonly maps: MapList;
  /** The word for a request that the policy refuses, or the name of what serves it. */
  readonly verdict: Part | undefined;
  /** The word for a connection that did not come about. */
  readonly connecting: Part;
  /** What the proxy answers by itself on purpose, as status and verdict: `404 answer:any:/old`. */
  readonly answered?: readonly string[];
}

/**
 * Why it is not the upstream's answer. By status first: most have one that needs no reason, and cost one look-up.
 */
export function reasonMap({ name, maps, verdict, connecting, answered = [] }: ReasonInput): Variable {
  const status = variable('status');
  const engine = variable(BY_STATUS);
  const refused =
    verdict === undefined
      ? engine
      : maps.add({
          name: `${name}_verdict`,
          source: [status, ' ', verdict],
          fallback: engine,
          exact: [
            ...VERDICTS.map((reason) => [`${REFUSALS[reason]} ${reason}`, reason] as const),
            ...answered.map((each) => [each, ''] as const),
          ],
          patterns: [['^404 method\\z', 'method']],
        });
  const own = maps.add({
    name: `${name}_own`,
    source: [variable('upstream_status')],
    exact: ['', '-'].map((none) => [none, refused] as const),
  });
  const failure = failureMap({ name, maps, connecting, own });
  const ownStatuses = new Set([...Object.values(REFUSALS), ...Object.keys(STATUS_REASONS).map(Number)]);
  return maps.add({
    name,
    source: [status],
    exact: [
      ...[...ownStatuses].sort((a, b) => a - b).map((code) => [String(code), own] as const),
      ...[502, 504].map((code) => [String(code), failure] as const),
    ],
  });
}

interface Failure extends Pick<ReasonInput, 'name' | 'maps' | 'connecting'> {
  /** The word where no upstream was asked. */
  readonly own: Variable;
}

/** What became of a request that the upstream did not answer, as far as times and bytes tell. */
function failureMap({ name, maps, connecting, own }: Failure): Variable {
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
      ['^[0-9]++[|][|]', own],
      // The upstream sent a head, so the status is its own.
      [`^[0-9]++[|][^|]++[|]${LISTED}${number}[|]`, ''],
      // nginx gives the name of the block in place of an address where none of its servers has one.
      ['^502[|](?:[^|]*, )?[^|:]++[|]', FAILURES.unresolved],
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
  readonly prefix: string;
  readonly maps: MapList;
}

/** What a proxy's lines say of route, path and key. */
export function proxySaid(input: ProxyLog): Pick<Said, 'route' | 'method' | 'path' | 'key' | 'keyPosition'> {
  const { access, routing, identity, prefix, maps } = input;
  const route = routeIds(input);
  const plain = maps.add({
    name: `${prefix}_log_plain`,
    source: [variable('request')],
    patterns: [
      [`^[A-Z_-]++ (?<log_whole>${PLAIN_PATH.whole})[ ?]`, variable('log_whole')],
      [`^[A-Z_-]++ (?<log_beginning>${PLAIN_PATH.beginning})/`, [variable('log_beginning'), '/*']],
    ],
  });
  const path = maps.add({ name: `${prefix}_log_path`, source: [routing.route], fallback: PATH, exact: [['', plain]] });
  // An expired key is named too, so that its owner can be found.
  const ofKey = (name: string, part: Part) =>
    maps.add({
      name: `${prefix}_log_${name}`,
      source: [variable('secure_link')],
      exact: ['1', '0'].map((is) => [is, part]),
    });
  const known = identity && access.usesKeys ? identity : undefined;
  return {
    route,
    method: METHOD,
    path,
    key: known ? ofKey('key', known.id) : '',
    keyPosition: known?.position ? ofKey('key_position', known.position) : '',
  };
}

/** Route classes as the spec has them, where maps call them by another name. */
export function routeIds({ access, routing, prefix, maps }: Omit<ProxyLog, 'identity'>): Variable {
  const others = [...classNames(access)].filter(([routeClass, name]) => name !== routeClass.id);
  if (others.length === 0) return routing.route;
  return maps.add({
    name: `${prefix}_log_route`,
    source: [routing.route],
    fallback: routing.route,
    exact: others.map(([routeClass, name]) => [name, routeClass.id] as const),
  });
}
