import { isDeepStrictEqual } from 'node:util';
import { grantSets, listsOf } from '../../plan/callers.ts';
import type { Refusal } from '../../plan/log.ts';
import { below, escapeRegex } from '../../plan/regex.ts';
import { type Access, healthOf, isOpen, type RouteClass } from '../../policy/access.ts';
import { FORBIDDEN_PARAMETER_SOURCE, queryPairSource } from '../../policy/query.ts';
import type { ApiKey, Proxy } from '../../policy/types.ts';
import { inAny } from './addresses.ts';
import type { Caller } from './identity.ts';
import type { MapList } from './maps.ts';
import { className, classNames, fingerprint } from './names.ts';
import { QUERY } from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';
import type { Routing } from './routing.ts';

/** A verdict that refuses, such as `key-unknown`: the location of this name answers, and the log gives it as the reason. */
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
  /** What the spec says of routes and callers. */
  readonly grants: MapList;
  /** What is the same for all of them. */
  readonly maps: MapList;
  /** Set for a decision that only the log tells: what is in front of the names of its lists of addresses. */
  readonly shadow?: string;
}

/**
 * The order of the checks, last first, since each map names the next: address, key, path and method, scope,
 * query, body. Maps are evaluated when they are asked for, so a request pays for the checks that it reaches.
 * Where an expression is involved, what passes is what matches: one that fails to run refuses.
 */
export function decisionMaps(input: DecisionInput): Variable {
  const { proxy, prefix, maps, grants, shadow } = input;
  const afterKey = shadow === undefined ? plainMap(input) : queryMap(input, bodyMaps(input).body);
  const key = keyMaps(input, routeMap(input, afterKey));
  const entrance = openMap(input, key, afterKey);
  const lists = listsOf(proxy.ranges, { kind: 'proxy', name: proxy.id });
  const verdict = { name: `${prefix}_verdict`, comment: 'From where.' };
  if (lists === 'any')
    return namedMap(input, healthMap(input, maps.add({ ...verdict, source: [''], fallback: entrance }), afterKey));
  const { source, inside } = inAny(lists, shadow);
  const exact = inside.map((text) => [text, entrance] as const);
  return namedMap(
    input,
    healthMap(input, grants.add({ ...verdict, source, fallback: because('address'), exact }), afterKey),
  );
}

/** Whether it is this proxy that is asked, whatever made nginx choose its server. `$host` is in lower case, without port and last dot. */
function namedMap({ proxy: { hosts }, prefix, grants, shadow }: DecisionInput, next: Variable): Variable {
  // A request for another name was refused before, and has no shadow.
  if (hosts.length === 0 || shadow !== undefined) return next;
  return grants.add({
    name: `${prefix}_verdict_named`,
    comment: 'Under which name.',
    source: [variable('host')],
    fallback: because('misdirected'),
    exact: hosts.map((host) => [host, next] as const),
  });
}

/** Health checks come from elsewhere than requests. */
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
    comment: 'Who may ask whether it is alive.',
    source,
    fallback: lists === 'any' ? answer : because('address'),
    exact: inside.map((text) => [text, answer] as const),
  });
  return grants.add({
    name: `${prefix}_verdict_or_health`,
    comment: 'Health checks, and all others.',
    source: [routing.route],
    fallback: others,
    exact: [[classNames(access).get(routeClass) ?? '', from]],
  });
}

/** Route classes that no key is asked for. */
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

/** A key that is known, in time, at home at this address, and has a token. */
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

/** Path, method and grant in one look-up; only what it refuses is looked at again, to say why. */
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

const PAIR = `(?!(?i:${FORBIDDEN_PARAMETER_SOURCE}))${queryPairSource('possessive')}`;
const PAIRS = `${PAIR}(?:&${PAIR})*+&?+`;
/** What is no host name or address would go upstream as X-Forwarded-Host, and into links. */
const HOST = '(?:[A-Za-z0-9._-]++|\\[[0-9A-Fa-f:.]++\\])(?::[0-9]{1,5})?';
const BODY = [variable('http_transfer_encoding'), variable('http_content_length')];

const HEAD_LENGTH = variable('request_length');

function fitting({ proxy }: DecisionInput): string {
  return below(proxy.maxRequestHead + 1);
}

/** No body, a host and a query that pass, all in one look; where one does not, they are looked at one by one. */
function plainMap(input: DecisionInput): Part {
  const { prefix, maps } = input;
  const { location, body } = bodyMaps(input);
  const oneByOne = queryMap(input, hostMap(input, body));
  return maps.add({
    name: `${prefix}_verdict_plain`,
    // Up to here only the head has been read, of which nginx itself takes two buffers.
    source: [...BODY, ' ', HEAD_LENGTH, ' ', variable('http_host'), ' ', QUERY],
    fallback: oneByOne,
    patterns: [[`^0*+ ${fitting(input)} (?:${HOST})?+ (?:${PAIRS})?+\\z`, location]],
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
 * Whether the body, if there is one, has a type that the route class takes; then the location that serves the route class.
 * A request without a body passes whatever its type; a length of zero is no body.
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
  const lists = [...new Set(access.classes.map(typesOf))].filter((types) => types !== '');
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

/** For a request whose body nobody is going to read: where it is forwarded, the location counts the bytes. */
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
        // How long a body in chunks will be is not known in advance.
        patterns: [[`^(?:[^0-9]|${below(most + 1)}\\z)`, locationOf(routeClass)]],
      });
    checks.set(most, check);
    return check;
  };
}

function hostMap(input: DecisionInput, next: Part): Part {
  const { prefix, maps } = input;
  const tooLarge = maps.add({
    name: `${prefix}_verdict_head`,
    source: [HEAD_LENGTH],
    fallback: because('head-size'),
    patterns: [[`^${fitting(input)}\\z`, because('malformed')]],
  });
  return maps.add({
    name: `${prefix}_verdict_host`,
    source: [HEAD_LENGTH, ' ', variable('http_host')],
    fallback: tooLarge,
    patterns: [[`^${fitting(input)} (?:${HOST})?+\\z`, next]],
  });
}

/** `application/json` → `application_json`; where that could be another list too, with a name of its own. */
function typesName(types: string): string {
  const plain = types.replace(/[^a-z0-9]+/g, '_');
  return /^[a-z0-9]+\/[a-z0-9]+$/.test(types) ? plain : `${plain.slice(0, 60)}_${fingerprint(types)}`;
}

function typesOf(routeClass: RouteClass): string {
  if (routeClass.kind === 'answer' || routeClass.forwarding.contentTypes === 'any') return '';
  return routeClass.forwarding.contentTypes.join(' ');
}
