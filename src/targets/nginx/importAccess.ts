import type { DraftEntry, NotCarried } from '../../import/draft.ts';
import { type Member, type Together, together } from '../../import/machine.ts';
import { acceptedBy, visitPaths } from '../../import/paths.ts';
import { type CidrSet, isEmpty, isWithin } from '../../policy/cidr.ts';
import { grouped } from '../../policy/grouped.ts';
import { type PathPattern, parsePattern } from '../../policy/pattern.ts';
import { candidatesOf, isWider, type Kept, keepsPath } from './importCandidates.ts';
import type { Facts, KeyMap } from './importFacts.ts';
import {
  allLocations,
  type Chosen,
  choose,
  type Location,
  locationsOf,
  type Places,
  type Taken,
} from './importLocations.ts';
import type { Written } from './importTree.ts';
import { nearest, type Verdict, verdictOf } from './importVerdict.ts';

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
  readonly keys: KeyMap | undefined;
  readonly at: Written;
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
  readonly all: readonly Location[];
  readonly machines: Together;
  /** The location that serves the paths that these machines accept, and whether its whole expression does. */
  readonly chosen: (accepting: readonly number[]) => { readonly place: Chosen; readonly isWhole: boolean };
  readonly verdict: (place: Location, method: string) => Verdict;
  readonly ranges: CidrSet | undefined;
}

/** Returns what a server lets through, in patterns that grant nothing that it refuses or forwards elsewhere. */
export function accessOfServer(server: Written, http: Written, facts: Facts): ServerAccess {
  const places = locationsOf(server, [http, server]);
  const all = allLocations(places);
  const known = new Map<Location, Map<string, Verdict>>();
  const verdict = (place: Location, method: string): Verdict => {
    const own = known.get(place) ?? new Map<string, Verdict>();
    known.set(place, own);
    const found = own.get(method) ?? verdictOf({ facts, server, method, scope: place.scope });
    own.set(method, found);
    return found;
  };
  const ranges = usualRanges(all, verdict);
  const context: Context = { all, ...machinesOf(places, all), verdict, ranges };
  const found = all.map((place) => carry(place, context));
  const answering = all.map((place) => answersOf(place, context));
  const lost = [...found, ...answering].flatMap(({ notCarriedOver }) => notCarriedOver);
  return {
    carried: found.flatMap(({ carried }) => carried),
    answers: answering.flatMap(({ answers }) => answers),
    notCarriedOver: [...lost, ...errorPages([http, server], context)],
    ranges,
  };
}

/** The machines of all locations, and a function that says what it means where some of them accept. */
function machinesOf(places: Places, all: readonly Location[]): Pick<Context, 'machines' | 'chosen'> {
  const members: Member[] = [];
  const meanings: { readonly place: Location; readonly what: 'machine' | 'whole' | 'redirected' }[] = [];
  const add = (place: Location, what: 'machine' | 'whole' | 'redirected') => {
    const machine = place[what];
    if (!machine || (what === 'whole' && machine === place.machine)) return;
    const { kind, ranks, order, inside } = place;
    const decides = kind === 'regex' && what === 'machine' ? { decides: { list: inside.number, order } } : {};
    members.push({ machine, ranks, ...decides });
    meanings.push({ place, what });
  };
  for (const place of all) for (const what of ['machine', 'whole', 'redirected'] as const) add(place, what);
  const chosen = (accepting: readonly number[]) => {
    const by = new Map<Places, Location[]>();
    const redirected = new Set<Places>();
    const wholes = new Set<Location>();
    for (const index of accepting) {
      const { place, what } = meanings[index] ?? {};
      if (!place) continue;
      if (what === 'whole') wholes.add(place);
      else if (what === 'redirected') redirected.add(place.inside);
      else by.set(place.inside, [...(by.get(place.inside) ?? []), place]);
    }
    const taken: Taken = { by, redirected };
    const place = choose(places, taken);
    return { place, isWhole: typeof place === 'object' && (place.kind !== 'regex' || wholes.has(place)) };
  };
  return { machines: together(members), chosen };
}

/** Returns the pages for refusals that are not pages: a refused request is then forwarded as another one. */
function errorPages(scope: readonly Written[], { machines, chosen, verdict }: Context): NotCarried[] {
  const found: NotCarried[] = [];
  const visit = (block: Written): void => {
    for (const one of block.block ?? []) {
      if (['location', 'limit_except', 'if'].includes(one.name)) visit(one);
      const path = one.args.at(-1) ?? '';
      if (one.name !== 'error_page' || !path.startsWith('/')) continue;
      const { place } = chosen(acceptedBy(machines, path.replace(/\?.*$/, '')));
      if (typeof place === 'object' && verdict(place, 'GET').kind !== 'forward') continue;
      const reason = 'requests that are refused are forwarded as another one, which a spec does not do';
      found.push({ file: one.file, line: one.line, what: `error_page ${one.args.join(' ')}`, reason });
    }
  };
  for (const block of scope) visit(block);
  return found;
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
  const { ranges } = context;
  const isOpener = verdicts.some(
    ([, one]) => one.kind === 'forward' && ranges !== undefined && !isWithin(one.ranges, ranges),
  );
  const headHere = howOf(place, context.verdict);
  const lost = whatIsLost(place, { carried, reasons, forwarded, isOpener, headHere });
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
    const allowed = wanted.length === 0 ? NONE : allowedMethods(place, pattern, { wanted, reasons, context });
    const methods = wanted.filter((method) => allowed.has(method));
    const notes = [`${place.at.file}:${place.at.line}`];
    const ways = grouped(methods, (method) => forwardingKey(context.verdict(place, method)));
    for (const some of ways.values()) {
      const forward = context.verdict(place, some[0] ?? '');
      const target = forward.kind === 'forward' ? splitTarget(forward.target) : undefined;
      if (forward.kind !== 'forward' || !target) continue;
      const entry = { request: `${methodList(some)} ${text}`, notes };
      found.push({ entry, origin: target.origin, forward, pattern, methods: some });
    }
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
    if (at === place.at && place.children.all.length > 0) continue;
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
  /** Whether it admits clients that others do not. */
  readonly isOpener: boolean;
  /** What it does with HEAD, in a word. */
  readonly headHere: string;
}

/** Returns in words what the location accepts beyond the patterns that were made of it. */
function whatIsLost(place: Location, { carried, reasons, forwarded, isOpener, headHere }: Carrying): string[] {
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
  if (keptBy(place, first.forward)?.isQueryLost) lost.push('the query was dropped, and is sent on now');
  if (isOpener) lost.push('it admitted more clients than the others');
  if (first.forward.anyKey) lost.push('any text was key enough, and one of the keys is asked for now');
  if (first.methods.length >= 3 && verdictIsOpen(place)) lost.push('all other methods too');
  if (carried.some(({ methods }) => methods.includes('GET') && !methods.includes('HEAD')))
    lost.push(`HEAD was ${headHere}, and goes with GET in a spec`);
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
  own: Location,
  pattern: PathPattern,
  { wanted, reasons, context }: Wanted,
): ReadonlySet<string> {
  const { machines, chosen, verdict, ranges } = context;
  const allowed = new Set<string>(wanted);
  const complete = visitPaths(pattern, machines, (accepting) => {
    const { place, isWhole } = chosen(accepting);
    for (const method of [...allowed]) {
      const reason = refusal(place, method, { isWhole, verdict, ranges });
      const isOther =
        typeof place === 'object' && forwardingKey(verdict(place, method)) !== forwardingKey(verdict(own, method));
      const problem =
        reason ??
        (isOther || isHeadElsewhere(place, method, verdict) ? 'it goes to several upstreams or callers' : undefined);
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

/** Whether HEAD is forwarded otherwise than GET, with which it goes in a spec. */
function isHeadElsewhere(place: Chosen, method: string, verdict: Context['verdict']): boolean {
  if (method !== 'GET' || typeof place !== 'object') return false;
  const head = forwardingKey(verdict(place, 'HEAD'));
  return head !== '' && head !== forwardingKey(verdict(place, 'GET'));
}

interface Wanted {
  readonly wanted: readonly string[];
  /** By method, why a pattern does not hold. */
  readonly reasons: Map<string, string>;
  readonly context: Context;
}

interface Asking {
  readonly isWhole: boolean;
  readonly verdict: Context['verdict'];
  readonly ranges: CidrSet | undefined;
}

function refusal(place: Chosen, method: string, { isWhole, verdict, ranges }: Asking): string | undefined {
  if (place === 'unknown') return 'an expression that cannot be read may take them';
  if (place === 'redirect') return 'some of them are answered with the path that ends in a slash';
  if (!place) return 'no location takes some of them';
  const where = `${place.at.file}:${place.at.line}`;
  const found = verdict(place, method);
  if (found.kind !== 'forward') return `${where} takes some of them, and does not forward ${method}`;
  if (!splitTarget(found.target)) return `${where} goes where a variable says`;
  const kept = keptBy(place, found);
  if (!kept || (kept.isWhole && !isWhole)) return `${where} takes some of them, and sends them on as another path`;
  if (ranges && !isWithin(ranges, found.ranges)) return `${where} admits fewer clients than the others`;
  return undefined;
}

function keptBy(place: Location, { target, isComputed }: Forward): Kept | undefined {
  const split = splitTarget(target);
  return split && keepsPath(place, split.rest, isComputed);
}

/** Returns a text that is equal for verdicts that forward to the same upstream for the same callers. */
export function forwardingKey(verdict: Verdict): string {
  if (verdict.kind !== 'forward') return '';
  return JSON.stringify([splitTarget(verdict.target)?.origin, verdict.keys?.variable, identityOf(verdict)]);
}

/** Returns the name and the token that an upstream hears. */
export function identityOf({ scope, keys }: Forward): readonly (readonly string[] | undefined)[] {
  const headers = nearest(scope, ['proxy_set_header']).map(({ args }) => args);
  const host = headers.find(([name]) => name?.toLowerCase() === 'host');
  return [host, headers.find(([, value]) => keys && value?.includes(keys.variable))];
}

interface AnsweringLocation {
  readonly answers: readonly AnswerFound[];
  readonly notCarriedOver: readonly NotCarried[];
}

const NO_ANSWERS: AnsweringLocation = { answers: [], notCarriedOver: [] };

/** Returns what a location answers by itself, where its only path leads to it, and what is lost of that. */
function answersOf(place: Location, { verdict, machines, chosen, ranges }: Context): AnsweringLocation {
  if (place.kind !== 'exact' || place.scope.some(({ block = [] }) => block.some(({ name }) => name === 'internal')))
    return NO_ANSWERS;
  const verdicts = METHODS.flatMap((method) => {
    const one = verdict(place, method);
    return one.kind === 'answer' && !isEmpty(one.ranges) ? [{ ...one, method }] : [];
  });
  if (verdicts.length === 0 || chosen(acceptedBy(machines, place.text)).place !== place) return NO_ANSWERS;
  const lost = new Set<string>();
  const [pattern] = candidatesOf(place);
  const isWritable = pattern !== undefined && !('problem' in parsePattern(pattern));
  if (!isWritable) lost.add('a spec has no pattern for its path, which it answers by itself');
  const answers: AnswerFound[] = [];
  for (const same of grouped(verdicts, ({ status, keys }) => `${status} ${keys?.variable}`).values()) {
    const [first] = same;
    if (!first || !isWritable) continue;
    const named = methodList(same.map(({ method }) => method));
    if (ranges && same.some((one) => !isWithin(ranges, one.ranges))) {
      lost.add(`${named}: it answers fewer clients than the others`);
      continue;
    }
    if (ranges && same.some((one) => !isWithin(one.ranges, ranges)))
      lost.add('it answered more clients than the others');
    if ((first.at.args[1] ?? '') !== '') lost.add('the text of its answer');
    const isOfGet = same.some(({ method }) => method === 'GET');
    const goesWithGet = !isOfGet && ['answer', 'forward'].includes(verdict(place, 'GET').kind);
    const methods = same.flatMap(({ method }) => (method === 'HEAD' && goesWithGet ? [] : [method]));
    if (isOfGet && !methods.includes('HEAD'))
      lost.add(`HEAD was ${howOf(place, verdict)}, and goes with GET in a spec`);
    if (methods.length === 0) continue;
    const { status, keys } = first;
    answers.push({ pattern, status, keys, at: place.at, methods: methods.length === METHODS.length ? ['*'] : methods });
  }
  const reason = [...lost].join('; ');
  return { answers, notCarriedOver: reason === '' ? [] : [{ ...placed(place), reason }] };
}

/** Returns in a word what a location does with HEAD, where it does not go with GET. */
function howOf(place: Location, verdict: Context['verdict']): string {
  const { kind } = verdict(place, 'HEAD');
  return kind === 'answer' ? 'answered otherwise' : kind === 'refuse' ? 'refused' : 'treated otherwise';
}
