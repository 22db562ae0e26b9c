import { walkPairs } from '../accessDiff/product.ts';
import type { Composition } from '../compose/compose.ts';
import type { ListSection, NamedSection } from '../compose/merge.ts';
import type { Diagnostic, Related, SpecPath } from '../diagnostics/diagnostic.ts';
import { takes } from '../policy/access.ts';
import { keyAddresses, keysByGroup, secretName } from '../policy/apiKeys.ts';
import { buildAutomaton, MAX_OVERLAPS, type State } from '../policy/automaton.ts';
import {
  type CidrSet,
  contains,
  isEmpty,
  parseAddress,
  someAddress,
  subtract,
  toCidrs,
  unionOf,
} from '../policy/cidr.ts';
import { policyCodes } from '../policy/codes.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { ApiKey, Policy, Route } from '../policy/types.ts';
import { memberOf } from '../source/value.ts';
import { type OpenedSet, type SetReference, setReferences } from '../spec/references.ts';
import { type Bounds, type BoundsOf, boundsOf, type Envelope, FREE, isFree } from './bounds.ts';
import { withinCodes } from './codes.ts';
import { addressesOf, forwardingProblem, type Line, namesToken, type Terms, termsOf } from './envelope.ts';

interface Context {
  readonly composition: Composition;
  readonly policy: Policy;
  readonly bounds: BoundsOf;
  readonly terms: Terms;
  readonly problems: Diagnostic[];
}

/** What envelopes concern outside of the files that include each other. */
export interface Outside {
  readonly read: ReadFile;
  /** The sets to which targets open something beside the proxies. */
  readonly opened: readonly OpenedSet[];
}

/**
 * Reports what files grant beyond the envelopes of their includes. Requests are compared as automata and addresses as
 * sets, so nothing is missed, and each finding shows a request or an address outside the envelope.
 */
export function checkWithin(composition: Composition, policy: Policy, { read, opened }: Outside): Diagnostic[] {
  const bounds = boundsOf(composition);
  if (bounds.envelopes.length === 0) return [];
  const problems: Diagnostic[] = [];
  const terms = termsOf(bounds, composition, read, problems);
  const context: Context = { composition, policy, bounds, terms, problems };
  checkDefinitions(context);
  checkReferences(context, opened);
  checkRequests(context);
  checkAddresses(context);
  checkTokens(context);
  checkClaims(context);
  return problems;
}

function relatedTo(envelope: Envelope): { readonly related: Related[] } {
  return { related: [{ at: [], message: 'the envelope', place: envelope.place }] };
}

/**
 * What a file within an envelope may have: sections that the envelope bounds, sections that grant nothing, and sections
 * of which envelopes say nothing, which are refused.
 */
const ENVELOPED = {
  ipRanges: 'bounded',
  routes: 'bounded',
  apiKeys: 'bounded',
  guarantees: 'harmless',
  tests: 'harmless',
  upstreams: { refused: (name: string) => `upstream "${name}"` },
  domainRewrites: { refused: () => 'a domain rewrite' },
  vault: { refused: (name: string) => `the mount "${name}" of Vault` },
} as const satisfies {
  readonly [S in NamedSection | ListSection]: 'bounded' | 'harmless' | { readonly refused: (name: string) => string };
};

/** Reports refused sections. */
function checkDefinitions({ composition, bounds, problems }: Context): void {
  for (const [section, words] of Object.entries(ENVELOPED)) {
    if (typeof words === 'string') continue;
    const entries = memberOf(composition.spec, section) ?? {};
    for (const name of Object.keys(entries)) {
      const envelope = bounds.entry(section, name)[0]?.[0];
      if (!envelope || isFree(bounds.entry(section, name))) continue;
      const at: SpecPath = [section, Array.isArray(entries) ? Number(name) : name];
      const part = Array.isArray(entries) ? 'value' : 'key';
      problems.push(
        withinCodes.report('not-here', at, { section: words.refused(name) }, { part, ...relatedTo(envelope) }),
      );
    }
  }
}

interface SetUse extends SetReference {
  /** The bounds of the entry that uses the set. */
  readonly user: Bounds;
  readonly place?: Diagnostic['place'];
  /** Whether all sets are meant, because no name is written there. */
  readonly unnamed?: boolean;
}

/** Reports address sets by which a file within an envelope decides whom others admit, or what others promise. */
function checkReferences({ composition, bounds, problems }: Context, opened: readonly OpenedSet[]): void {
  const uses: SetUse[] = [
    ...setReferences(composition.spec).map((one) => ({
      ...one,
      user: bounds.entry(String(one.at[0]), one.at[1] ?? ''),
    })),
    ...bounds.envelopes.flatMap(({ inclusion: { from, index }, within }) =>
      setReferences(within, ['include', index, 'within']).map((one) => ({
        ...one,
        user: bounds.file(from),
        place: from.document.locate(one.at),
      })),
    ),
    ...opened.map((one) => ({ ...one, user: FREE })),
  ];
  for (const { name, at, user, place, unnamed = false } of uses) {
    const definition = bounds.entry('ipRanges', name);
    if (mayName(user, definition)) continue;
    const related = [{ at: ['ipRanges', name], part: 'key' as const, message: 'defined here' }];
    const extra = { related, ...(place && { place }), ...(unnamed && { part: 'key' as const }) };
    problems.push(withinCodes.report('borrowed', at, { name, unnamed }, extra));
  }
}

/** Whether whoever writes the definition is bound by no envelope that the user is not bound by. */
function mayName(user: Bounds, definition: Bounds): boolean {
  return user.every((way) => definition.some((other) => other.every((one) => way.includes(one))));
}

/** The bounds that the requests of a group must keep: its own, or those of keys that may use the group. */
interface Granted {
  readonly bounds: Bounds;
  /** Keys with the same bounds, addresses and named tokens, maybe thousands; `undefined` is the group itself. */
  readonly callers: (ApiKey | undefined)[];
  /** Whether these are keys with the bounds of the group, about which the findings about requests would be the same. */
  readonly isAsGroup: boolean;
  /** Where the requests come from. Absent for a single way: its requests, addresses and tokens are asked one by one. */
  readonly from?: CidrSet;
}

/** Reports requests of bound groups, and of bound keys, that no way by which they came into the spec admits. */
function checkRequests(context: Context): void {
  const { policy, terms, problems } = context;
  const granted = grantedBy(context);
  const bound = policy.routes.filter(({ group }) => granted.has(group));
  const [routes, allowed] = [buildAutomaton(bound), buildAutomaton(terms.lines)];
  const told = new Map(bound.map((route) => [route, new Set<Granted>()]));
  const visit = (state: State<Route>, line: State<Line> | undefined, path: string) => {
    for (const route of state.accepts) {
      for (const one of granted.get(route.group) ?? []) {
        if (told.get(route)?.has(one)) continue;
        const found = route.methods
          .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
          .map((method) => outside(one, { route, method, path, lines: line?.accepts ?? [] }, terms))
          .find((each) => each !== undefined);
        if (!found) continue;
        told.get(route)?.add(one);
        problems.push(...found);
      }
    }
  };
  const complete =
    routes !== undefined &&
    allowed !== undefined &&
    walkPairs(routes, allowed, ({ before, after, path }) => before && visit(before, after, path));
  if (!complete) problems.push(policyCodes.report('too-many-overlaps', ['routes'], { states: MAX_OVERLAPS }));
}

/** By group; a group without bounds and without bound keys is not in it. */
function grantedBy(context: Context): ReadonlyMap<string, readonly Granted[]> {
  const { policy, bounds } = context;
  const keys = keysByGroup(policy.apiKeys);
  const open = openGroups(policy);
  const groups = new Set(policy.routes.map(({ group }) => group));
  return new Map(
    [...groups].flatMap((group) => {
      const proxies = policy.proxies.filter((proxy) => proxy.groups.includes(group));
      const callers = open.has(group) ? [] : (keys.get(group) ?? []);
      const from = (key: ApiKey) => proxies.map((proxy) => keyAddresses(key, proxy));
      const own = bounds.entry('routes', group);
      const everywhere = () => (open.has(group) ? proxies.map(({ ranges }) => ranges) : callers.flatMap(from));
      const alike = new Map<string, Granted>();
      for (const key of callers) {
        const ways = bounds.entry('apiKeys', key.id);
        const isAsGroup = isSame(ways, own);
        if (isFree(ways) || (ways.length === 1 && isAsGroup)) continue;
        const granted = { ...grantedTo(key, ways, () => from(key)), isAsGroup };
        const id = idOf(granted, context);
        const known = alike.get(id);
        if (known) known.callers.push(key);
        else alike.set(id, granted);
      }
      const all = [...(isFree(own) ? [] : [grantedTo(undefined, own, everywhere)]), ...alike.values()];
      return all.length === 0 ? [] : [[group, all] as const];
    }),
  );
}

function grantedTo(caller: ApiKey | undefined, bounds: Bounds, from: () => readonly CidrSet[]): Granted {
  const reach = bounds.length > 1 && { from: unionOf(from().flatMap(({ ranges }) => ranges)) };
  return { bounds, callers: [caller], isAsGroup: false, ...reach };
}

/** One text for all keys whose requests are inside or outside alike. */
function idOf({ bounds, callers: [key], from }: Granted, { bounds: { envelopes } }: Context): string {
  const ways = bounds.map((way) => [namesTokenOf(key, way), ...way.map((one) => envelopes.indexOf(one))]);
  return JSON.stringify([ways, from && toCidrs(from)]);
}

function namesTokenOf(key: ApiKey | undefined, way: readonly Envelope[]): boolean {
  return !key || way.every((one) => namesToken(one, key.token.text));
}

/** The groups that need no key. */
function openGroups({ routes }: Policy): ReadonlySet<string> {
  return new Set(routes.filter(({ forwarding }) => forwarding.auth === 'passthrough').map(({ group }) => group));
}

function isSame(left: Bounds, right: Bounds): boolean {
  const parts = (bounds: Bounds) => bounds.flatMap((way) => [...way, undefined]);
  const [a, b] = [parts(left), parts(right)];
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

interface Asked {
  readonly route: Route;
  readonly method: string;
  readonly path: string;
  /** The lines of envelopes that the path matches. */
  readonly lines: readonly Line[];
}

/** What no way admits about a request: the request, how it is forwarded, or all of it together. */
function outside(granted: Granted, { route, method, path, lines }: Asked, terms: Terms): Diagnostic[] | undefined {
  const { bounds, callers, isAsGroup } = granted;
  const accepting = new Set(lines.filter((line) => takes(line, method)).map(({ envelope }) => envelope));
  const admits = (one: Envelope) => accepting.has(one) && forwardingProblem(route.forwarding, one) === undefined;
  const ways = bounds.filter((way) => way.every(admits));
  const refusing = ways.length === 0 ? bounds[0]?.find((one) => !admits(one)) : undefined;
  const beyond = refusing ? undefined : mixed(granted, ways, terms);
  const envelope = refusing ?? beyond?.envelope;
  if (!envelope || (refusing && isAsGroup)) return undefined;
  const problem = accepting.has(envelope) ? forwardingProblem(route.forwarding, envelope) : undefined;
  const request = `${method} ${path}`;
  return callers.map((key) => {
    const what = key ? `key "${key.id}" may send` : 'allows';
    const at = key ? key.origin : route.origin;
    const line: Related[] = key ? [{ at: route.origin, message: 'allowed here' }] : [];
    const related = [...line, ...relatedTo(envelope).related];
    const extra = { related, ...(key && { part: 'key' as const }) };
    if (beyond) return withinCodes.report('together', at, { what, request, address: beyond.address }, extra);
    return problem === undefined
      ? withinCodes.report('request', at, { what, request }, extra)
      : withinCodes.report('forwarding', at, { what, request, problem }, extra);
  });
}

/**
 * An address from which a request comes and no way admits it, although one admits the request, one the address and one
 * the token of the key: what a way admits, it admits together.
 */
function mixed({ bounds, callers: [key], from }: Granted, ways: Bounds, terms: Terms): Beyond | undefined {
  if (!from || beyondAll(from, bounds, terms)) return undefined;
  const named = (way: readonly Envelope[]) => namesTokenOf(key, way);
  // A token that no way names is reported as such.
  return bounds.some(named) ? beyondAll(from, ways.filter(named), terms, bounds) : undefined;
}

interface Beyond {
  readonly address: string;
  /** One that does not admit it. */
  readonly envelope: Envelope;
}

/** The first address that none of the ways admits, and one of all the envelopes to blame. */
function beyondAll(from: CidrSet, ways: Bounds, terms: Terms, all = ways): Beyond | undefined {
  const rest = ways.reduce((left, way) => subtract(left, addressesOf(way, terms) ?? left), from);
  const address = isEmpty(rest) ? undefined : someAddress(rest);
  const client = address === undefined ? undefined : parseAddress(address);
  if (address === undefined || !client) return undefined;
  const flat = all.flat();
  const envelope = flat.find((one) => !contains(terms.ranges.get(one) ?? from, client)) ?? flat[0];
  return envelope && { address, envelope };
}

/** Reports addresses outside the envelopes from which requests of bound groups, or of bound keys, get through. */
function checkAddresses(context: Context): void {
  const { policy, bounds } = context;
  const open = openGroups(policy);
  const keys = keysByGroup(policy.apiKeys);
  for (const proxy of policy.proxies) {
    for (const group of proxy.groups) {
      const own = bounds.entry('routes', group);
      const at: SpecPath = ['routes', group];
      if (open.has(group))
        reaches(
          { what: `proxy "${proxy.id}" takes requests of group "${group}"`, at, own, from: proxy.ranges },
          context,
        );
      for (const key of keys.get(group) ?? []) {
        const from = keyAddresses(key, proxy);
        const what = `key "${key.id}" may send requests of group "${group}"`;
        reaches({ what, at, own, from }, context);
        reaches({ what, at: key.origin, own: bounds.entry('apiKeys', key.id), from }, context);
      }
    }
  }
}

interface Reach {
  readonly what: string;
  readonly at: SpecPath;
  readonly own: Bounds;
  readonly from: CidrSet;
}

function reaches({ what, at, own, from }: Reach, { terms, problems }: Context): void {
  const beyond = isFree(own) ? undefined : beyondAll(from, own, terms);
  if (!beyond) return;
  const { address, envelope } = beyond;
  const known = problems.some((one) => one.code === 'within/address' && one.at.join() === at.join());
  // One address for each group or key is enough to show the mistake; its other proxies and keys would repeat it.
  if (!known)
    problems.push(withinCodes.report('address', at, { what, address }, { part: 'key', ...relatedTo(envelope) }));
}

/**
 * Reports tokens of bound keys that their envelopes do not name. Where an envelope names none, a token that a key
 * outside of it sends is refused: the bound key could do all that this token can. So is a secret by which the proxy knows
 * another caller: the upstream would get it, and could call as that one.
 */
function checkTokens({ policy, bounds, problems }: Context): void {
  const uses = new Map<string, { readonly id: string; readonly origin: SpecPath; readonly message: string }[]>();
  for (const { id, keys, token } of policy.apiKeys) {
    const own = [
      { name: secretName(token.text), use: { id, origin: token.origin, message: 'sent here too' } },
      ...keys.map(({ text, origin }) => ({ name: secretName(text), use: { id, origin, message: 'a key of callers' } })),
    ];
    for (const { name, use } of own) uses.set(name, [...(uses.get(name) ?? []), use]);
  }
  for (const key of policy.apiKeys) {
    const own = bounds.entry('apiKeys', key.id);
    if (isFree(own)) continue;
    const reference = key.token.text;
    const closed = own.map((way) => way.find((envelope) => !namesToken(envelope, reference)));
    const [envelope] = closed;
    if (envelope && closed.every((one) => one !== undefined)) {
      const extra = relatedTo(envelope);
      problems.push(withinCodes.report('token', key.token.origin, { key: key.id, reference }, extra));
      continue;
    }
    const others = uses.get(secretName(reference)) ?? [];
    const other = others.find(({ id }) => id !== key.id && !isSame(bounds.entry('apiKeys', id), own));
    const silent = own.flat().find(({ within }) => !within.tokens);
    if (!other || !silent) continue;
    const related = [{ at: other.origin, message: other.message }, ...relatedTo(silent).related];
    problems.push(withinCodes.report('foreign-token', key.token.origin, { key: key.id, reference }, { related }));
  }
}

/** Reports promises about what named keys never do, where a file within an envelope could define another key. */
function checkClaims({ composition: { spec }, bounds, problems }: Context): void {
  for (const [index, guarantee] of (spec.guarantees ?? []).entries()) {
    const claim = 'never' in guarantee && typeof guarantee.never === 'object' ? guarantee.never : undefined;
    for (const [step, key] of (claim?.keys ?? []).entries()) {
      if (mayName(bounds.entry('guarantees', index), bounds.entry('apiKeys', key))) continue;
      const related = [{ at: ['apiKeys', key], part: 'key' as const, message: 'defined here' }];
      problems.push(
        withinCodes.report('borrowed-key', ['guarantees', index, 'never', 'keys', step], { key }, { related }),
      );
    }
  }
}
