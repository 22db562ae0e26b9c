import type { DraftEntry, NotCarried } from '../../import/draft.ts';
import { type Machine, type Together, together } from '../../import/machine.ts';
import { visitPaths } from '../../import/paths.ts';
import { type CidrSet, isEmpty, isWithin } from '../../policy/cidr.ts';
import { type PathPattern, parsePattern } from '../../policy/pattern.ts';
import { candidatesOf, isWider, keepsPath } from './importCandidates.ts';
import type { Facts, KeyMap } from './importFacts.ts';
import { allLocations, choose, type Location, locationsIn } from './importLocations.ts';
import type { Written } from './importTree.ts';
import { type Verdict, verdictOf } from './importVerdict.ts';

/** The methods that a spec lists where a configuration accepts all methods but some. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

export type Forward = Extract<Verdict, { kind: 'forward' }>;

/** A pattern of the spec whose requests are all forwarded alike. */
export interface Carried {
  readonly entry: DraftEntry;
  readonly origin: string;
  readonly forward: Forward;
}

export interface AnswerFound {
  readonly pattern: string;
  readonly status: number;
  readonly open: boolean;
  readonly methods: readonly string[];
}

export interface ServerAccess {
  readonly carried: readonly Carried[];
  readonly answers: readonly AnswerFound[];
  readonly notCarriedOver: readonly NotCarried[];
  /** The client addresses that most locations admit. */
  readonly ranges: CidrSet | undefined;
}

/** Returns the origin and the rest of a `proxy_pass` target; `undefined` where a variable decides the origin. */
export function splitTarget(target: string): { readonly origin: string; readonly rest: string } | undefined {
  const [, origin, rest] = /^(https?:\/\/[^/$?#]+)(.*)$/.exec(target) ?? [];
  return origin === undefined || rest === undefined ? undefined : { origin, rest };
}

interface Context {
  readonly places: readonly Location[];
  readonly all: readonly Location[];
  readonly machines: Together;
  readonly index: ReadonlyMap<Machine, number>;
  readonly verdict: (place: Location, method: string) => Verdict;
  readonly ranges: CidrSet | undefined;
}

/** Returns what a server lets through, in patterns that grant nothing that it refuses or forwards elsewhere. */
export function accessOfServer(server: Written, http: Written, facts: Facts): ServerAccess {
  const places = locationsIn(server.block ?? [], [http, server]);
  const all = allLocations(places);
  const known = new Map<Location, Map<string, Verdict>>();
  const verdict = (place: Location, method: string): Verdict => {
    const own = known.get(place) ?? new Map<string, Verdict>();
    known.set(place, own);
    const found = own.get(method) ?? verdictOf({ facts, server, method, scope: place.scope });
    own.set(method, found);
    return found;
  };
  const machines = [
    ...new Set(all.flatMap(({ machine, whole }) => [machine, whole]).filter((one) => one !== undefined)),
  ];
  const index = new Map(machines.map((machine, number) => [machine, number]));
  const ranges = usualRanges(all, verdict);
  const context: Context = {
    places,
    all,
    machines: together(machines, passedOver(places, index)),
    index,
    verdict,
    ranges,
  };
  const found = all.map((place) => carry(place, context));
  return {
    carried: found.flatMap(({ carried }) => carried),
    answers: all.flatMap((place) => answersOf(place, context)),
    notCarriedOver: found.flatMap(({ notCarriedOver }) => notCarriedOver),
    ranges,
  };
}

/**
 * Returns, for each location with an expression, the locations that do not matter once it matches: nginx uses the first
 * expression of a block that matches.
 */
function passedOver(places: readonly Location[], index: ReadonlyMap<Machine, number>): Map<number, number[]> {
  const passes = new Map<number, number[]>();
  const numbersOf = (place: Location): number[] =>
    allLocations([place]).flatMap(({ machine, whole }) =>
      [machine, whole].flatMap((one) => (one === undefined ? [] : [index.get(one) ?? -1])),
    );
  const visit = (list: readonly Location[]): void => {
    const regexes = list.filter(({ kind }) => kind === 'regex');
    for (const [position, { machine }] of regexes.entries()) {
      const number = machine && index.get(machine);
      if (number !== undefined) passes.set(number, regexes.slice(position + 1).flatMap(numbersOf));
    }
    for (const { children } of list) visit(children);
  };
  visit(places);
  return passes;
}

function usualRanges(all: readonly Location[], verdict: Context['verdict']): CidrSet | undefined {
  const counts = new Map<string, { readonly ranges: CidrSet; count: number }>();
  for (const place of all) {
    for (const method of METHODS) {
      const found = verdict(place, method);
      if (found.kind !== 'forward' || isEmpty(found.ranges)) continue;
      const key = found.ranges.ranges.map(({ first, last }) => `${first}-${last}`).join();
      const entry = counts.get(key) ?? { ranges: found.ranges, count: 0 };
      counts.set(key, entry);
      entry.count += 1;
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count)[0]?.ranges;
}

function placed({ at }: Location): Pick<NotCarried, 'file' | 'line' | 'what'> {
  return { file: at.file, line: at.line, what: `location ${at.args.join(' ')}` };
}

interface CarriedLocation {
  readonly carried: readonly Carried[];
  readonly notCarriedOver: readonly NotCarried[];
}

function carry(place: Location, context: Context): CarriedLocation {
  const verdicts = METHODS.map((method) => [method, context.verdict(place, method)] as const);
  const notCarriedOver: NotCarried[] = unreadable(place, verdicts);
  const forwarded = verdicts.flatMap(([method, one]) =>
    one.kind === 'forward' && !isEmpty(one.ranges) ? [method] : [],
  );
  if (forwarded.length === 0) return { carried: [], notCarriedOver };
  const reasons = new Map<string, string>();
  const carried = carriedBy(place, forwarded, context, reasons);
  const lost = whatIsLost(place, { carried, reasons, forwarded });
  if (lost.length > 0) notCarriedOver.push({ ...placed(place), reason: lost.join('; ') });
  return { carried, notCarriedOver };
}

/**
 * Returns the widest patterns of a location that grant nothing else, for each method. Adds to `reasons` why a wider
 * pattern would.
 */
function carriedBy(
  place: Location,
  forwarded: readonly string[],
  context: Context,
  reasons: Map<string, string>,
): readonly (Carried & { readonly methods: readonly string[] })[] {
  const found: (Carried & { readonly pattern: PathPattern; readonly methods: readonly string[] })[] = [];
  for (const text of candidatesOf(place)) {
    const pattern = parsePattern(text);
    if ('problem' in pattern) continue;
    const covered = found.filter((one) => isWider(one.pattern, pattern)).flatMap(({ methods }) => methods);
    const wanted = forwarded.filter((method) => !covered.includes(method));
    const allowed = wanted.length === 0 ? NONE : allowedMethods(pattern, wanted, context, reasons);
    const methods = wanted.filter((method) => allowed.has(method));
    const forward = context.verdict(place, methods[0] ?? '');
    const target = methods.length > 0 && forward.kind === 'forward' ? splitTarget(forward.target) : undefined;
    if (forward.kind !== 'forward' || !target) continue;
    const notes = [`${place.at.file}:${place.at.line}`];
    found.push({
      entry: { request: `${methodList(methods)} ${text}`, notes },
      origin: target.origin,
      forward,
      pattern,
      methods,
    });
  }
  return found;
}

const NONE: ReadonlySet<string> = new Set();

function methodList(methods: readonly string[]): string {
  return methods.filter((method) => method !== 'HEAD' || !methods.includes('GET')).join();
}

/** Returns the checks and handlers of a location that a spec cannot express. */
function unreadable(place: Location, verdicts: readonly (readonly [string, Verdict])[]): NotCarried[] {
  const found = new Map<string, NotCarried>();
  for (const [, verdict] of verdicts) {
    if (verdict.kind === 'answer' && place.kind !== 'exact')
      found.set('answer', { ...placed(place), reason: 'it answers by itself, which a spec does for single paths' });
    if (verdict.kind !== 'unknown') continue;
    const { at, reason } = verdict;
    if (at === place.at && place.children.length > 0) continue;
    const where =
      at === place.at ? '' : ` (line ${at.line}${at.file === place.at.file ? '' : ` of ${at.file}`}: ${at.name})`;
    found.set(reason, { ...placed(place), reason: `${reason}${where}` });
  }
  if (place.kind === 'regex' && !place.machine)
    found.set('', { ...placed(place), reason: 'its expression looks around or back, so what it takes cannot be told' });
  return [...found.values()];
}

interface Carrying {
  readonly carried: readonly (Carried & { readonly methods: readonly string[] })[];
  /** By method, why no wider pattern could be made of it. */
  readonly reasons: ReadonlyMap<string, string>;
  readonly forwarded: readonly string[];
}

/** Returns in words what the location accepts beyond the patterns that were made of it. */
function whatIsLost(place: Location, { carried, reasons, forwarded }: Carrying): string[] {
  const why = (methods: readonly string[]) =>
    [...new Set(methods.flatMap((method) => reasons.get(method) ?? []))].slice(0, 2).join('; ');
  const [first] = carried;
  if (!first) return [`no pattern says what it takes (${why(forwarded) || 'parts of segments stand for anything'})`];
  const lost: string[] = [];
  const left = forwarded.filter((method) => !carried.some(({ methods }) => methods.includes(method)));
  if (left.length > 0) lost.push(`${methodList(left)}: ${why(left)}`);
  const short = forwarded.filter((method) => reasons.has(method) && !left.includes(method));
  if (short.length > 0) lost.push(`${methodList(short)} on further paths: ${why(short)}`);
  if (place.kind === 'regex' && !/^(?:\^|\\A)/.test(place.text))
    lost.push('found anywhere in a path, not only at its start');
  if (place.kind === 'regex' && /\.[*+]\)?./.test(place.text)) lost.push('a part of it also takes several segments');
  if (place.kind === 'prefix' && !place.text.endsWith('/')) lost.push('also where the last segment only begins so');
  if (/\$\d/.test(first.forward.at.args[0] ?? ''))
    lost.push('decoded and put together anew, so that "%3F" became a query and "%2F" a slash');
  if (first.methods.length >= 3 && verdictIsOpen(place)) lost.push('all other methods too');
  if (carried.some(({ methods }) => methods.includes('GET') && !methods.includes('HEAD')))
    lost.push('HEAD was refused, and goes with GET in a spec');
  return lost;
}

/** Returns whether a location refuses some methods and accepts all others, instead of the other way round. */
function verdictIsOpen({ at }: Location): boolean {
  const limit = at.block?.find(({ name }) => name === 'limit_except');
  return !limit || limit.block?.some(({ name }) => name === 'proxy_pass') === true;
}

/**
 * Returns the methods for which every path of a pattern is forwarded unchanged, to the same upstream and for the same
 * callers.
 */
function allowedMethods(
  pattern: PathPattern,
  wanted: readonly string[],
  context: Context,
  reasons: Map<string, string>,
): ReadonlySet<string> {
  const { places, machines, index, verdict, ranges } = context;
  const allowed = new Set<string>(wanted);
  const firsts = new Map<string, string>();
  const complete = visitPaths(pattern, machines, (accepting) => {
    const accepts = (machine: Machine | undefined) =>
      machine !== undefined && accepting[index.get(machine) ?? -1] === true;
    const place = choose(places, ({ machine }) => accepts(machine));
    for (const method of [...allowed]) {
      const reason = refusal(place, method, { accepts, verdict, ranges });
      const origin = typeof place === 'object' ? forwardingKey(verdict(place, method)) : '';
      const first = firsts.get(method) ?? origin;
      firsts.set(method, first);
      const problem = reason ?? (first === origin ? undefined : 'it goes to several upstreams or callers');
      if (problem === undefined) continue;
      allowed.delete(method);
      if (!reasons.has(method)) reasons.set(method, problem);
    }
    return allowed.size === 0 ? 'enough' : 'more';
  });
  if (!complete) {
    for (const method of wanted) reasons.set(method, 'the expressions are too many to be told apart');
    return new Set();
  }
  return allowed;
}

interface Asking {
  readonly accepts: (machine: Machine | undefined) => boolean;
  readonly verdict: Context['verdict'];
  readonly ranges: CidrSet | undefined;
}

function refusal(
  place: Location | undefined | 'unknown',
  method: string,
  { accepts, verdict, ranges }: Asking,
): string | undefined {
  if (place === 'unknown') return 'an expression that cannot be read may take them';
  if (!place) return 'no location takes some of them';
  const where = `${place.at.file}:${place.at.line}`;
  const found = verdict(place, method);
  if (found.kind !== 'forward') return `${where} takes some of them, and does not forward ${method}`;
  const target = splitTarget(found.target);
  if (!target) return `${where} goes where a variable says`;
  const keeps = keepsPath(place, target.rest);
  if (keeps === false || (keeps === 'whole' && !accepts(place.whole)))
    return `${where} takes some of them, and sends them on as another path`;
  if (ranges && !isWithin(ranges, found.ranges)) return `${where} admits fewer clients than the others`;
  return undefined;
}

/** Returns a text that is equal for verdicts that forward to the same upstream for the same callers. */
export function forwardingKey(verdict: Verdict): string {
  if (verdict.kind !== 'forward') return '';
  return `${splitTarget(verdict.target)?.origin ?? ''} ${keyName(verdict.keys)}`;
}

function keyName(keys: KeyMap | undefined): string {
  return keys?.variable ?? '';
}

function answersOf(place: Location, { verdict }: Context): AnswerFound[] {
  if (place.kind !== 'exact' || place.scope.some(({ block = [] }) => block.some(({ name }) => name === 'internal')))
    return [];
  const found = verdict(place, 'GET');
  const [pattern] = candidatesOf(place);
  if (found.kind !== 'answer' || pattern === undefined || 'problem' in parsePattern(pattern)) return [];
  const same = METHODS.filter((method) => {
    const other = verdict(place, method);
    return other.kind === 'answer' && other.status === found.status;
  });
  const methods = same.length === METHODS.length ? ['*'] : same;
  return [{ pattern, status: found.status, open: !found.keys, methods }];
}
