import { isDeepStrictEqual } from 'node:util';
import { grantSets, listsOf } from '../../plan/callers.ts';
import type { Refusal } from '../../plan/log.ts';
import { below, escapeRegex } from '../../plan/regex.ts';
import { type Access, healthOf, isOpen, type RouteClass } from '../../policy/access.ts';
import { forbiddenParameterSource, queryPairSource } from '../../policy/query.ts';
import type { ApiKey, Proxy } from '../../policy/types.ts';
import { inAny } from './addresses.ts';
import { PREFLIGHT, preflightMap } from './cors.ts';
import type { Caller } from './identity.ts';
import type { MapList } from './maps.ts';
import { className, classNames, fingerprint } from './names.ts';
import { QUERY } from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';
import type { Routing } from './routing.ts';

/**
 * Returns a verdict that refuses, such as `key-unknown`. The location of that name answers, and the log shows it as the
 * reason.
 */
const because = (reason: Refusal): Refusal => reason;

export interface DecisionInput {
  readonly proxy: Proxy;
  readonly access: Access;
  readonly routing: Routing;
  readonly identity: Caller | undefined;
  readonly apiKeys: readonly ApiKey[];
  /** Name of the location that forwards or answers a route class. */
  readonly locationOf: (routeClass: RouteClass) => string;
  readonly prefix: string;
  /** Receives the maps that depend on the routes and keys of the spec. */
  readonly grants: MapList;
  /** Receives the maps that are the same whatever the routes and keys. */
  readonly maps: MapList;
  /** Set for a shadow, whose decision is only logged: what the names of its address tables start with. */
  readonly shadow?: string;
}

/**
 * Defines the verdict on a request and returns its variable. The checks are: host name, client address, preflight, key,
 * path with method and grant, head size and Host, query, body. Where names choose the proxy or a preflight is answered,
 * head size and Host are checked right then. They are defined from last to first, since each map names the next, and
 * nginx evaluates a map only when it is used, so that a request costs no more than the checks that it reaches. A check
 * with an expression passes what matches: when PCRE fails, the request is refused.
 */
export function decisionMaps(input: DecisionInput): Variable {
  const { proxy, prefix, maps, grants, shadow } = input;
  const headed = headChecks(input);
  const afterKey = shadow === undefined ? plainMap(input, headed) : queryMap(input, bodyMaps(input).body);
  const key = keyMaps(input, routeMap(input, afterKey));
  const open = openMap(input, key, afterKey);
  const { cors } = proxy;
  let entrance = open;
  if (cors) {
    const isChecked = isNamed(input) || shadow !== undefined;
    const answer = isChecked ? PREFLIGHT : headed('verdict_preflight', PREFLIGHT);
    entrance = preflightMap({ cors, prefix, grants, maps, allow: input.routing.allow, answer }, open);
  }
  const verdict = healthMap(input, addressMap(input, entrance), afterKey);
  return isNamed(input) ? namedMap(input, headed('verdict_host', verdict)) : verdict;
}

function addressMap({ proxy, prefix, maps, grants, shadow }: DecisionInput, next: Part): Variable {
  const lists = listsOf(proxy.ranges, { kind: 'proxy', name: proxy.id });
  const verdict = { name: `${prefix}_verdict`, comment: 'Addresses that clients may come from.' };
  if (lists === 'any') return maps.add({ ...verdict, source: [''], fallback: next });
  const { source, inside } = inAny(lists, shadow);
  const exact = inside.map((text) => [text, next] as const);
  return grants.add({ ...verdict, source, fallback: because('address'), exact });
}

/**
 * Returns whether the names of the proxy are checked. The enforced policy refuses a request for another name, and such a
 * request has no shadow decision.
 */
function isNamed({ proxy: { hosts }, shadow }: DecisionInput): boolean {
  return hosts.length > 0 && shadow === undefined;
}

/**
 * Defines the check that the request is for a name of this proxy, since nginx may have chosen its server by default.
 * `$host` is in lower case, without a dot at the end and without a port, or anything else behind a colon.
 */
function namedMap({ proxy: { hosts }, prefix, grants }: DecisionInput, next: Part): Variable {
  return grants.add({
    name: `${prefix}_verdict_named`,
    comment: 'Host names of the proxy.',
    source: [variable('host')],
    fallback: because('misdirected'),
    exact: hosts.map((host) => [host, next] as const),
  });
}

/** Defines the check of the health path, which has address lists of its own. */
function healthMap(
  { proxy, access, routing, prefix, grants, shadow }: DecisionInput,
  others: Variable,
  answer: Part,
): Variable {
  const routeClass = access.classes.find((each) => healthOf(each));
  const ranges = healthOf(routeClass)?.ranges;
  if (!routeClass || !ranges) return others;
  const lists = listsOf(ranges, { kind: 'health', name: proxy.id });
  const { source, inside } = lists === 'any' ? { source: [''], inside: [] } : inAny(lists, shadow);
  const from = grants.add({
    name: `${prefix}_verdict_health`,
    comment: 'Addresses that may ask whether it is alive.',
    source,
    fallback: lists === 'any' ? answer : because('address'),
    exact: inside.map((text) => [text, answer] as const),
  });
  return grants.add({
    name: `${prefix}_verdict_or_health`,
    comment: 'Health checks have their own addresses, and need no key.',
    source: [routing.route],
    fallback: others,
    exact: [[classNames(access).get(routeClass) ?? '', from]],
  });
}

/** Defines the way past the checks of the key for route classes that need no key. */
function openMap({ access, routing, prefix, grants }: DecisionInput, keyed: Part, open: Part): Part {
  const names = classNames(access);
  const classes = access.classes.filter((routeClass) => isOpen(routeClass) && !healthOf(routeClass));
  if (!access.usesKeys || classes.length === 0) return keyed;
  const exact = classes.map((routeClass) => [names.get(routeClass) ?? '', open] as const).sort(byKey);
  return grants.add({
    name: `${prefix}_verdict_open`,
    comment: 'Route classes that no key is asked for.',
    source: [routing.route],
    fallback: keyed,
    exact,
  });
}

/** Defines the checks of the key: it is known, has not expired, may be used from this address and has a token. */
function keyMaps({ access, identity, apiKeys, prefix, maps }: DecisionInput, next: Part): Part {
  if (!access.usesKeys) return next;
  if (!identity) throw new Error('a proxy with keys has an identity');
  const { selector, grants, link, token } = identity;
  const has =
    token === undefined
      ? next
      : maps.add({
          name: `${prefix}_verdict_token`,
          source: [token],
          fallback: next,
          exact: [['', because('token-missing')]],
        });
  const missing = maps.add({
    name: `${prefix}_verdict_missing`,
    source: [identity.sent],
    fallback: because('key-malformed'),
    exact: [['', because('key-missing')]],
    patterns: [['^[ \\t]*+(?:,|\\z)', because('key-missing')]],
  });
  const elsewhere = maps.add({
    name: `${prefix}_verdict_elsewhere`,
    source: [grants],
    fallback: because('key-address'),
    exact: [['', because('key-unknown')]],
  });
  const unknown = maps.add({
    name: `${prefix}_verdict_unknown`,
    source: [link, ' ', selector],
    fallback: because('key-unknown'),
    exact: [[' ', missing]],
    patterns: [
      ['^0 ', because('key-expired')],
      ['^1 ', elsewhere],
    ],
  });
  return maps.add({
    name: `${prefix}_verdict_key`,
    source: [link, ' ', grants],
    fallback: unknown,
    exact: grantSets(apiKeys).map(({ name }) => [`1 ${className(name)}`, has] as const),
  });
}

/** Defines the check of path, method and grant in one look-up. Only a refusal is looked up again, to find its reason. */
function routeMap({ access, identity, apiKeys, routing, prefix, grants, maps }: DecisionInput, next: Part): Part {
  const names = classNames(access);
  const noMethod = maps.add({
    name: `${prefix}_verdict_path`,
    source: [routing.allow],
    fallback: because('method'),
    exact: [['', because('path')]],
  });
  const verdict = { name: `${prefix}_verdict_route`, comment: 'Who may use which route class.' };
  if (!access.usesKeys || !identity) {
    const classes = access.classes.filter((routeClass) => !healthOf(routeClass));
    const exact = classes.map((routeClass) => [names.get(routeClass) ?? '', next] as const).sort(byKey);
    return grants.add({ ...verdict, source: [routing.route], fallback: noMethod, exact });
  }
  const refused = maps.add({
    name: `${prefix}_verdict_grant`,
    source: [routing.route],
    fallback: because('key-routes'),
    exact: [['', noMethod]],
  });
  const exact = grantSets(apiKeys).flatMap(({ name, groups }) =>
    access.classes
      .filter(
        (routeClass) =>
          !isOpen(routeClass) &&
          (routeClass.kind === 'answer' || routeClass.groups.some((group) => groups.includes(group))),
      )
      .map((routeClass) => [`${className(name)} ${names.get(routeClass)}`, next] as const)
      .sort(byKey),
  );
  return grants.add({ ...verdict, source: [identity.grants, ' ', routing.route], fallback: refused, exact });
}

const byKey = ([a]: readonly [string, Part], [b]: readonly [string, Part]) => (a < b ? -1 : a > b ? 1 : 0);

const PAIR = `(?!(?i:${forbiddenParameterSource()}))${queryPairSource('possessive')}`;
const PAIRS = `${PAIR}(?:&${PAIR})*+&?+`;
/** Source of the Host headers that are accepted. Anything else would go upstream as X-Forwarded-Host, and into links. */
const HOST = '(?:[A-Za-z0-9._-]++|\\[[0-9A-Fa-f:.]++\\])(?::[0-9]{1,5})?';
const BODY = [variable('http_transfer_encoding'), variable('http_content_length')];

/** nginx has read only the head at this point. Its own limit allows for two buffers of the largest size. */
const HEAD_LENGTH = variable('request_length');
const HEAD = [HEAD_LENGTH, ' ', variable('http_host')];

function fitting({ proxy }: DecisionInput): string {
  return below(proxy.maxRequestHead + 1);
}

function goodHead(input: DecisionInput): string {
  return `${fitting(input)} (?:${HOST})?+`;
}

/**
 * Defines one look-up that passes a request without a body and with a good query, and a good head where that was not
 * checked before. Any other request goes through these checks one by one.
 */
function plainMap(input: DecisionInput, headed: HeadChecks): Part {
  const { prefix, maps } = input;
  const { location, body } = bodyMaps(input);
  const isChecked = isNamed(input);
  const oneByOne = queryMap(input, isChecked ? body : headed('verdict_host', body));
  return maps.add({
    name: `${prefix}_verdict_plain`,
    source: [...BODY, ' ', ...(isChecked ? [] : [...HEAD, ' ']), QUERY],
    fallback: oneByOne,
    patterns: [[`^0*+ ${isChecked ? '' : `${goodHead(input)} `}(?:${PAIRS})?+\\z`, location]],
  });
}

function queryMap({ prefix, maps }: DecisionInput, next: Part): Part {
  return maps.add({
    name: `${prefix}_verdict_query`,
    source: [QUERY],
    fallback: because('query'),
    exact: [['', next]],
    patterns: [[`^${PAIRS}\\z`, next]],
  });
}

/**
 * Defines the check of the body (`body`) and the location that serves the route class (`location`). The type of a body
 * has to be one that the route class accepts. A request without a body passes whatever its Content-Type, and a length
 * of zero is no body.
 */
function bodyMaps(input: DecisionInput): {
  location: Part;
  body: Part;
} {
  const { access, routing, locationOf, prefix, grants, maps } = input;
  const names = classNames(access);
  const choose = (name: string, comment: string, resultOf: (routeClass: RouteClass) => Part): Part => {
    const results = access.classes
      .map((routeClass) => [names.get(routeClass) ?? '', resultOf(routeClass)] as const)
      .sort(byKey);
    const [[, first] = ['', because('path')]] = results;
    // A request that comes this far has a route class, so nothing is looked up where all classes have the same result.
    const isAlike = results.every(([, result]) => isDeepStrictEqual(result, first));
    const rows = isAlike ? { fallback: first } : { fallback: because('path'), exact: results };
    return grants.add({ name: `${prefix}_${name}`, comment, source: [routing.route], idle: true, ...rows });
  };
  const location = choose('verdict_location', 'What serves a route class.', locationOf);
  const fit =
    input.shadow === undefined ? location : choose('verdict_size', 'How long a body may be.', sizeCheck(input));
  const lists = [...new Set(access.classes.map(typesOf))].filter((types) => types !== '').sort();
  const bodyless = { source: BODY, exact: [['', location]] as const, patterns: [['^0++\\z', location]] as const };
  if (lists.length === 0)
    return {
      location,
      body: fit === location ? location : maps.add({ name: `${prefix}_verdict_body`, ...bodyless, fallback: fit }),
    };
  const checks = new Map<string, Part>([['', fit]]);
  for (const types of lists) {
    const sent = variable('http_content_type');
    const patterns = types
      .split(' ')
      .map((type) => [`^[ \\t]*+(?i:${escapeRegex(type)})[ \\t]*+(?:[;,]|\\z)`, fit] as const);
    const name = `${prefix}_verdict_${typesName(types)}`;
    checks.set(types, maps.add({ name, source: [sent], fallback: because('content-type'), patterns }));
  }
  const body = maps.add({
    name: `${prefix}_verdict_body`,
    ...bodyless,
    fallback: choose(
      'verdict_types',
      'What types a body may have.',
      (routeClass) => checks.get(typesOf(routeClass)) ?? because('content-type'),
    ),
  });
  return { location, body };
}

/**
 * Returns the check of the body's size for each route class. Only a shadow needs it: where a request is forwarded, its
 * location counts the bytes.
 */
function sizeCheck({ prefix, maps, locationOf }: DecisionInput): (routeClass: RouteClass) => Part {
  const checks = new Map<number, Part>();
  return (routeClass) => {
    const most = routeClass.kind === 'forward' ? routeClass.forwarding.maxBody : undefined;
    if (most === undefined) return locationOf(routeClass);
    const check =
      checks.get(most) ??
      maps.add({
        name: `${prefix}_verdict_up_to_${most}`,
        source: BODY,
        fallback: because('body-size'),
        // The size of a chunked body is not known in advance.
        patterns: [[`^(?:[^0-9]|${below(most + 1)}\\z)`, locationOf(routeClass)]],
      });
    checks.set(most, check);
    return check;
  };
}

type HeadChecks = (name: string, next: Part) => Part;

/** Returns what defines the check of head size and Host under a name. */
function headChecks(input: DecisionInput): HeadChecks {
  const { prefix, maps } = input;
  let refused: Part | undefined;
  return (name, next) => {
    refused ??= maps.add({
      name: `${prefix}_verdict_head`,
      source: [HEAD_LENGTH],
      fallback: because('head-size'),
      patterns: [[`^${fitting(input)}\\z`, because('malformed')]],
    });
    const patterns = [[`^${goodHead(input)}\\z`, next]] as const;
    return maps.add({ name: `${prefix}_${name}`, source: HEAD, fallback: refused, patterns });
  };
}

/**
 * Returns a name for a list of types: `application/json` → `application_json`. A list that may share this name with
 * another list, or with "or health", gets a digest.
 */
function typesName(types: string): string {
  const plain = types.replace(/[^a-z0-9]+/g, '_');
  return /^(?!or\/)[a-z0-9]+\/[a-z0-9]+$/.test(types) ? plain : `${plain.slice(0, 60)}_${fingerprint(types)}`;
}

function typesOf(routeClass: RouteClass): string {
  if (routeClass.kind === 'answer' || routeClass.forwarding.contentTypes === 'any') return '';
  return routeClass.forwarding.contentTypes.join(' ');
}
