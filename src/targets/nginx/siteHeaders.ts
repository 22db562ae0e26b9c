import { MOST_LINKS } from './mapping.ts';
import type { MapList } from './maps.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { alternatives, portMap, type SiteName, spellings } from './siteNames.ts';

/** A header with what goes in its place. */
export interface Mapped {
  readonly header: string;
  readonly part: Part;
}

/** nginx lets no line end into a header anyway; written as such, checkers of its configuration can tell. */
const ANY = '[^\r\n]*';

/** Headers of answers that are one URL, and what may follow its origin. */
const ADDRESSES = [
  { header: 'Location', id: 'sites_location', after: `(?:[/?#]${ANY})?` },
  { header: 'Access-Control-Allow-Origin', id: 'sites_origin', after: '' },
] as const;

/**
 * Headers that hold several URLs. nginx replaces nothing twice in one expression: each map does one URL and hands on
 * the whole. With more URLs than that, a challenge or a link is left out, because a client would follow it to the
 * public name; a policy is kept, because with names missing in it a page may do less, not more.
 */
const TEXTS = [
  { header: 'Www-Authenticate', id: 'sites_realm', most: 4, beyond: 'dropped' },
  { header: 'Link', id: 'sites_link', most: MOST_LINKS, beyond: 'dropped' },
  { header: 'Content-Security-Policy', id: 'sites_policy', most: 32, beyond: 'kept' },
] as const;

const REQUESTS = [
  { header: 'Origin', id: 'sites_from', after: '' },
  { header: 'Referer', id: 'sites_referer', after: `(?:[/?#]${ANY})?` },
] as const;

/** Captures of every expression: each map is done with them before the next one looks. */
const TEXT = variable('sites_text');
const BEFORE = variable('sites_before');
const ORIGIN = variable('sites_sent');
const SCHEME = variable('sites_scheme');
const HOST = variable('sites_host');
const AFTER = variable('sites_after');

/** Names of the upstreams become the names that clients know, in every header that holds URLs. */
export function answerMaps(names: readonly SiteName[], secure: boolean, maps: MapList): Mapped[] {
  const port = portMap(secure, maps);
  const [http, ws] = secure ? ['https', 'wss'] : ['http', 'ws'];
  const known = names.flatMap((name) => spellings(name).map((spelling) => ({ ...name, spelling })));
  const to = maps.add({
    name: 'sites_to',
    comment: 'By scheme and public name, the origin that clients know.',
    volatile: true,
    source: [SCHEME, ' ', HOST],
    fallback: ORIGIN,
    exact: known.flatMap(({ spelling, to, here }) => {
      const origin = here ? [`${http}://${to}`, port] : `https://${to}`;
      return [
        [` ${spelling}`, origin] as const,
        [`http ${spelling}`, origin] as const,
        [`ws ${spelling}`, here ? [`${ws}://${to}`, port] : `wss://${to}`] as const,
      ];
    }),
  });
  const renamed = renamedMap(
    known.map(({ spelling }) => spelling),
    to,
    maps,
  );
  const origin = originSource('http', HOST_SOURCE);
  return [
    ...ADDRESSES.map(({ header, id, after }) => {
      const sent = variable(`upstream_http_${header.toLowerCase().replaceAll('-', '_')}`);
      const patterns = [[`^${origin}(?<sites_after>${after})\\z`, [to, AFTER]]] as const;
      return { header, part: maps.add({ name: id, source: [sent], fallback: sent, patterns }) };
    }),
    ...TEXTS.map((text) => ({ header: text.header, part: textMaps(text, renamed, maps) })),
  ];
}

/** A host with its port; the usual ports are the same as none. */
const HOST_SOURCE = '[A-Za-z0-9._-]*[A-Za-z0-9_-](?:[.]?:(?!(?:443|80)(?![0-9]))[0-9]+)?';

/** An origin in every spelling that clients read as the same, without a scheme too. */
function originSource(schemes: string, host: string): string {
  return `(?<sites_sent>(?i:(?:(?<sites_scheme>${schemes})s?:)?//(?<sites_host>${host}))[.]?(?::443|:80)?)`;
}

/** Where a URL starts that is not a part of another one: `<https://…>`, `realm="https://…"`, `img-src https://…`. */
const START = '(?<![^ \t"<,;])';

/** A text with the first of the names in it replaced; the text itself where none is. */
function renamedMap(spelled: readonly string[], to: Variable, maps: MapList): Variable {
  const patterns = alternatives(spelled).map((host) => {
    const source = `^(?<sites_before>${ANY}?)${START}${originSource('http|ws', host)}(?=[/?#>";, ]|\\z)(?<sites_after>${ANY})\\z`;
    return [source, [BEFORE, to, AFTER]] as const;
  });
  const comment = 'A text in which the first of these names has become the one that clients know.';
  return maps.add({ name: 'sites_renamed', comment, volatile: true, source: [TEXT], fallback: TEXT, patterns });
}

function textMaps({ header, id, most, beyond }: (typeof TEXTS)[number], renamed: Variable, maps: MapList): Variable {
  const patterns = [['^(?<sites_text>[^\r\n]+)\\z', renamed]] as const;
  let found = variable(`upstream_http_${header.toLowerCase().replaceAll('-', '_')}`);
  for (let number = 1; number <= most; number++)
    found = maps.add({ name: `${id}_${number}`, source: [found], patterns, oneLine: true });
  if (beyond === 'kept') return found;
  const further = maps.add({ name: `${id}_further`, source: [found], patterns, oneLine: true });
  // It is whole where there is nothing to replace any more.
  const same = [['^(?<sites_text>[^\r\n]*)\n\\k<sites_text>\\z', TEXT]] as const;
  return maps.add({ name: id, source: [found, '\n', further], patterns: same, oneLine: true });
}

/** And the other way round, where Rails and ActionCable compare them with their own name. */
export function requestMaps(names: readonly SiteName[], maps: MapList): Mapped[] {
  const from = maps.add({
    name: 'sites_public',
    comment: 'By private name, the origin that the upstream knows as its own.',
    volatile: true,
    source: [HOST],
    fallback: ORIGIN,
    exact: names.map(({ to, host }) => [to, `https://${host}`]),
  });
  return REQUESTS.map(({ header, id, after }) => {
    const sent = variable(`http_${header.toLowerCase()}`);
    const source = `^(?<sites_sent>(?i:https?://(?<sites_host>[A-Za-z0-9._-]*[A-Za-z0-9_-]))[.]?(?::[0-9]+)?)(?<sites_after>${after})\\z`;
    return {
      header,
      part: maps.add({ name: id, source: [sent], fallback: sent, patterns: [[source, [from, AFTER]]] }),
    };
  });
}

/** An expression for the domains of cookies, and what stands in place of one. */
export function cookieDomains(names: readonly SiteName[], maps: MapList): { source: string; to: Variable } {
  const exact = names.map(({ from, to }) => [from, to] as const);
  return {
    source: '^(?<sites_sent>[.]?(?<sites_host>[A-Za-z0-9._-]+))\\z',
    to: maps.add({ name: 'sites_domain', volatile: true, source: [HOST], fallback: ORIGIN, exact }),
  };
}
