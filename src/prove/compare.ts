import { accessOf } from '../policy/access.ts';
import type { CidrSet } from '../policy/cidr.ts';
import { type Decision, evaluatorOf } from '../policy/decide.ts';
import type { ProxyRequest } from '../policy/request.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { decisionOf, exampleRequest, type Target } from './decision.ts';
import { differenceOf } from './difference.ts';
import { CannotTell, ENOUGH, exampleOf, explore, pieceOf, type Run } from './explore.ts';
import { addressKinds, MOST_TRUSTED, UnknownSets } from './hops.ts';
import { TooLarge } from './language.ts';
import { lazily } from './lazily.ts';
import { wholly } from './matching.ts';
import type { FileModel, FilePlace } from './model.ts';
import { doubtsOf, isOddLine } from './refusable.ts';
import { callersOf, type ExampleRequest, SymbolicRequest, type World } from './request.ts';
import { type Said, saidOf } from './said.ts';
import { specMatchOf } from './specMatch.ts';

/** A request that the spec and the file decide differently. */
export interface Difference {
  readonly request: ExampleRequest;
  readonly decision: Decision;
  /** What the file does, according to the reader. */
  readonly said: Said;
  readonly place: FilePlace;
  /** The rows of tables that led there, the last one last, and all rows that were looked at. */
  readonly taken: readonly FilePlace[];
  readonly rows: readonly FilePlace[];
  /** The difference in words. */
  readonly what: string;
}

export type Comparison =
  | { readonly kind: 'proved'; readonly targets: number; readonly ways: number }
  /** `others` may show it where an engine refuses the request of `difference` by itself. */
  | { readonly kind: 'differs'; readonly difference: Difference; readonly others: readonly Difference[] }
  /** A part of the files is not understood. */
  | { readonly kind: 'unknown'; readonly problem: string };

/** Decides whether the files of a proxy do with every request what the spec says. */
export function compare(policy: Policy, proxy: Proxy, model: FileModel): Comparison {
  try {
    return comparison(policy, proxy, model);
  } catch (error) {
    // Some sets of addresses are found only where they are looked at.
    if (error instanceof UnknownSets) return compare(policy, proxy, { ...model, sets: [...model.sets, ...error.sets] });
    if (error instanceof CannotTell || error instanceof TooLarge) return { kind: 'unknown', problem: error.message };
    throw error;
  }
}

/** Number of ways that are tried for a better request once one is found. */
const SOME = 200;
/** Number of ways through several proxies that are looked at where file and spec find the client differently. */
const MOST_WAYS = 20_000;

interface Compared {
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly model: FileModel;
}

function comparison(policy: Policy, proxy: Proxy, model: FileModel, isExact = false): Comparison {
  const own = { policy, proxy, model };
  const open = { ...worldOf(policy, proxy, model), isExact };
  const apart = proxiesApart(model, open);
  const isMistaken = apart !== undefined && proxy.clientIp.kind === 'header';
  const direct = () => differences(own, { ...open, isDirect: apart === undefined || isMistaken });
  let all = isMistaken ? differences(own, { ...open, mostTrusted: apart }, 'apart') : direct();
  if (isMistaken && all.found.length === 0) {
    const apartFurther = differences(own, open, 'apart');
    // Where they find the same client, nothing else is told of how it was found.
    all = apartFurther.found.length > 0 ? apartFurther : together(apartFurther, direct());
  }
  const [difference, ...others] = all.found;
  // What shows a difference has to be a request that goes that way.
  if (difference && !isExact) return comparison(policy, proxy, model, true);
  if (difference) return { kind: 'differs', difference, others };
  const [problem] = [...all.unclear, ...(model.unclear?.() ?? [])];
  const { targets, ways } = all;
  return problem === undefined ? { kind: 'proved', targets, ways } : { kind: 'unknown', problem };
}

interface Differences {
  /** Best ones first. */
  readonly found: readonly Difference[];
  readonly unclear: readonly string[];
  readonly targets: number;
  readonly ways: number;
}

function together(one: Differences, other: Differences): Differences {
  return { ...other, unclear: [...one.unclear, ...other.unclear], ways: one.ways + other.ways };
}

/**
 * Returns the requests of a world that are decided differently. Those `apart` are the ones for which file and spec
 * find the client differently, of which there may be too many to look at all of them.
 */
function differences({ policy, proxy, model }: Compared, world: World, which: 'all' | 'apart' = 'all'): Differences {
  const areApart = which === 'apart';
  const unclear: string[] = [];
  const targets = targetsOf(proxy, model, world, unclear);
  let [ways, apart, further] = [0, 0, 0];
  // The best one of those that an engine may refuse for the same reasons.
  const found = new Map<string, Weighed>();
  const { decide } = evaluatorOf(policy, proxy);
  for (const target of targets.values()) {
    const visit = (run: Run) => {
      const request = new SymbolicRequest(run, world);
      if (areApart && model.client(request) === request.hops.client()) return;
      apart++;
      const outcome = model.decide(request, target.cuts);
      if (!outcome) return;
      const decision = decisionOf(request, target, decide);
      const what = differenceOf(outcome, decision, { request, policy });
      if (what === undefined) return;
      const example = exampleRequest(request, target);
      const { doubts, weight } = weightOf(example, proxy);
      if (weight >= (found.get(doubts)?.weight ?? Number.POSITIVE_INFINITY)) return;
      const said = saidOf(outcome, run, example);
      const { place } = outcome;
      found.set(doubts, { weight, request: example, decision, said, place, what, ...rowsIn(run, target, model) });
    };
    ways += explore((run) => {
      tellOr(unclear, () => visit(run));
      if (!areApart) return undefined;
      return (found.size > 0 && ++further > SOME) || apart > MOST_WAYS ? ENOUGH : undefined;
    });
    if (areApart && found.size > 0) break;
  }
  if (areApart && apart > MOST_WAYS) unclear.push('the client is found in another way than the spec says');
  const best = [...found.values()].sort((one, other) => one.weight - other.weight);
  return { found: best, unclear, targets: targets.size, ways };
}

/** One way that is not understood hides no difference on another, and leaves nothing proved. */
function tellOr(unclear: string[], visit: () => void): void {
  try {
    visit();
  } catch (error) {
    if (!(error instanceof CannotTell)) throw error;
    unclear.push(error.message);
  }
}

/**
 * Returns through how few trusted proxies a request comes for which the file finds another client than the spec;
 * `undefined` where it finds the same client for all.
 */
function proxiesApart(model: FileModel, world: World): number | undefined {
  let least: number | undefined;
  explore((run) => {
    const request = new SymbolicRequest(run, world);
    const own = model.client(request);
    if (own === request.hops.client()) return;
    least = Math.min(least ?? MOST_TRUSTED, request.hops.trustedBefore());
  });
  return least;
}

/**
 * The rows that a request of a run comes to: those by which its target was found, and those behind them; the one that
 * gives the value in the end comes last.
 */
function rowsIn(run: Run, { trace: before }: Target, model: FileModel): Pick<Difference, 'taken' | 'rows'> {
  const after = before && model.trace?.(run);
  if (!after) return { taken: [], rows: [] };
  const rows = model.rowsOf?.(new Set([...before.tables, ...after.tables])) ?? [];
  const taken = new Map([...before.taken, ...after.taken].map((row) => [row.table, row]));
  let end = after.taken.at(-1);
  for (let next = end; next; next = taken.get(next.leadsTo ?? '')) end = next;
  if (end) taken.delete(end.table);
  return { taken: [...taken.values(), ...(end ? [end] : [])].map(({ place }) => place), rows };
}

interface Weighed extends Difference {
  readonly weight: number;
}

/** What shows a difference best is short, reaches the files in any case, and can be sent at once. */
function weightOf(request: ExampleRequest, proxy: Proxy): { readonly doubts: string; readonly weight: number } {
  // Brackets around no address are refused more often than what stands behind a colon.
  const isOdd = request.headers.some(([name, value]) => name === 'Host' && /[[\]]/.test(value));
  const doubts = [...doubtsOf(request, proxy), ...(isOdd ? ['brackets'] : []), ...(request.isNow ? [] : ['moment'])];
  return { doubts: doubts.join(), weight: sizeOf(request) + doubts.length * LONG };
}

/** More than the size of a request. */
const LONG = 1e9;

/** Returns the size of a request in characters, to find a short example. */
function sizeOf({ target, headers, method }: ProxyRequest): number {
  return method.length + target.length + headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

/** From 2001 to 2286. */
const MOMENTS = lazily(() => wholly('[1-9][0-9]{9}'));

export function worldOf(policy: Policy, proxy: Proxy, model: FileModel): World {
  const own: CidrSet[] = policy.apiKeys.flatMap(({ ranges }) => ranges ?? []);
  const { clientIp, health } = proxy;
  const sets = [
    proxy.ranges,
    ...own,
    ...(health ? [health.ranges] : []),
    ...(clientIp.kind === 'direct' ? [] : [clientIp.trusted]),
  ];
  return {
    proxy,
    name: policy.name,
    isDirect: false,
    mostTrusted: MOST_TRUSTED,
    methods: model.methods,
    oddHosts: model.oddHosts,
    isExact: false,
    looksAtEnds: model.looksAtEnds,
    takesFollowed: model.takesFollowed,
    apiKeys: policy.apiKeys,
    callers: callersOf(policy.apiKeys, model),
    addresses: addressKinds([...sets, ...model.sets]),
    now: Math.floor(Date.now() / 1000),
    moments: MOMENTS(),
  };
}

/** Returns a short method and path of a run. */
export function exampleTarget(request: SymbolicRequest, depth: number | undefined): Pick<Target, 'method' | 'path'> {
  const { run } = request;
  const text = (name: string) => (run.pieces.has(name) ? exampleOf(pieceOf(run, name)) : undefined) ?? '';
  const method = text('method') || 'GET';
  if (depth === undefined) return { method, path: text('path') || '/' };
  const shape = request.shape(depth);
  // An empty segment before the end, for instance.
  if (shape.kind === 'other') return { method, path: '//x' };
  const count = shape.kind === 'segments' ? shape.count : depth;
  const segments = Array.from({ length: count }, (_, index) => text(`segment ${index + 1}`) || '/a').join('');
  if (shape.kind === 'segments') return { method, path: segments };
  return { method, path: `${segments}${shape.after ? text('further') || '/a' : ''}${shape.slash ? '/' : ''}` };
}

function weightOfTarget(line: Pick<Target, 'method' | 'path'>): number {
  return line.method.length + line.path.length + (isOddLine(line) ? LONG : 0);
}

/** Returns the kinds of target: what file and spec make of method and path, each with a short example. */
function targetsOf(proxy: Proxy, model: FileModel, world: World, unclear: string[]): ReadonlyMap<string, Target> {
  const access = accessOf(proxy);
  if (!access) throw new CannotTell('the patterns overlap in too many ways');
  const targets = new Map<string, Target>();
  const visit = (run: Run) => {
    const request = new SymbolicRequest(run, world);
    const cuts = model.cuts(request);
    const { endpoint, routeClass } = specMatchOf(request, access, model.depth);
    const key = JSON.stringify([...cuts, endpoint?.allow, routeClass?.id]);
    const known = targets.get(key);
    // What shows a difference has to come to the files.
    const isSure = !world.isExact || run.once('sure', () => known !== undefined && !isOddLine(known));
    if (!isSure && model.takes?.(request) === false) return;
    const { method, path } = exampleTarget(request, model.depth);
    if (!known || weightOfTarget({ method, path }) < weightOfTarget(known))
      targets.set(key, { cuts, method, path, trace: world.isExact ? model.trace?.(run) : undefined });
  };
  explore((run) => tellOr(unclear, () => visit(run)));
  return targets;
}
