import type { Access, Cell } from '../../policy/access.ts';
import { FORBIDDEN_PARAMETER_SOURCE, queryPairSource } from '../../policy/query.ts';
import type { ApiKey, Proxy } from '../../policy/types.ts';
import type { Areas } from './areas.ts';
import type { Identity, Role } from './identity.ts';
import type { MapList } from './maps.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { escapeRegex } from './router.ts';
import type { Routing } from './routing.ts';
import { cellNames } from './states.ts';

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
    source: [routing.state],
    exact: routing.allowed.map(([state, methods]) => [String(state), methods] as const),
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
  const names = cellNames(access);
  const cells = access.cells.filter(isOpen);
  if (!access.usesKeys || cells.length === 0) return keyed;
  const exact = cells.map((cell) => [names.get(cell) ?? '', open] as const);
  return maps.add({ name: `${prefix}v_open`, source: [routing.cell], fallback: keyed, exact });
}

/** A key that is known, in time, at home at this address, and has a token. */
function keyMaps({ access, areas, area, identity, roles, prefix, maps }: DecisionInput, next: Part): Part {
  if (!access.usesKeys) return next;
  if (!identity) throw new Error('a proxy with keys has an identity');
  const { selector, role, from, token } = identity;
  const good = maps.add({ name: `${prefix}v_token`, source: [token], fallback: next, exact: [['', '403']] });
  const unknown = maps.add({ name: `${prefix}v_unknown`, source: [selector], fallback: '403', exact: [['', '401']] });
  const link = variable('secure_link');
  const key = { name: `${prefix}v_key`, source: [link, ' ', from ?? role] };
  if (!from) {
    const known = new Set([...roles.values()].map(({ name }) => name));
    return maps.add({ ...key, fallback: unknown, exact: [...known].map((name) => [`1 ${name}`, good] as const) });
  }
  const sets = new Map([...roles.keys()].flatMap(({ ranges }) => (ranges ? [[areas.numberOf(ranges), ranges]] : [])));
  const homes = [...sets].flatMap(([number, set]) =>
    areas.areasOf(set).map((each) => [`1 ${number} ${each}`, good] as const),
  );
  const home = { name: `${prefix}v_home`, source: [link, ' ', from, ' ', area] };
  return maps.add({
    ...key,
    fallback: maps.add({ ...home, fallback: unknown, exact: homes }),
    exact: [['1 any', good]],
  });
}

/** Path, method and scope in one look-up; only what it refuses is looked at again, to say why. */
function cellMap(
  { proxy, access, identity, roles, routing, prefix, maps }: DecisionInput,
  next: Part,
  allow: Variable,
): Part {
  const names = cellNames(access);
  const noMethod =
    proxy.methodNotAllowed === 404
      ? '404'
      : maps.add({ name: `${prefix}v_path`, source: [allow], fallback: '405', exact: [['', '404']] });
  if (!access.usesKeys || !identity) {
    const exact = access.cells.map((cell) => [names.get(cell) ?? '', next] as const);
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
      .map((cell) => [`${name} ${names.get(cell)}`, next] as const),
  );
  return maps.add({ name: `${prefix}v_cell`, source: [identity.role, ' ', routing.cell], fallback: refused, exact });
}

function queryMap(input: DecisionInput): Part {
  const { routing, prefix, maps } = input;
  const next = hostMap(input);
  const pair = `(?!(?i:${FORBIDDEN_PARAMETER_SOURCE}))${queryPairSource('possessive')}`;
  return maps.add({
    name: `${prefix}v_query`,
    source: [routing.query],
    fallback: '400',
    exact: [['', next]],
    patterns: [[`^${pair}(?:&${pair})*+&?+\\z`, next]],
  });
}

/**
 * Whether the body, if there is one, has a type that the cell takes; then the location that serves the cell.
 * A request without a body passes whatever its type; a length of zero is no body.
 */
function bodyMaps({ access, routing, locationOf, prefix, maps }: DecisionInput): Part {
  const names = cellNames(access);
  const choose = (name: string, resultOf: (cell: Cell) => Part): Part => {
    const results = access.cells.map((cell) => [names.get(cell) ?? '', resultOf(cell)] as const);
    const [first] = results;
    // Cells that are treated alike need no look-up: whoever comes here has one of them.
    if (first && new Set(results.map(([, result]) => JSON.stringify(result))).size === 1) return first[1];
    return maps.add({ name: `${prefix}${name}`, source: [routing.cell], fallback: '404', exact: results });
  };
  const location = choose('v_location', locationOf);
  const lists = [...new Set(access.cells.map(typesOf))].filter((types) => types !== '');
  if (lists.length === 0) return location;
  const checks = new Map<string, Part>([['', location]]);
  for (const [index, types] of lists.entries()) {
    const sent = variable('http_content_type');
    const patterns = types
      .split(' ')
      .map((type) => [`^[ \\t]*+(?i:${escapeRegex(type)})[ \\t]*+(?:[;,]|\\z)`, location] as const);
    checks.set(types, maps.add({ name: `${prefix}v_type${index + 1}`, source: [sent], fallback: '415', patterns }));
  }
  return maps.add({
    name: `${prefix}v_body`,
    source: [variable('http_transfer_encoding'), variable('http_content_length')],
    fallback: choose('v_types', (cell) => checks.get(typesOf(cell)) ?? '415'),
    exact: [['', location]],
    patterns: [['^0++\\z', location]],
  });
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
  return cell.forwarding.contentTypes.join(' ');
}
