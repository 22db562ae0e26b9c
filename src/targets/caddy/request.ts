import { below, caseless, escapeRegex, oneOf } from '../../plan/regex.ts';
import type { RouteClass } from '../../policy/access.ts';
import { credentialText, keySource } from '../../policy/key.ts';
import { forbiddenParameterSource, queryPairSource } from '../../policy/query.ts';
import type { Proxy } from '../../policy/types.ts';
import { lazily } from '../../prove/lazily.ts';
import type { Names } from './names.ts';
import { safeTarget } from './safeTarget.ts';
import { type Table, table } from './table.ts';

/**
 * The tables about the request line. They read the target as it was sent, because that is what is forwarded; `path` and
 * `path_regexp` decode and normalize what they compare. A target may be long, so that no expression may leave Go a
 * choice at any byte, or it begins with a sign that Go looks for first.
 */
export const requestTables = lazily((): readonly Table[] => [
  table({
    source: '{http.request.orig_uri}',
    destination: 'request.safe_path',
    entries: [[`~${safeTarget()}`, '$1']],
  }),
  table({
    // What stands behind the first "?"; "" for a target without one.
    source: '&{http.request.orig_uri.query}',
    destination: 'request.query',
    entries: [
      [`~&${forbiddenParameterSource(caseless)}`, 'query'],
      [`~^(?:&(?:${queryPairSource()}|$))*$`, 'ok'],
    ],
    fallback: 'query',
  }),
]);

/** Returns the table of `key.given`: the key in the key header; "" where there is none. */
export function keyTable({ apiKeyHeader, apiKeyScheme }: Proxy): Table {
  return table({
    source: `{http.request.header.${apiKeyHeader}}`,
    destination: 'key.given',
    // A folded line leaves blanks at the end.
    entries: [[`~^${credentialText(apiKeyScheme, '')}(${keySource()})[ \\t]*(?:,.*)?$`, '$1']],
  });
}

/**
 * Returns the tables of what the secrets say about a key: its id, which key of the id it is, and the token for the
 * upstream.
 */
export function identityTables(positions: boolean): Table[] {
  const source = '{http.vars.found}';
  return [
    table({ source, destination: 'key.id', entries: [['~^([^ ]+) ', '$1']] }),
    ...(positions ? [table({ source, destination: 'key.position', entries: [['~^[^ ]+ ([a-z]+) ', '$1']] })] : []),
    table({ source, destination: 'key.token', entries: [['~^[^ ]+ [a-z]+ (.+)$', '$1']] }),
  ];
}

/**
 * Source of an accepted Host: a name or an address, with a port. Go accepts more, and the Host goes upstream and into
 * links.
 */
const HOST = '(?:(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?)?';

/**
 * Returns the table of `request.body`: "ok", "malformed" (the Host), "content-type" or "body-size". The variable
 * `chunked` is set for a body of unknown length, because Go removes Transfer-Encoding before a placeholder could show
 * it.
 */
export function bodyTable(classes: readonly RouteClass[], names: Names): Table {
  const entries: [string, string][] = [[`~^${HOST} [^ ]* 0* `, 'ok']];
  const groups = new Map<string, { ids: string[]; types: string; length: string | undefined }>();
  for (const routeClass of classes) {
    const { contentTypes, maxBody } =
      routeClass.kind === 'forward' ? routeClass.forwarding : { contentTypes: 'any' as const, maxBody: undefined };
    const types = contentTypes === 'any' ? '' : `[ \\t]*${oneOf(contentTypes.map(caseless))}[ \\t]*(?:[;,]|$)`;
    const length = maxBody === undefined ? undefined : `(?:chunked|${below(maxBody + 1)})`;
    const key = `${length} ${types}`;
    const group = groups.get(key) ?? { ids: [], types, length };
    groups.set(key, group);
    group.ids.push(escapeRegex(routeClass.id));
  }
  const sorted = [...groups.values()].map((group) => ({ ...group, ids: group.ids.sort() }));
  for (const { ids, types, length } of sorted.sort((a, b) => ((a.ids[0] ?? '') < (b.ids[0] ?? '') ? -1 : 1))) {
    entries.push([`~^${HOST} ${oneOf(ids)} ${length ?? '[^ ]*'} ${types}`, 'ok']);
    if (length !== undefined) entries.push([`~^${HOST} ${oneOf(ids)} [^ ]* ${types}`, 'body-size']);
  }
  entries.push([`~^${HOST} `, 'content-type']);
  return table({
    source: `{http.request.hostport} {${names.route}} {http.vars.chunked}{http.request.header.Content-Length} {http.request.header.Content-Type}`,
    destination: names.made.body,
    entries,
    fallback: 'malformed',
  });
}
