import type { Rule } from '../../policy/access.ts';
import type { State } from '../../policy/automaton.ts';
import type { Proxy } from '../../policy/types.ts';
import type { NginxDirective } from './liveConfig.ts';
import { accessTo } from './proxy.ts';
import { mergeStates } from './states.ts';

/** The requests of the spec that a row of our routing tables serves, in the order of the proxy. */
interface RowRules {
  readonly rules: readonly Rule[];
  /** A path that comes to the row. */
  readonly path: string | undefined;
}

/** Nothing for rows of other tables. */
type RulesOf = (row: NginxDirective, table: NginxDirective | undefined) => RowRules | undefined;

/** `$p1_q3`: the tables that lead from segment to segment (`v`: those of mixed case), and what is at the end. */
const TABLE = /^\$p(?<proxy>\d+)_(?:q\d+|c\d+|(?<folded>v\d+(?:_\d+)?)|cell|allow)$/;
/** `12/hooks` or `12:i`, a step from a state; `12 GET` or `12`, a state in which paths end. */
const ROW = /^(?<state>\d+)(?:\/(?<literal>.*)|(?<type>:[a-z])| (?<method>[A-Z_-]+))?$/;

/** Whether a directive is such a row, or could be one: it may be somebody else's. */
export function isRoutingRow({ name, args, block }: NginxDirective, table: NginxDirective | undefined): boolean {
  const leads = args.length === 1 && /^\d{1,7}$/.test(args[0] ?? '');
  return leads && !block && ROW.test(name) && TABLE.test(table?.args[1] ?? '');
}

/** A step that is not ours is told by where it leads, because that is what it opens. */
export function ruleFinder(proxies: readonly Proxy[]): RulesOf {
  const known = new Map<number, Table>();
  return ({ name, args }, table) => {
    const { proxy: number, folded } = TABLE.exec(table?.args[1] ?? '')?.groups ?? {};
    const row = ROW.exec(name)?.groups;
    const proxy = proxies[Number(number) - 1];
    if (!proxy || !row) return undefined;
    const states = known.get(Number(number)) ?? tableOf(proxy);
    known.set(Number(number), states);
    const from = states.byNumber.get(Number(row['state'])) ?? [];
    const { literal, type, method } = row;
    if (literal === undefined && type === undefined) {
      const rules = inOrder(rulesIn(from, method), states);
      return { rules, path: from.find(({ accepts }) => accepts.some((rule) => rule === rules[0]))?.example };
    }
    const value = args[0] ?? '';
    const steps = stepsOf({ from, literal, value, folded: folded !== undefined }, states);
    const behind = steps.length > 0 ? steps.map(({ to }) => to) : (states.byNumber.get(Number(value)) ?? []);
    const rules = inOrder(rulesBehind(behind, states), states);
    const step = steps.find(({ to }) => rules[0] && rulesBehind([to], states).has(rules[0]));
    const opened = from[0] && literal !== undefined ? `${from[0].example}/${literal}` : undefined;
    return { rules, path: step?.path ?? opened };
  };
}

interface Table {
  readonly states: readonly State<Rule>[];
  /** What the tables call a state of the automaton; several may share a number. */
  readonly numbers: ReadonlyMap<State<Rule>, number>;
  readonly byNumber: ReadonlyMap<number, readonly State<Rule>[]>;
  readonly order: ReadonlyMap<Rule, number>;
}

function tableOf(proxy: Proxy): Table {
  const access = accessTo(proxy);
  const { start, nodes } = mergeStates(access);
  const { states } = access.automaton;
  const numbers = new Map<State<Rule>, number>();
  const byNumber = new Map<number, State<Rule>[]>();
  const enter = (id: number | undefined, number: number) => {
    const state = id === undefined ? undefined : states[id];
    if (!state || numbers.has(state)) return;
    numbers.set(state, number);
    byNumber.set(number, [...(byNumber.get(number) ?? []), state]);
  };
  enter(0, start);
  // What is entered on the way is visited too.
  for (const [{ literals, classes }, number] of numbers) {
    const node = nodes.get(number);
    for (const [text, next] of node?.literals ?? []) enter(literals.get(text), next);
    const ids = new Map(Object.entries(classes));
    for (const [type, next] of Object.entries(node?.classes ?? {})) enter(ids.get(type), next);
  }
  const order = new Map([...proxy.routes, ...proxy.answers].map((rule, index) => [rule, index] as const));
  return { states, numbers, byNumber, order };
}

function inOrder(rules: Iterable<Rule>, { order }: Table): Rule[] {
  return [...rules].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

/** What ends in these states with a method, or with any where none takes it. */
function rulesIn(states: readonly State<Rule>[], method: string | undefined): ReadonlySet<Rule> {
  const ending = states.flatMap(({ accepts }) => accepts);
  const taking = ending.filter(
    ({ methods }) => method === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET')),
  );
  return new Set(taking.length > 0 ? taking : ending);
}

interface StepRow {
  readonly from: readonly State<Rule>[];
  /** Absent: the row is about a type of segment. */
  readonly literal: string | undefined;
  readonly value: string;
  readonly folded: boolean;
}

interface Step {
  readonly to: State<Rule>;
  readonly path: string;
}

function stepsOf({ from, literal, value, folded }: StepRow, { states, numbers }: Table): Step[] {
  const step = (id: number | undefined, path?: string): Step[] => {
    const to = id === undefined ? undefined : states[id];
    return to ? [{ to, path: path ?? to.example }] : [];
  };
  return from.flatMap(({ literals, classes, example }) => {
    if (literal === undefined)
      return Object.values(classes)
        .flatMap((id) => step(id))
        .filter(({ to }) => String(numbers.get(to)) === value);
    if (!folded) return step(literals.get(literal), `${example}/${literal}`);
    const alike = [...literals].filter(([text]) => text.toLowerCase() === literal);
    return alike.flatMap(([text, id]) => step(id, `${example}/${text}`));
  });
}

/** Near the root most of a proxy is behind a row, and a reader wants a line of the spec, not all of them. */
const MOST_STATES = 1000;

function rulesBehind(start: readonly State<Rule>[], { states }: Table): ReadonlySet<Rule> {
  const seen = new Set(start);
  const rules = new Set<Rule>();
  for (const { accepts, literals, classes } of seen) {
    for (const rule of accepts) rules.add(rule);
    for (const id of seen.size < MOST_STATES ? [...literals.values(), ...Object.values(classes)] : []) {
      const state = states[id];
      if (state) seen.add(state);
    }
  }
  return rules;
}
