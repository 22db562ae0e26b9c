import type { Access } from '../../policy/access.ts';
import type { Identity } from './identity.ts';
import type { MapList } from './maps.ts';
import { type NginxToken, type Part, type Variable, value, variable } from './quote.ts';
import type { Routing } from './routing.ts';
import { cellNames } from './states.ts';

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
  const cells = [...cellNames(access)].map(([cell, name]) => [name, cell.id] as const);
  const named = cells.every(([name, id]) => name === id);
  const route = named ? routing.cell : maps.add({ name: `${prefix}route`, source: [routing.cell], exact: cells });
  // A path that nothing allows may be a secret in the wrong place: it is cut where it stops being plain.
  const plain = `${prefix}plain`;
  const cut = maps.add({
    name: `${prefix}cut`,
    source: [variable('request')],
    patterns: [[`^[A-Z_-]++ (?<${plain}>/[A-Za-z0-9_./-]{0,200}+)`, variable(plain)]],
  });
  const path = maps.add({
    name: `${prefix}logged`,
    source: [routing.cell],
    fallback: routing.path,
    exact: [['', cut]],
  });
  const key = identity && access.usesKeys ? knownKey(identity, prefix, maps) : '';
  const fields: readonly (readonly [string, Part])[] = [
    ['time', variable('time_iso8601')],
    ['route', route],
    ['client', client],
    ['method', routing.method],
    ['path', path],
    ['key', key],
  ];
  const text = fields.map(([name, part], index) => value(`${index === 0 ? '{' : ''}"${name}":"`, part, '",'));
  return [
    ...text,
    value('"status":', variable('status'), ',"upstreamTime":"', variable('upstream_response_time'), '"}'),
  ];
}

/** Expired keys are named too: whose they were is what one wants to know. */
function knownKey({ id }: Identity, prefix: string, maps: MapList): Part {
  return maps.add({
    name: `${prefix}known`,
    source: [variable('secure_link')],
    exact: [
      ['1', id],
      ['0', id],
    ],
  });
}
