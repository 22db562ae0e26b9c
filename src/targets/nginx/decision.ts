import type { Access, Cell } from '../../policy/access.ts';
import { FORBIDDEN_PARAMETER_SOURCE, queryPairSource } from '../../policy/query.ts';
import type { ApiKey, Proxy } from '../../policy/types.ts';
import type { Areas } from './areas.ts';
import type { Identity, Role } from './identity.ts';
import type { MapList } from './maps.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { escapeRegex } from './router.ts';
import type { Routing } from './routing.ts';
import { cellNumbers } from './states.ts';

export interface DecisionInput {
  readonly proxy: Proxy;
  readonly access: Access;
  readonly areas: Areas;
  readonly area: Variable;
  readonly routing: Routing;
  readonly identity: Identity | undefined;
  readonly roles: ReadonlyMap<ApiKey, Role>;
  /** Name of the location that forwards or answers a cell. */
  readonly locationOf: (cell: Cell) => string;
  readonly prefix: string;
  readonly maps: MapList;
}

export interface DecisionVariables {
  /** Status of a refusal, or name of a location that forwards or answers. */
  readonly verdict: Variable;
  readonly allow: Variable;
}

/**
 * The order of the checks, last first, since each map names the next: address, key, path and method, scope,
 * query, body. Maps are evaluated when they are asked for, so a request pays for the checks that it reaches.
 * Where an expression is involved, what passes is what matches: one that fails to run refuses.
 */
export function decisionMaps(input: DecisionInput): DecisionVariables {
  const { proxy, areas, area, prefix, maps, routing } = input;
  const allow = maps.add({
    name: `${prefix}allow`,
    source: ['=', routing.state],
    exact: routing.allowed.map(([state, methods]) => [`=${state}`, methods] as const),
  });
  const afterKey = queryMap(input);
  const cell = cellMap(input, afterKey, allow);
  const key = keyMaps(input, cell);
  const entrance = openMap(input, key, afterKey);
  const verdict = maps.add({
    name: `${prefix}verdict`,
    source: [area],
    fallback: '403',
    exact: areas.areasOf(proxy.ranges).map((each) => [String(each), entrance] as const),
  });
  return { verdict, allow };
}

function isOpen(cell: Cell): boolean {
  return cell.kind === 'forward' && cell.forwarding.auth === 'passthrough';
}

/** Cells that no key is asked for. */
function openMap({ access, routing, prefix, maps }: DecisionInput, keyed: Part, open: Part): Part {
  const numbers = cellNumbers(access);
  const cells = access.cells.filter(isOpen);
  if (!access.usesKeys || cells.length === 0) return keyed;
  const exact = cells.map((cell) => [String(numbers.get(cell)), open] as const);
  return maps.add({ name: `${prefix}v_open`, source: [routing.cell], fallback: keyed, exact });
}

/** A key that is known, in time, at home at this address, and has a token. */
function keyMaps({ access, areas, area, identity, roles, prefix, maps }: DecisionInput, next: Part): Part {
  if (!access.usesKeys) return next;
  if (!identity) throw new Error('a proxy with keys has an identity');
  const { selector, from, token } = identity;
  const good = maps.add({ name: `${prefix}v_token`, source: [token], fallback: next, exact: [['', '403']] });
  const unknown = maps.add({ name: `${prefix}v_unknown`, source: [selector], fallback: '403', exact: [['', '401']] });
  const sets = new Set([...roles.keys()].flatMap(({ ranges }) => (ranges ? [ranges] : [])));
  const homes = new Map(
    [...sets].flatMap((set) => areas.areasOf(set).map((each) => [`1 ${areas.numberOf(set)} ${each}`, good] as const)),
  );
  const link = variable('secure_link');
  const home =
    homes.size === 0
      ? unknown
      : maps.add({ name: `${prefix}v_home`, source: [link, ' ', from, ' ', area], fallback: unknown, exact: homes });
  return maps.add({ name: `${prefix}v_key`, source: [link, ' ', from], fallback: home, exact: [['1 any', good]] });
}

/** Path, method and scope in one look-up; only what it refuses is looked at again, to say why. */
function cellMap(
  { proxy, access, identity, roles, routing, prefix, maps }: DecisionInput,
  next: Part,
  allow: Variable,
): Part {
  const numbers = cellNumbers(access);
  const noMethod =
    proxy.methodNotAllowed === 404
      ? '404'
      : maps.add({ name: `${prefix}v_path`, source: [allow], fallback: '405', exact: [['', '404']] });
  if (!access.usesKeys || !identity) {
    const exact = access.cells.map((cell) => [String(numbers.get(cell)), next] as const);
    return maps.add({ name: `${prefix}v_cell`, source: [routing.cell], fallback: noMethod, exact });
  }
  const refused = maps.add({
    name: `${prefix}v_scope`,
    source: [routing.cell],
    fallback: '403',
    exact: [['', noMethod]],
  });
  const exact = [...new Set(roles.values())].flatMap(({ name, groups }) =>
    access.cells
      .filter(
        (cell) => cell.kind === 'answer' || (!isOpen(cell) && cell.groups.some((group) => groups.includes(group))),
      )
      .map((cell) => [`${name} ${numbers.get(cell)}`, next] as const),
  );
  return maps.add({ name: `${prefix}v_cell`, source: [identity.role, ' ', routing.cell], fallback: refused, exact });
}

function queryMap(input: DecisionInput): Part {
  const { routing, prefix, maps } = input;
  const next = hostMap(input);
  const pair = `(?!(?i:${FORBIDDEN_PARAMETER_SOURCE}))${queryPairSource('possessive')}`;
  return maps.add({
    name: `${prefix}v_query`,
    source: ['?', routing.query],
    fallback: '400',
    exact: [['?', next]],
    patterns: [[`^[?]${pair}(?:&${pair})*+\\z`, next]],
  });
}

/** Whether the body, if there is one, has a type that the cell takes; then the location that serves the cell. */
function bodyMaps({ access, routing, locationOf, prefix, maps }: DecisionInput): Part {
  const numbers = cellNumbers(access);
  const choose = (name: string, results: readonly (readonly [cell: Cell, result: Part])[]): Part => {
    const [first] = results;
    const exact = results.map(([cell, result]) => [String(numbers.get(cell)), result] as const);
    // Cells that are treated alike need no look-up: whoever comes here has one of them.
    if (first && new Set(results.map(([, result]) => JSON.stringify(result))).size === 1) return first[1];
    return maps.add({ name: `${prefix}${name}`, source: [routing.cell], fallback: '404', exact });
  };
  const byTypes = new Map<string, Cell[]>();
  for (const cell of access.cells) byTypes.set(typesOf(cell), [...(byTypes.get(typesOf(cell)) ?? []), cell]);
  const results = [...byTypes].flatMap(([types, cells], index) => {
    const location = choose(
      `v_location${index + 1}`,
      cells.map((cell) => [cell, locationOf(cell)] as const),
    );
    const result = types === '' ? location : typeMap(`${prefix}v_type${index + 1}`, { types, next: location, maps });
    return cells.map((cell) => [cell, result] as const);
  });
  return choose('v_body', results);
}

/** What is no host name or address would go upstream as X-Forwarded-Host, and into links. */
function hostMap(input: DecisionInput): Part {
  const next = bodyMaps(input);
  const host = '(?:[A-Za-z0-9._-]++|\\[[0-9A-Fa-f:.]++\\])';
  return input.maps.add({
    name: `${input.prefix}v_host`,
    source: [variable('http_host')],
    fallback: '400',
    exact: [['', next]],
    patterns: [[`^${host}(?::[0-9]{1,5})?\\z`, next]],
  });
}

function typesOf(cell: Cell): string {
  if (cell.kind === 'answer' || cell.forwarding.contentTypes === 'any') return '';
  return cell.forwarding.contentTypes.map(escapeRegex).join('|');
}

/** A request without a body passes whatever its type; a length of zero is no body. */
function typeMap(name: string, { types, next, maps }: { types: string; next: Part; maps: MapList }): Variable {
  return maps.add({
    name,
    source: [
      variable('http_transfer_encoding'),
      ':',
      variable('http_content_length'),
      ':',
      variable('http_content_type'),
    ],
    fallback: '415',
    exact: [['::', next]],
    patterns: [
      ['^:0*+:', next],
      [`^[^:]*+:[^:]*+:[ \\t]*+(?i:${types})[ \\t]*+(?:[;,]|\\z)`, next],
    ],
  });
}
