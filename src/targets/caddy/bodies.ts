import { below, caseless, escapeRegex, oneOf } from '../../plan/regex.ts';
import type { RouteClass } from '../../policy/access.ts';
import { type Table, table } from './table.ts';

/** Go takes more for a host than names and addresses. Of what is sent, it goes upstream and into links. */
const HOST = '(?:(?:[A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?)?';

/**
 * "ok", "malformed" (the Host), "content-type" or "body-size" in `request.body`. The variable `chunked` is set for a body of unknown length, because Go
 * takes Transfer-Encoding away before any placeholder could show it.
 */
export function bodyTable(classes: readonly RouteClass[]): Table {
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
    source:
      '{http.request.hostport} {http.vars.route} {http.vars.chunked}{http.request.header.Content-Length} {http.request.header.Content-Type}',
    destination: 'request.body',
    entries,
    fallback: 'malformed',
  });
}
