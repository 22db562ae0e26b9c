import type { DomainRewrite } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { escapeRegex } from './router.ts';

/** A header with what goes in its place. */
export interface Mapped {
  readonly header: string;
  readonly part: Part;
}

export interface Outside {
  readonly secure: boolean;
  readonly port: number;
}

/** Short, because PCRE takes 32 characters for the name of a capture. */
const IDS = {
  Location: 's_location',
  'Access-Control-Allow-Origin': 's_origin',
  'Www-Authenticate': 's_realm',
  Link: 's_link',
  'Content-Security-Policy': 's_policy',
  Origin: 's_from',
  Referer: 's_referer',
} as const;

/** How often a name is replaced in one value; what comes after is left as it is. */
const MOST = { 'Www-Authenticate': 4, Link: 8, 'Content-Security-Policy': 20 } as const;

/** All names as one expression, which stands in each of them twice; `undefined` where that is too long for nginx. */
export function namesPattern(names: readonly DomainRewrite[]): string | undefined {
  const source = names.map(({ from }) => escapeRegex(from)).join('|');
  return source.length > 1_600 ? undefined : source;
}

function authority(to: string, { secure, port }: Outside): string {
  return port === (secure ? 443 : 80) ? to : `${to}:${port}`;
}

/** Names of the upstreams become the names that clients know, in every header that holds URLs. */
export function answerMaps(names: readonly DomainRewrite[], outside: Outside, maps: MapList): Mapped[] {
  const origins = names.map(
    ({ from, to }) => [from, `http${outside.secure ? 's' : ''}://${authority(to, outside)}`] as const,
  );
  const replace = { names, outside, maps };
  const single = (header: 'Location' | 'Access-Control-Allow-Origin', end: string): Mapped => {
    const id = IDS[header];
    const sent = variable(`upstream_http_${header.toLowerCase().replaceAll('-', '_')}`);
    const rest = `${id}_rest`;
    const found = `${id}_found`;
    const source = `(?i)^https?://(?<${found}>[a-z0-9.-]+)(?::443|:80)?(?<${rest}>${end})\\z`;
    const host = maps.add({ name: `${id}_host`, source: [sent], patterns: [[source, variable(found)]] });
    const exact = origins.map(([from, origin]) => [from, [origin, variable(rest)]] as const);
    return { header, part: maps.add({ name: id, source: [host], fallback: sent, exact }) };
  };
  return [
    single('Location', '(?:[/?#].*)?'),
    single('Access-Control-Allow-Origin', ''),
    {
      header: 'Www-Authenticate',
      part: replaceAll({ ...replace, header: 'Www-Authenticate', schemes: ['http'], before: '', after: '[/?#",]|\\z' }),
    },
    {
      header: 'Link',
      part: replaceAll({ ...replace, header: 'Link', schemes: ['http'], before: '<', after: '[/?#>]' }),
    },
    {
      header: 'Content-Security-Policy',
      part: replaceAll({
        ...replace,
        header: 'Content-Security-Policy',
        schemes: ['http', 'ws'],
        before: '',
        after: '[/:; ,]|\\z',
      }),
    },
  ];
}

interface Replace {
  readonly header: keyof typeof MOST;
  readonly names: readonly DomainRewrite[];
  readonly outside: Outside;
  readonly schemes: readonly string[];
  /** What stands in front of a URL, and an expression for what may follow its origin. */
  readonly before: string;
  readonly after: string;
  readonly maps: MapList;
}

/** nginx replaces nothing twice in one expression: each map does one URL and hands on what is left. */
function replaceAll({ header, names, outside, schemes, before, after, maps }: Replace): Variable {
  const id = IDS[header];
  const hosts = namesPattern(names);
  const url = (scheme: string, host: string) =>
    `${before}(?i:(?${scheme}${schemes.join('|')})s?://(?${host}${hosts}))(?::443|:80)?(?=${after})`;
  const origins = names.flatMap(({ from, to }) =>
    schemes.map(
      (scheme) => [`${scheme} ${from}`, `${scheme}${outside.secure ? 's' : ''}://${authority(to, outside)}`] as const,
    ),
  );
  const sent = variable(`upstream_http_${header.toLowerCase().replaceAll('-', '_')}`);
  const parts: Variable[] = [];
  let left = sent;
  for (let number = 1; number <= MOST[header]; number++) {
    const own = (name: string) => `${id}_${name}${number}`;
    const found = url(`<${own('scheme')}>`, `<${own('host')}>`);
    const source = `^(?<${own('before')}>(?:(?!${url(':', ':')}).)*+)${found}(?<${own('after')}>.*)\\z`;
    const origin = maps.add({
      name: own('origin'),
      source: [variable(own('scheme')), ' ', variable(own('host'))],
      exact: origins,
    });
    const patterns = [[source, [variable(own('before')), before, origin]]] as const;
    parts.push(maps.add({ name: own('part'), source: [left], fallback: left, patterns }));
    left = variable(own('after'));
  }
  return maps.add({ name: id, source: [sent], fallback: [...parts, left], exact: [['', '']] });
}

/** And the other way round, where Rails and ActionCable compare them with their own name. */
export function requestMaps(names: readonly DomainRewrite[], maps: MapList): Mapped[] {
  return (['Origin', 'Referer'] as const).map((header) => {
    const id = IDS[header];
    const sent = variable(`http_${header.toLowerCase()}`);
    const rest = `${id}_rest`;
    const end = header === 'Origin' ? '' : '(?:[/?#].*)?';
    const source = `(?i)^https?://(?<${id}_found>[a-z0-9.-]+)(?::[0-9]+)?(?<${rest}>${end})\\z`;
    const host = maps.add({ name: `${id}_host`, source: [sent], patterns: [[source, variable(`${id}_found`)]] });
    const exact = names.map(({ from, to }) => [to, [`https://${from}`, variable(rest)]] as const);
    return { header, part: maps.add({ name: id, source: [host], fallback: sent, exact }) };
  });
}
