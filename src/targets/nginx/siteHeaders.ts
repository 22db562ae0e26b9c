import { MOST_LINKS } from '../../plan/bounds.ts';
import { ODD_LINK, ODD_URL } from '../../plan/forwards.ts';
import { escapeRegex } from '../../plan/regex.ts';
import type { MappedAnswer, MappedRequest, NamePair } from '../../plan/sites.ts';
import { ofFollowed } from '../../policy/answerHeaders.ts';
import { fingerprint } from '../../policy/shortened.ts';
import { answered, idOf, type Mapped, MOST_REALMS, START, TOO_MANY_LINKS } from './mapping.ts';
import type { MapList } from './maps.ts';
import { type Variable, variable } from './quote.ts';

/**
 * Any text of a header. nginx accepts no line end in a header anyway; excluding it lets checkers of configuration see
 * that.
 */
const ANY = '[^\r\n]*';

/** A header whose value is one URL. `after` is the source of what may follow its origin. */
interface OneUrl {
  readonly id: string;
  /** Source of what stands before its origin, as in `0; url=https://…`. */
  readonly before?: string;
  readonly after: string;
  /** Whether clients follow the URL. One that they may read as they like leads them to the root of the site. */
  readonly leads: boolean;
}

/**
 * A header whose value holds several URLs. nginx cannot replace all matches of an expression, so each of `most` maps
 * replaces one URL and passes the whole value on. If URLs are left after that, a challenge or a link is dropped,
 * because a client would follow it to the public name; a policy is kept, because with a name missing a page may do less
 * instead of more.
 */
interface TextHeader {
  readonly id: string;
  readonly most: number;
  /** Expression for values that are dropped instead of mapped. */
  readonly never?: string;
  readonly beyond: 'dropped' | 'kept';
}

/** Source of what stands before the URL in `0; url=https://…` and in `0, https://…`, which clients read alike. */
const DELAY = '[ \\t]*+[0-9.]*+[ \\t]*+[;,]?+[ \\t]*+(?:(?i:url)[ \\t]*+=[ \\t]*+)?+';

/**
 * How each header of an answer is mapped, in the order of the maps. nginx itself finds the domains of cookies, with
 * `proxy_cookie_domain`.
 */
const ANSWERS: { readonly [H in MappedAnswer]: OneUrl | TextHeader | 'cookieDomains' } = {
  ...ofFollowed((header) => ({ id: `sites_${idOf(header)}`, after: `(?:[/?#]${ANY})?`, leads: true })),
  Refresh: {
    id: 'sites_refresh',
    before: DELAY,
    after: `(?:[/?#]${ANY})?`,
    leads: true,
  },
  'Access-Control-Allow-Origin': { id: 'sites_origin', after: '', leads: false },
  'Www-Authenticate': { id: 'sites_realm', most: MOST_REALMS, beyond: 'dropped' },
  Link: { id: 'sites_link', most: MOST_LINKS, beyond: 'dropped', never: `${TOO_MANY_LINKS}|${ODD_LINK}` },
  'Content-Security-Policy': { id: 'sites_policy', most: 32, beyond: 'kept' },
  'Set-Cookie': 'cookieDomains',
};

const REQUESTS: { readonly [H in MappedRequest]: OneUrl } = {
  Origin: { id: 'sites_from', after: '', leads: false },
  Referer: { id: 'sites_referer', after: `(?:[/?#]${ANY})?`, leads: false },
};

/** Captured groups that all expressions share: each map has used them before the next one is evaluated. */
const TEXT = variable('sites_text');
const BEFORE = variable('sites_before');
const ORIGIN = variable('sites_sent');
const SCHEME = variable('sites_scheme');
const HOST = variable('sites_host');
const AFTER = variable('sites_after');

/** Defines the maps that replace names of upstreams by the names that clients know, in every header that holds URLs. */
export function answerMaps(names: readonly NamePair[], secure: boolean, maps: MapList): Mapped[] {
  const port = portMap(secure, maps);
  const [http, ws] = secure ? ['https', 'wss'] : ['http', 'ws'];
  const known = names.flatMap((name) => spellings(name).map((spelling) => ({ ...name, spelling })));
  const to = maps.add({
    name: 'sites_to',
    comment: 'By scheme and public name, the origin that clients know.',
    volatile: true,
    source: [SCHEME, ' ', HOST],
    fallback: ORIGIN,
    exact: known.flatMap(({ spelling, to, hasSite }) => {
      const origin = hasSite ? [`${http}://${to}`, port] : `https://${to}`;
      return [
        [` ${spelling}`, origin] as const,
        [`http ${spelling}`, origin] as const,
        [`ws ${spelling}`, hasSite ? [`${ws}://${to}`, port] : `wss://${to}`] as const,
      ];
    }),
  });
  const renamed = renamedMap(
    known.map(({ spelling }) => spelling),
    to,
    maps,
  );
  const origin = originSource('http', HOST_SOURCE);
  return Object.entries(ANSWERS).flatMap(([header, how]): Mapped[] => {
    if (how === 'cookieDomains') return [];
    const sent = answered(header);
    if ('most' in how) return [{ header, part: textMaps(sent, how, { renamed, maps }) }];
    const { before, after, leads } = how;
    const start = before === undefined ? '^' : `^(?<sites_before>${before})`;
    const kept = before === undefined ? [] : [BEFORE];
    const patterns = [
      ...(leads ? [[`${start}(?:${ODD_URL})`, [...kept, '/']] as const] : []),
      [`${start}${origin}(?<sites_after>${after})\\z`, [...kept, to, AFTER]] as const,
    ];
    return [{ header, part: maps.add({ name: how.id, source: [sent], fallback: sent, patterns }) }];
  });
}

/** Source of a host with its port. The usual ports are not part of it, because they mean the same as no port. */
const HOST_SOURCE = '[A-Za-z0-9._-]*[A-Za-z0-9_-](?:[.]?:(?!(?:443|80)(?![0-9]))[0-9]+)?';

/** Returns the source of an origin in every spelling that clients read as the same, also without a scheme. */
function originSource(schemes: string, host: string): string {
  return `(?<sites_sent>(?i:(?:(?<sites_scheme>${schemes})s?:)?//(?<sites_host>${host}))[.]?(?::443|:80)?)`;
}

/** Defines the map from a text to the same text with the first known name replaced; a text without one stays as it is. */
function renamedMap(spelled: readonly string[], to: Variable, maps: MapList): Variable {
  const patterns = alternatives(spelled).map((host) => {
    const source = `^(?<sites_before>${ANY}?)${START}${originSource('http|ws', host)}(?=[/?#>";, ]|\\z)(?<sites_after>${ANY})\\z`;
    return [source, [BEFORE, to, AFTER]] as const;
  });
  const comment = 'A text in which the first of these names has become the one that clients know.';
  return maps.add({ name: 'sites_renamed', comment, volatile: true, source: [TEXT], fallback: TEXT, patterns });
}

/** Defines the maps of a header with several URLs, and returns the variable with its new value. */
function textMaps(
  sent: Variable,
  { id, most, beyond, never }: TextHeader,
  { renamed, maps }: { readonly renamed: Variable; readonly maps: MapList },
): Variable {
  const patterns = [['^(?<sites_text>[^\r\n]+)\\z', renamed]] as const;
  let found = sent;
  if (never !== undefined)
    found = maps.add({ name: `${id}_sent`, source: [sent], fallback: sent, patterns: [[never, '']], oneLine: true });
  for (let number = 1; number <= most; number++)
    found = maps.add({ name: `${id}_${number}`, source: [found], patterns, oneLine: true });
  if (beyond === 'kept') return found;
  const further = maps.add({ name: `${id}_further`, source: [found], patterns, oneLine: true });
  // The value is complete if one more replacement leaves it unchanged.
  const same = [['^(?<sites_text>[^\r\n]*)\n\\k<sites_text>\\z', TEXT]] as const;
  return maps.add({ name: id, source: [found, '\n', further], patterns: same, oneLine: true });
}

/**
 * Defines the maps for headers of requests, in which the public name replaces the private one: Rails and ActionCable
 * compare these headers with the public name.
 */
export function requestMaps(names: readonly NamePair[], maps: MapList): Mapped[] {
  const from = maps.add({
    name: 'sites_public',
    comment: 'By private name, the origin that the upstream knows as its own.',
    volatile: true,
    source: [HOST],
    fallback: ORIGIN,
    exact: names.map(({ from: name, to, ownPort }) => [to, `https://${name}${ownPort}`]),
  });
  return Object.entries(REQUESTS).map(([header, { id, after }]) => {
    const sent = variable(`http_${header.toLowerCase()}`);
    const source = `^(?<sites_sent>(?i:https?://(?<sites_host>[A-Za-z0-9._-]*[A-Za-z0-9_-]))[.]?(?::[0-9]+)?)(?<sites_after>${after})\\z`;
    return {
      header,
      part: maps.add({ name: id, source: [sent], fallback: sent, patterns: [[source, [from, AFTER]]] }),
    };
  });
}

/** Returns an expression for domains of cookies, and the variable with the domain that replaces one. */
export function cookieDomains(names: readonly NamePair[], maps: MapList): { source: string; to: Variable } {
  const exact = names.map(({ from, to }) => [from, to] as const);
  return {
    source: '^(?<sites_sent>[.]?(?<sites_host>[A-Za-z0-9._-]+))\\z',
    to: maps.add({ name: 'sites_domain', volatile: true, source: [HOST], fallback: ORIGIN, exact }),
  };
}

/** Most bytes of names in one expression, so that nginx can read it. */
const MOST_BYTES = 3_000;

/**
 * Returns the spellings of a public name: alone, and with the upstream's own port, before which it may have the dot of
 * the DNS root.
 */
export function spellings({ from, ownPort }: NamePair): string[] {
  return ownPort === '' ? [from] : [from, `${from}${ownPort}`, `${from}.${ownPort}`];
}

/**
 * Returns alternations of names for expressions, as few as can hold them. The names themselves decide where an
 * alternation ends, so that a new name changes one or two of them.
 */
export function alternatives(names: readonly string[]): string[] {
  const chunks: string[] = [];
  for (const name of names.toSorted()) {
    const source = escapeRegex(name);
    const last = chunks.at(-1);
    const isFull = last === undefined || last.length + source.length >= MOST_BYTES || startsOne(name);
    if (isFull) chunks.push(source);
    else chunks[chunks.length - 1] = `${last}|${source}`;
  }
  return chunks;
}

/** Returns whether a name begins a new alternation: one name in 64 does. */
function startsOne(name: string): boolean {
  return Number.parseInt(fingerprint(name, 2), 16) < 4;
}

/**
 * Defines the port of the site as the client wrote it: behind a load balancer, the sites listen on another port than
 * clients know.
 */
function portMap(secure: boolean, maps: MapList): Variable {
  const source = `(?<sites_digits>:(?!${secure ? 443 : 80}\\z)[0-9]{1,5})\\z`;
  return maps.add({
    name: 'sites_port',
    source: [variable('http_host')],
    patterns: [[source, variable('sites_digits')]],
  });
}
