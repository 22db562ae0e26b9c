import { type Refusal, UNDECIDED } from '../../plan/log.ts';
import { escapeRegex } from '../../plan/regex.ts';
import { accessOf, type RouteClass } from '../../policy/access.ts';
import { isEverybody } from '../../policy/cidr.ts';
import { DENIALS } from '../../policy/decide.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { callersOf } from './callers.ts';
import { passTable, refusalTables } from './decision.ts';
import { SHADOW } from './names.ts';
import { type Bound, boundModel, type Health, healthModel, type Outside, outsideOf } from './outside.ts';
import { bareWord, type CaddyToken, placeholder, trustedText } from './quote.ts';
import { bodyTable, keyTable } from './request.ts';
import { type RoutesModel, routesModel, routeTable } from './routes.ts';
import { type Table, table } from './table.ts';

/** The decision of a shadow about requests to one proxy. */
export interface ShadowModel {
  readonly routes: RoutesModel;
  readonly tables: readonly Table[];
  /** Text that is "yes" for a request that the shadow lets pass. */
  readonly pass: CaddyToken;
  /** Route classes that the proxy answers itself. */
  readonly answers: readonly CaddyToken[];
  /** Tables for requests that the shadow does not forward, which few are. */
  readonly refusal: readonly Table[];
  readonly outside: Outside | null;
  readonly health: Health | null;
  readonly bound: readonly Bound[];
  readonly class: CaddyToken;
  /** Statuses that it may decide, which the log shows as numbers. */
  readonly statuses: readonly number[];
  readonly undecided: CaddyToken;
}

const UNDECIDED_WORD = 'undecided';
/** Status of the refusals without a row of their own. */
const OTHERWISE = DENIALS['key-unknown'];

export function shadowModel({ shadow: policy }: Policy, proxy: Proxy): ShadowModel | null {
  const twin = policy?.proxies.find(({ id }) => id === proxy.id);
  const access = twin && accessOf(twin);
  if (!policy || !twin || !access) return null;
  const { classes, usesKeys } = access;
  const callers = usesKeys ? callersOf(policy, twin, SHADOW) : undefined;
  const bound = [...(callers?.addresses ?? [])];
  const caller = bound.length > 0 ? SHADOW.bound : SHADOW.caller;
  const [grants, expires] = [callers?.grants ?? new Map(), callers?.expires ?? false];
  const decision = { proxy: twin, classes, usesKeys, caller, grants, expires, names: SHADOW, token: '-' };
  const isAsked = accessOf(proxy)?.usesKeys ?? false;
  const outside = isEverybody(twin.ranges) ? null : outsideOf(twin, twin.ranges, 'shadow.inside');
  const health = healthModel(twin, classes, 'shadow.healthy');
  const answers = classes.flatMap(({ kind, id }) => (kind === 'answer' ? [bareWord(id)] : []));
  const said = statusTable(twin, classes);
  return {
    routes: routesModel(access),
    tables: [
      routeTable(access, SHADOW),
      bodyTable(classes, SHADOW),
      ...(usesKeys && !isAsked ? [keyTable(proxy)] : []),
      ...(callers?.tables ?? []),
      passTable(decision),
      ...(twin.cors ? [preflightTable()] : []),
      ...(outside?.table ? [outside.table] : []),
      ...(health?.outside?.table ? [health.outside.table] : []),
    ],
    pass: trustedText(`${twin.cors ? '{shadow.preflight}' : ''}{${SHADOW.made.pass}}`),
    answers,
    refusal: [
      ...refusalTables(decision).filter(({ destination }) => destination.text !== `{${SHADOW.made.status}}`),
      wordTable(twin, answers.length > 0),
      said.table,
    ],
    outside,
    health,
    bound: bound.map(([name, set]) => boundModel(twin, { name, set, destination: 'shadow.inside' })),
    class: placeholder(SHADOW.caller),
    statuses: said.statuses,
    undecided: bareWord(UNDECIDED_WORD),
  };
}

/** Returns the table of `shadow.word`: "pass" for what the proxy answers itself, or the reason of the refusal. */
function wordTable({ cors }: Proxy, isAnswering: boolean): Table {
  return table({
    source: '{http.vars.shadow_pass}',
    destination: 'shadow.word',
    entries: [
      ...(isAnswering ? [['yes', 'pass'] as const] : []),
      ['address', 'address' satisfies Refusal],
      ...(cors ? [[`~^${PREFLIGHT}`, PREFLIGHT] as const] : []),
      ['no', `{${SHADOW.made.reason}}`],
    ],
  });
}

const PREFLIGHT = 'preflight';

/** A preflight, which both specs answer alike at the paths that they have. */
function preflightTable(): Table {
  return table({
    source: '{cors.preflight} {http.vars.shadow_row}',
    destination: 'shadow.preflight',
    entries: [['~^yes [^ ]', PREFLIGHT]],
  });
}

/**
 * Returns the table of the status of the decision about a request that is not forwarded. It is no number where no spec
 * would decide about it.
 */
function statusTable(proxy: Proxy, classes: readonly RouteClass[]): { table: Table; statuses: readonly number[] } {
  const answers = classes.flatMap((each): [string, string][] =>
    each.kind === 'answer' ? [[`~^pass ${escapeRegex(each.id)} `, String(each.answer.status)]] : [],
  );
  const refusals = Object.entries(DENIALS)
    .filter(
      ([reason, status]) => status !== OTHERWISE && reason !== 'method' && !UNDECIDED.some((each) => each === reason),
    )
    .map(([reason, status]): [string, string] => [`~^${reason} `, String(status)]);
  const entries: [string, string][] = [
    ...answers,
    ...(proxy.cors ? [[`~^${PREFLIGHT} `, '204'] as [string, string]] : []),
    ...UNDECIDED.map((reason): [string, string] => [`~^${reason} `, UNDECIDED_WORD]),
    ['~^path [^ ]* [^ ]', String(proxy.methodNotAllowed)],
    ...refusals,
  ];
  const fallback = String(OTHERWISE);
  const numbers = [...entries.map(([, status]) => status), fallback].filter((status) => /^[0-9]+$/.test(status));
  return {
    table: table({
      source: `{shadow.word} {${SHADOW.route}} {${SHADOW.row}}`,
      destination: 'shadow.status',
      entries,
      fallback,
    }),
    statuses: [...new Set(numbers)].map(Number).sort((a, b) => a - b),
  };
}
