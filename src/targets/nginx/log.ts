import type { Access, Cell } from '../../policy/access.ts';
import { classNames } from './classes.ts';
import type { Identity } from './identity.ts';
import type { MapList } from './maps.ts';
import { METHOD, PATH } from './paths.ts';
import { type NginxToken, type Part, type Variable, value, variable } from './quote.ts';
import type { Routing } from './routing.ts';

interface LogInput {
  readonly access: Access;
  readonly client: Variable;
  readonly routing: Routing;
  readonly identity: Identity | undefined;
  readonly prefix: string;
  readonly maps: MapList;
}

/** One JSON object a decision. `route` stands first, because asking for it splits the line that method and path come from. */
export function logFormat({ access, client, routing, identity, prefix, maps }: LogInput): NginxToken[] {
  const others = [...classNames(access)].filter(([cell, name]) => name !== cell.id);
  const route = others.length === 0 ? routing.route : idMap(others, { routing, prefix, maps });
  // A path that nothing allows may be a secret in the wrong place: it is cut where it stops being plain.
  const cut = maps.add({
    name: `${prefix}_log_cut`,
    source: [variable('request')],
    patterns: [['^[A-Z_-]++ (?<log_plain>/[A-Za-z0-9_./-]{0,200}+)', variable('log_plain')]],
  });
  const path = maps.add({
    name: `${prefix}_log_path`,
    source: [routing.route],
    fallback: PATH,
    exact: [['', cut]],
  });
  const key = identity && access.usesKeys ? knownKey(identity, prefix, maps) : '';
  const fields: readonly (readonly [string, Part])[] = [
    ['time', variable('time_iso8601')],
    ['route', route],
    ['client', client],
    ['method', METHOD],
    ['path', path],
    ['key', key],
  ];
  const text = fields.map(([name, part], index) => value(`${index === 0 ? '{' : ''}"${name}":"`, part, '",'));
  return [
    ...text,
    value('"status":', variable('status'), ',"upstreamTime":"', variable('upstream_response_time'), '"}'),
  ];
}

/** Route classes as the spec has them, where maps call them by another name. */
function idMap(
  others: readonly (readonly [Cell, string])[],
  { routing, prefix, maps }: Pick<LogInput, 'routing' | 'prefix' | 'maps'>,
): Variable {
  return maps.add({
    name: `${prefix}_log_route`,
    source: [routing.route],
    fallback: routing.route,
    exact: others.map(([cell, name]) => [name, cell.id] as const),
  });
}

/** Expired keys are named too: whose they were is what one wants to know. */
function knownKey({ id }: Identity, prefix: string, maps: MapList): Part {
  return maps.add({
    name: `${prefix}_log_key`,
    source: [variable('secure_link')],
    exact: [
      ['1', id],
      ['0', id],
    ],
  });
}
