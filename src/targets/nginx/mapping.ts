import { MOST_LINKS } from '../../plan/bounds.ts';
import { mappedOrigins, ODD_LINK, ODD_URL, originSource } from '../../plan/forwards.ts';
import { escapeRegex } from '../../plan/regex.ts';
import { ADDRESS_HEADERS, headersOf } from '../../policy/answerHeaders.ts';
import type { Upstream } from '../../policy/types.ts';
import { type MapList, mapList } from './maps.ts';
import type { MapModel } from './model.ts';
import { variablePrefix } from './names.ts';
import { type Part, type Variable, variable } from './quote.ts';

/** Source of an expression for a `Link` header with more entries than are mapped. */
export const TOO_MANY_LINKS = `^(?:[^<]*+<){${MOST_LINKS + 1}}`;

/** Most URLs in a `Www-Authenticate` header that are mapped. */
export const MOST_REALMS = 4;

/**
 * Source of the start of a URL that is not part of another one: `<https://…>`, `realm="https://…"`, `img-src
 * https://…`.
 */
export const START = '(?<![^ \t"<,;])';

/** A header of an answer, and the value that replaces it. */
export interface Mapped {
  readonly header: string;
  readonly part: Part;
}

/** The value of a header as the upstream sent it. */
export function answered(header: string): Variable {
  return variable(`upstream_http_${idOf(header)}`);
}

/** Returns the name of a header as it stands in names of variables. */
export function idOf(header: string): string {
  return header.toLowerCase().replaceAll('-', '_');
}

/** The mapping of answers to proxies that clients reach under the Host that they send: all without a `publicUrl`. */
export interface Answers {
  of(upstream: Upstream): readonly Mapped[];
  /** The maps of all that were asked for, by upstream. */
  maps(): readonly MapModel[];
}

export function sharedAnswers(): Answers {
  const known = new Map<string, { readonly mapped: readonly Mapped[]; readonly maps: readonly MapModel[] }>();
  const scheme = variable('scheme');
  const host = variable('http_host');
  const self = [scheme, '://', variable('server_addr'), ':', variable('server_port')];
  const first = mapList();
  const origin = first.add({
    name: 'request_origin',
    source: [host],
    fallback: [scheme, '://', host],
    exact: [['', self]],
  });
  return {
    of(upstream) {
      const own = mapList();
      const id = variablePrefix(upstream.id);
      const made = known.get(id) ?? {
        mapped: addressMapping({ upstream, origin, name: `from_${id}`, publicUrl: undefined }, own),
        maps: own.maps,
      };
      known.set(id, made);
      return made.mapped;
    },
    maps() {
      const sorted = [...known].sort(([a], [b]) => (a < b ? -1 : 1));
      return sorted.length === 0 ? [] : [...first.maps, ...sorted.flatMap(([, { maps }]) => maps)];
    },
  };
}

/** A character of a header: never a line end, which checkers of configuration want to see. */
const ANY = '[^\r\n]';

/** Captured groups that all maps share: each has used them before the next one is evaluated. */
const URL = variable('answer_url');
const REST = variable('answer_rest');
const BEFORE = variable('answer_before');
const LEFT = variable('answer_left');

interface Addresses {
  readonly upstream: Upstream;
  readonly publicUrl: string | undefined;
  readonly origin: Part;
  /** Start of the names of the maps. */
  readonly name: string;
}

/**
 * Defines the maps from an upstream's addresses in its answers to the `origin` under which the client reached the proxy:
 * a client that followed one to the upstream's own host would send it the key of the proxy.
 */
export function addressMapping({ upstream, origin, name: prefix, publicUrl }: Addresses, maps: MapList): Mapped[] {
  const own = `(?i:${originSource(mappedOrigins(upstream, publicUrl), escapeRegex)})`;
  const url = maps.add({
    name: `${prefix}_url`,
    comment: 'A URL. What clients read as they like, user information or "\\" for instance, leads to the root.',
    volatile: true,
    source: [URL],
    fallback: URL,
    patterns: [
      [`^(?:${ODD_URL})`, [origin, '/']],
      [`^${own}(?<answer_rest>(?:[/?#]${ANY}*)?)\\z`, [origin, REST]],
    ],
  });
  const next = maps.add({
    name: `${prefix}_next`,
    comment: 'The text up to the next URL of the upstream, which has become ours; nothing where there is none.',
    volatile: true,
    source: [LEFT],
    patterns: [
      [`^(?<answer_before>${ANY}*?${START})${own}(?=[/?#>";, ]|\\z)(?<answer_left>${ANY}*)\\z`, [BEFORE, origin]],
    ],
  });
  return headersOf('proxies', 'mapped').map((header) => {
    const name = `${prefix}_${idOf(header)}`;
    const text = { sent: answered(header), name, next, maps };
    const { holds } = ADDRESS_HEADERS[header];
    if (holds === 'links')
      return { header, part: textMap({ ...text, most: MOST_LINKS, never: [TOO_MANY_LINKS, ODD_LINK] }) };
    if (holds === 'challenge')
      return {
        header,
        part: textMap({ ...text, most: MOST_REALMS, never: [`^(?:(?:[^/]|/(?!/))*+//){${MOST_REALMS + 1}}`] }),
      };
    const patterns = [[`^(?<answer_url>${ANY}+)\\z`, url]] as const;
    return { header, part: maps.add({ name, source: [text.sent], patterns, oneLine: true }) };
  });
}

interface TextMap {
  readonly sent: Variable;
  readonly name: string;
  /** See `addressMapping`. */
  readonly next: Variable;
  readonly most: number;
  /** Expressions for values that are dropped instead of mapped. */
  readonly never: readonly string[];
  readonly maps: MapList;
}

/**
 * Defines the maps that replace every URL of the upstream in a text. nginx cannot replace all matches of an expression,
 * and evaluates a variable once for a text, so that each part has a map of its own.
 */
function textMap({ sent, name, next, most, never, maps }: TextMap): Variable {
  const parts = Array.from({ length: most }, (_, index) =>
    maps.add({ name: `${name}_${index + 1}`, source: [''], fallback: next, oneLine: true }),
  );
  return maps.add({
    name,
    source: [sent],
    patterns: [...never.map((source) => [source, ''] as const), [`^(?<answer_left>${ANY}+)\\z`, [...parts, LEFT]]],
  });
}
