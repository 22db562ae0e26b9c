import { canonical } from '../source/value.ts';
import { type Automaton, buildAutomaton, type State } from './automaton.ts';
import { EVERY_METHOD, isOfEvery } from './pattern.ts';
import type { Answer, Forwarding, Health, Proxy, Route } from './types.ts';

/** A rule of a proxy: a route that it forwards, or a request that it answers itself. */
export type Rule = Route | Answer;

/**
 * A set of (path, method) pairs that are treated alike: forwarded alike, and open to the same keys. An engine picks one
 * route class per request. Where patterns of several groups overlap, their class therefore names all of these groups,
 * and a key for any one of them opens it.
 */
export type RouteClass =
  | {
      readonly kind: 'forward';
      readonly id: string;
      readonly groups: readonly string[];
      readonly forwarding: Forwarding;
    }
  | { readonly kind: 'answer'; readonly id: string; readonly answer: Answer };

/** The end of a path: the rules for it, by method. */
export interface Endpoint {
  readonly state: State<Rule>;
  /** Methods that some rule takes here, for `Allow`: sorted, HEAD listed beside GET; `*` for every method. */
  readonly allow: readonly string[];
  /** By method that a rule names. Where GET has one and HEAD has none, it is that of HEAD too; see `routeClassOf`. */
  readonly classes: ReadonlyMap<string, RouteClass>;
  /** Of every method that no rule names, where there is a rule for every method. */
  readonly others: RouteClass | undefined;
}

/** What a proxy does with each method and path. It is all that an engine's configuration has to know about requests. */
export interface Access {
  readonly automaton: Automaton<Rule>;
  /** Only states where some pattern ends, in the order of the automaton. */
  readonly endpoints: readonly Endpoint[];
  /** Each route class once, in the order of first use. */
  readonly classes: readonly RouteClass[];
  /** Whether any route asks for a key; where none does, no request is asked for one. */
  readonly usesKeys: boolean;
}

export function isRoute(rule: Rule): rule is Route {
  return 'forwarding' in rule;
}

/** Returns the routes and answers of a proxy, with its health check. */
export function rulesOf({ routes, answers, health }: Proxy): readonly Rule[] {
  return [...routes, ...answers, ...(health ? [health] : [])];
}

/** Returns whether a rule covers the method of a request, in which `*` means nothing; GET includes HEAD. */
export function takes({ methods }: Pick<Rule, 'methods'>, method: string): boolean {
  if (method === EVERY_METHOD) return false;
  if (methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))) return true;
  return methods.includes(EVERY_METHOD) && isOfEvery(method);
}

/** Returns whether a route class needs no key, on a proxy that needs keys for others. */
export function isOpen(routeClass: RouteClass): boolean {
  return routeClass.kind === 'forward'
    ? routeClass.forwarding.auth === 'passthrough'
    : routeClass.answer.auth === 'none';
}

/** Returns the health check if the route class is one: it is the only answer with its own list of addresses. */
export function healthOf(routeClass: RouteClass | undefined): Health | undefined {
  return routeClass?.kind === 'answer' && isHealth(routeClass.answer) ? routeClass.answer : undefined;
}

function isHealth(answer: Answer): answer is Health {
  return answer.ranges !== undefined;
}

/** Returns the route class of a request. */
export function routeClassOf(method: string, { classes, others }: Pick<Endpoint, 'classes' | 'others'>) {
  const named = classes.get(method) ?? (method === 'HEAD' ? classes.get('GET') : undefined);
  return named ?? (isOfEvery(method) ? others : undefined);
}

/** Methods of requests that no rule is likely to name. */
const UNLIKELY: readonly string[] = ['DELETE', 'PATCH', 'PUT', 'POST', 'PROPFIND'];

/** Returns a method that none of some endpoints names, and that a rule for every method takes. */
export function unnamedMethod(...endpoints: readonly (Pick<Endpoint, 'classes'> | undefined)[]): string {
  const isNamed = (method: string) => endpoints.some((endpoint) => endpoint?.classes.has(method));
  let method = UNLIKELY.find((each) => !isNamed(each)) ?? 'ANY-OTHER';
  while (isNamed(method)) method += '-OTHER';
  return method;
}

/**
 * Returns methods of requests that stand for all that some endpoints do not refuse: each that one of them names, and if
 * one of them takes others, a method that none names.
 */
export function methodsAt(...endpoints: readonly (Endpoint | undefined)[]): Set<string> {
  const methods = new Set(endpoints.flatMap((endpoint) => [...(endpoint?.classes.keys() ?? [])]));
  if (endpoints.some((endpoint) => endpoint?.others)) methods.add(unnamedMethod(...endpoints));
  return methods;
}

/** Methods that APIs use. */
export const COMMON_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Returns the methods of a path as `Allow` lists them: in place of `*`, which is no method, the common ones. */
export function toldMethods({ allow }: Pick<Endpoint, 'allow'>): readonly string[] {
  if (!allow.includes(EVERY_METHOD)) return allow;
  return [...new Set([...COMMON_METHODS, ...allow])].filter((method) => method !== EVERY_METHOD).sort();
}

const known = new WeakMap<object, { readonly access: Access | undefined }>();

/**
 * Returns the access of a proxy. It is computed once for each proxy, because checks, evaluator and targets all use it;
 * proxies without answers of their own that have the same list of routes share it.
 * @returns `undefined` if the patterns overlap in more ways than `MAX_OVERLAPS`
 */
export function accessOf(proxy: Proxy): Access | undefined {
  const owner = proxy.answers.length === 0 && !proxy.health ? proxy.routes : proxy;
  const entry = known.get(owner) ?? { access: build(proxy) };
  known.set(owner, entry);
  return entry.access;
}

function build(proxy: Proxy): Access | undefined {
  const automaton = buildAutomaton(rulesOf(proxy));
  if (!automaton) return undefined;
  const states = automaton.states.filter((state) => state.accepts.length > 0);
  const rules = new Map<string, readonly Rule[]>();
  const keys = states.map((state) => classKeys(state, rules));
  const classes = namedClasses(rules);
  const endpoints = states.map((state, index): Endpoint => {
    const named = new Map(
      [...(keys[index] ?? [])].flatMap(([method, key]) => {
        const routeClass = classes.get(key);
        return routeClass ? [[method, routeClass] as const] : [];
      }),
    );
    const others = named.get(EVERY_METHOD);
    named.delete(EVERY_METHOD);
    return { state, allow: allowOf(state), classes: named, others };
  });
  const usesKeys = proxy.routes.some((route) => route.forwarding.auth === 'apiKey');
  return { automaton, endpoints, classes: [...classes.values()], usesKeys };
}

function allowOf({ accepts }: State<Rule>): readonly string[] {
  const methods = accepts.flatMap((rule) => rule.methods);
  return [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].sort();
}

/** Returns by method the key of the route class at an endpoint, and adds the rules of each class. */
function classKeys({ accepts }: State<Rule>, rules: Map<string, readonly Rule[]>): ReadonlyMap<string, string> {
  const keyOf = (matching: readonly Rule[]): string => {
    const key = classKey(matching);
    if (!rules.has(key)) rules.set(key, matching);
    return key;
  };
  const methods = [...new Set(accepts.flatMap((rule) => rule.methods))].sort();
  const keys = new Map(
    methods.map((method) => [method, keyOf(accepts.filter((rule) => rule.methods.includes(method)))]),
  );
  // An explicit HEAD beside GET is part of what GET allows: access is a union.
  const get = accepts.filter((rule) => rule.methods.includes('GET') || rule.methods.includes('HEAD'));
  if (keys.has('HEAD') && keys.has('GET')) keys.set('HEAD', keyOf(get));
  return keys;
}

function groupsOf(matching: readonly Rule[]): string[] {
  return [...new Set(matching.filter(isRoute).map((route) => route.group))].sort();
}

function classKey(matching: readonly Rule[]): string {
  const route = matching.find(isRoute);
  if (!route) return `answer ${JSON.stringify(matching[0]?.origin)}`;
  return `forward ${JSON.stringify(groupsOf(matching))} ${canonical(route.forwarding)}`;
}

/**
 * Returns the route classes with their names in logs and rows: `hooks`; `hooks~9mb` if an entry of the group differs
 * from the rest; `answer:get:/version`. A name depends only on its class, so that a route added elsewhere does not change
 * it. Odd characters become "_" and capitals small; where that makes names equal, each such character is written out:
 * `read`, `r~ead`.
 */
function namedClasses(rules: ReadonlyMap<string, readonly Rule[]>): ReadonlyMap<string, RouteClass> {
  const named = [...rules].map(([key, matching]) => ({ key, matching, name: fullName(matching) }));
  const counts = new Map<string, number>();
  const plain = named.map(({ name }) => plainName(name));
  for (const name of plain) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(
    named.map(({ key, matching, name }, index) => {
      const short = plain[index] ?? '';
      return [key, classOf(matching, counts.get(short) === 1 ? short : exactName(name))];
    }),
  );
}

const ODD = /[^a-z0-9._/:+~-]/g;

function plainName(name: string): string {
  return name.toLowerCase().replace(/[{}]/g, '').replace(ODD, '_');
}

/** Returns a name in which no character is lost: `Read` → `r~ead`. */
function exactName(name: string): string {
  return name
    .replace(/~/g, '~~')
    .replace(/[A-Z]/g, (letter) => `${letter.toLowerCase()}~`)
    .replace(ODD, (character) => `~${character.codePointAt(0)?.toString(16)}`);
}

/** Returns a route of the first of a class's groups; `undefined` for an answer. */
function firstRoute(matching: readonly Rule[]): Route | undefined {
  const [first] = groupsOf(matching);
  return matching.filter(isRoute).find(({ group }) => group === first);
}

function fullName(matching: readonly Rule[]): string {
  const route = firstRoute(matching);
  if (route) return `${groupsOf(matching).join('+')}${route.variant === '' ? '' : `~${route.variant}`}`;
  const { methods, pattern } = answerOf(matching);
  return `answer:${methods.join('+').replace(EVERY_METHOD, 'any')}:${pattern.text}`;
}

function classOf(matching: readonly Rule[], id: string): RouteClass {
  const route = firstRoute(matching);
  return route
    ? { kind: 'forward', id, groups: groupsOf(matching), forwarding: route.forwarding }
    : { kind: 'answer', id, answer: answerOf(matching) };
}

function answerOf(matching: readonly Rule[]): Answer {
  const answer = matching.find((rule): rule is Answer => !isRoute(rule));
  if (!answer) throw new Error('a route class without a rule');
  return answer;
}
