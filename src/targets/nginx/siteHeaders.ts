import type { MapList } from './maps.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { alternatives, portMap, type SiteName, spellings } from './siteNames.ts';

/** A header with what goes in its place. */
export interface Mapped {
  readonly header: string;
  readonly part: Part;
}

interface Place {
  readonly header: string;
  /** What the names of its variables start with. */
  readonly id: string;
  readonly schemes: string;
  /** What may stand in front of a URL, and what must follow its origin. */
  readonly before: string;
  readonly after: string;
  /** nginx replaces nothing twice in one expression: each map does one URL and hands on the whole. */
  readonly most: number;
  /** What becomes of a header with more URLs than that. */
  readonly beyond: 'dropped' | 'kept';
}

/** nginx lets no line end into a header anyway; written as such, checkers of its configuration can tell. */
const ANY = '[^\r\n]*';

const ANSWERS: readonly Place[] = [
  {
    header: 'Location',
    id: 'sites_location',
    schemes: 'http',
    before: '',
    after: '[/?#]|\\z',
    most: 1,
    beyond: 'kept',
  },
  {
    header: 'Access-Control-Allow-Origin',
    id: 'sites_origin',
    schemes: 'http',
    before: '',
    after: '\\z',
    most: 1,
    beyond: 'kept',
  },
  {
    header: 'Www-Authenticate',
    id: 'sites_realm',
    schemes: 'http',
    before: `${ANY}?`,
    after: '[/?#",]|\\z',
    most: 4,
    beyond: 'dropped',
  },
  {
    header: 'Link',
    id: 'sites_link',
    schemes: 'http',
    before: `${ANY}?<`,
    after: '[/?#>]',
    most: 8,
    beyond: 'dropped',
  },
  // Without it a page may do more; with a public name too many in it, less.
  {
    header: 'Content-Security-Policy',
    id: 'sites_policy',
    schemes: 'http|ws',
    before: `${ANY}?`,
    after: '[/; ,]|\\z',
    most: 32,
    beyond: 'kept',
  },
];

const REQUESTS = [
  { header: 'Origin', id: 'sites_from', after: '\\z' },
  { header: 'Referer', id: 'sites_referer', after: '[/?#]|\\z' },
] as const;

/** Captures of every expression: each map is done with them before the next one looks. */
const BEFORE = variable('sites_before');
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
    volatile: true,
    source: [SCHEME, ' ', HOST],
    exact: known.flatMap(({ spelling, to, here }) => [
      [`http ${spelling}`, here ? [`${http}://${to}`, port] : `https://${to}`] as const,
      [`ws ${spelling}`, here ? [`${ws}://${to}`, port] : `wss://${to}`] as const,
    ]),
  });
  const hosts = alternatives(known.map(({ spelling }) => spelling));
  return ANSWERS.map((place) => ({ header: place.header, part: answerMap(place, { hosts, to, maps }) }));
}

interface Replacing {
  readonly hosts: readonly string[];
  readonly to: Variable;
  readonly maps: MapList;
}

function answerMap(
  { header, id, schemes, before, after, most, beyond }: Place,
  { hosts, to, maps }: Replacing,
): Variable {
  const patterns = hosts.map((host) => {
    const origin = `(?i:(?<sites_scheme>${schemes})s?://(?<sites_host>${host}))(?::443|:80)?`;
    return [`^(?<sites_before>${before})${origin}(?=${after})(?<sites_after>${ANY})\\z`, [BEFORE, to, AFTER]] as const;
  });
  let found = variable(`upstream_http_${header.toLowerCase().replaceAll('-', '_')}`);
  for (let number = 1; number <= most; number++)
    found = maps.add({ name: `${id}_${number}`, source: [found], fallback: found, patterns });
  if (beyond === 'kept') return found;
  const left = patterns.map(([pattern]) => [pattern, ''] as const);
  return maps.add({ name: id, source: [found], fallback: found, patterns: left });
}

/** And the other way round, where Rails and ActionCable compare them with their own name. */
export function requestMaps(names: readonly SiteName[], maps: MapList): Mapped[] {
  const from = maps.add({
    name: 'sites_public',
    volatile: true,
    source: [HOST],
    exact: names.map(({ to, host }) => [to, `https://${host}`]),
  });
  const hosts = alternatives(names.map(({ to }) => to));
  return REQUESTS.map(({ header, id, after }) => {
    const sent = variable(`http_${header.toLowerCase()}`);
    const patterns = hosts.map((host) => {
      const source = `^(?i:https?://(?<sites_host>${host}))(?::[0-9]+)?(?=${after})(?<sites_after>${ANY})\\z`;
      return [source, [from, AFTER]] as const;
    });
    return { header, part: maps.add({ name: id, source: [sent], fallback: sent, patterns }) };
  });
}

/** Expressions for the domains of cookies, and what stands in place of what they match. */
export function cookieDomains(names: readonly SiteName[], maps: MapList): { sources: readonly string[]; to: Variable } {
  const exact = names.map(({ from, to }) => [from, to] as const);
  return {
    sources: alternatives(names.map(({ from }) => from)).map((host) => `(?i)^[.]?(?<sites_host>${host})\\z`),
    to: maps.add({ name: 'sites_domain', volatile: true, source: [HOST], exact }),
  };
}
