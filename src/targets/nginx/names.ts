import type { Access, RouteClass } from '../../policy/access.ts';
import { fingerprint as hexDigits } from '../../policy/shortened.ts';

/** Longer names, of deep places or of classes that many groups share, would not fit into a token beside what stands with them. */
const LONGEST_NAME = 120;

/**
 * What maps call a place: its pattern. Maps ignore case, so capital letters of the spec are marked: "/{^I}ssues".
 * A long pattern gets a short name of its own; neither braces nor marks can come from a request.
 */
export function placeName(pattern: string): string {
  if (isRestOfPath(pattern.replace(/\/$/, '')) && pattern.endsWith('/')) return `${placeName(pattern.slice(0, -1))}/`;
  const name = pattern.split('/').map(segmentName).join('/');
  if (name.length <= LONGEST_NAME) return name;
  const rest = /\/\{[a-z]+\*\}$/i.exec(pattern)?.[0] ?? '';
  return `/{#${fingerprint(pattern)}}${rest}`;
}

/** One segment of a pattern, as it stands in the name of a place. */
export function segmentName(part: string): string {
  return part.startsWith('{') ? part : part.replace(/[A-Z]+/g, (capitals) => `{^${capitals}}`);
}

export function isRestOfPath(pattern: string): boolean {
  return pattern.endsWith('*}');
}

/** First words of nginx's own variables, which a proxy's must not be taken for. */
const TAKEN = new Set(
  (
    'after ancient arg args between binary body bytes capitals client connection connections content cookie date document fastcgi geoip gzip hop hops host ' +
    'hostname http http2 http3 https in invalid is jwt key limit line link log memcached modern msec msie nginx pid pipe plain protocol proxy query ' +
    'quic realip realpath redirect remote request rest scheme secure segment sent server session sites slice spdy ssl status tcpinfo time trailer uid unmarked upgrade ' +
    'upstream uri'
  ).split(' '),
);

/**
 * What the variables of a proxy, an upstream or a header start with. "-" becomes "__", and a single "_" stands before
 * the rest of a name, so that no two of them can meet. Captures of expressions have no such start, since their names may
 * be 32 characters long; a request is of one proxy, one key header and one upstream, so they never meet either.
 */
export function variablePrefix(id: string): string {
  const plain = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(id) && !TAKEN.has(id);
  const name = id.toLowerCase().replaceAll(/-+/g, '__');
  return plain ? name : `${name.replace(/_+$/, '')}___${fingerprint(id)}`;
}

/** The same, for names that nginx compares ignoring case: of zones, of upstreams. */
export function blockName(id: string): string {
  return id === id.toLowerCase() ? id : `${id.toLowerCase()}--${fingerprint(id)}`;
}

/** Short enough for the name of a variable. */
export function fingerprint(text: string): string {
  return hexDigits(text, 12);
}

/** What maps call the route classes: by their ids, with capital letters told apart, and long ones by a short name. */
export function classNames(access: Access): ReadonlyMap<RouteClass, string> {
  const names =
    known.get(access) ?? new Map(access.classes.map((routeClass) => [routeClass, className(routeClass.id)]));
  known.set(access, names);
  return names;
}

const known = new WeakMap<Access, ReadonlyMap<RouteClass, string>>();

/** The same for names of sets of groups. */
export function className(id: string): string {
  const isPlain = id.length <= LONGEST_NAME && id === id.toLowerCase();
  return isPlain ? id : `${id.slice(0, LONGEST_NAME).toLowerCase()}--${fingerprint(id)}`;
}
