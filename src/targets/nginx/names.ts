import type { Access, RouteClass } from '../../policy/access.ts';
import { fingerprint as hexDigits } from '../../policy/shortened.ts';

/**
 * Characters of the longest name that maps use as it is. A row may hold two names, such as a grant set and a route
 * class, and nginx limits the length of a token.
 */
const LONGEST_NAME = 120;

/** A capital letter in a segment that is no parameter, `/Issues`, unlike that of `/{encodedPath}`. */
const CAPITALS = /(?:^|\/)(?!\{)[^/A-Z]*[A-Z]/;

/**
 * Returns the name that maps use for a path so far, or for an endpoint: its pattern, `/groups/{int}`. Maps ignore
 * case, so runs of capital letters are marked: `/Issues` is `/{^I}ssues`. A pattern of more than 120 characters is
 * named by its digest: `/{#0123456789ab}`. No literal segment holds a brace, so none of these names is that of
 * another literal path.
 */
export function patternName(pattern: string): string {
  // Almost every pattern is its own name, and names are asked for once a row, method and proxy.
  if (pattern.length <= LONGEST_NAME && !CAPITALS.test(pattern)) return pattern;
  if (isRestOfPath(pattern.replace(/\/$/, '')) && pattern.endsWith('/')) return `${patternName(pattern.slice(0, -1))}/`;
  const name = pattern.split('/').map(segmentName).join('/');
  if (name.length <= LONGEST_NAME) return name;
  const rest = /\/\{[a-z]+\*\}$/i.exec(pattern)?.[0] ?? '';
  return `/{#${fingerprint(pattern)}}${rest}`;
}

/** Returns one segment of a pattern as names have it: `Issues` → `{^I}ssues`, `{int}` → `{int}`. */
export function segmentName(part: string): string {
  return part.startsWith('{') ? part : part.replace(/[A-Z]+/g, (capitals) => `{^${capitals}}`);
}

/** Returns whether a pattern ends with the rest of a path: `/files/{segment*}`. */
export function isRestOfPath(pattern: string): boolean {
  return pattern.endsWith('*}');
}

/**
 * Ids that get a digest, because their variables could have the name of a variable of nginx itself (`http` and
 * `_origin`) or of one that all proxies share.
 */
const RESERVED = new Set(
  (
    'after ancient arg args between binary body bytes capitals client connection connections content cookie date document fastcgi from geoip gzip hop hops host ' +
    'hostname http http2 http3 https in invalid is jwt key limit line link log memcached modern msec msie nginx pid pipe plain protocol proxy query ' +
    'quic realip realpath redirect remote request rest scheme secure segment sent server session shared sites slice spdy ssl status tcpinfo time trailer uid unmarked upgrade ' +
    'upstream uri'
  ).split(' '),
);

/**
 * Returns the start of the names of all variables of a proxy, an upstream or a key header. Runs of "-" become "__",
 * and the rest of a name follows one "_", so that no two ids share a variable: `my-api` has `$my__api_route`.
 * Captured groups have no such start, because PCRE limits their names to 32 characters. They cannot clash either: a
 * request belongs to one proxy, one key header and one upstream.
 */
export function variablePrefix(id: string): string {
  const plain = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(id) && !RESERVED.has(id);
  const name = id.toLowerCase().replaceAll(/-+/g, '__');
  return plain ? name : `${name.replace(/_+$/, '')}___${fingerprint(id)}`;
}

/**
 * Returns the start of the names of all variables of a route set: `hooks+read` has `$shared_hooks_and_read_route`. No
 * group has a "_" of its own.
 */
export function sharedPrefix(name: string): string {
  return `shared_${name.replaceAll('+', '_and_').replaceAll('~', '_with_').replaceAll('-', '__')}`;
}

/**
 * Returns the name of an upstream block or a log format. nginx ignores the case of such names, so an id with capital
 * letters gets a digest.
 */
export function blockName(id: string): string {
  return id === id.toLowerCase() ? id : `${id.toLowerCase()}--${fingerprint(id)}`;
}

/** Returns 12 hexadecimal digits of the digest of a text. */
export function fingerprint(text: string): string {
  return hexDigits(text, 12);
}

/**
 * Returns the name of each route class in maps: its id, with a digest where it is long or has capital letters, since
 * maps ignore case.
 */
export function classNames(access: Access): ReadonlyMap<RouteClass, string> {
  const names =
    known.get(access) ?? new Map(access.classes.map((routeClass) => [routeClass, className(routeClass.id)]));
  known.set(access, names);
  return names;
}

const known = new WeakMap<Access, ReadonlyMap<RouteClass, string>>();

/** Returns the name of a route class or a grant set in maps; see `classNames`. */
export function className(id: string): string {
  const isPlain = id.length <= LONGEST_NAME && id === id.toLowerCase();
  return isPlain ? id : `${id.slice(0, LONGEST_NAME).toLowerCase()}--${fingerprint(id)}`;
}
