import { walkPairs } from '../accessDiff/product.ts';
import type { AccessChange } from '../accessDiff/types.ts';
import type { Composition } from '../compose/compose.ts';
import type { Member } from '../compose/load.ts';
import { INCLUSIONS } from '../compose/merge.ts';
import { takes } from '../policy/access.ts';
import { buildAutomaton, MAX_OVERLAPS } from '../policy/automaton.ts';
import { type CidrSet, isEmpty, someAddress, subtract, unionOf } from '../policy/cidr.ts';
import { epochSeconds } from '../policy/dates.ts';
import { EVERY_METHOD } from '../policy/pattern.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { Policy } from '../policy/types.ts';
import { canonical } from '../source/value.ts';
import { type Bounds, type BoundsOf, boundsOf, type Envelope, isFree } from './bounds.ts';
import {
  addressesOf,
  forwardingProblem,
  mostForwarded,
  type Terms,
  termsOf,
  tokenBeyond,
  upstreamsOf,
} from './envelope.ts';

/** A version of a spec with envelopes. */
export interface Enveloped {
  readonly composition: Composition;
  readonly policy: Policy;
  readonly read: ReadFile;
}

interface Side extends Enveloped {
  readonly bounds: BoundsOf;
  readonly terms: Terms;
}

/** What envelopes say in two versions. */
interface Compared {
  readonly before: Pick<Side, 'terms'>;
  readonly after: Pick<Side, 'terms'>;
  /** The addresses that the proxies take requests from now and did not before. */
  readonly admitted: CidrSet;
}

interface Sides extends Compared {
  readonly before: Side;
  readonly after: Side;
}

/** An envelope of the version before, and what the file may do now against it; no problem: nothing bounds it now. */
interface Loosened {
  readonly envelope: Envelope;
  readonly problem?: string;
}

/**
 * The envelopes that admit more than before, or are gone, each as a change: what a file grants now may be as it was, and
 * whoever writes it may grant more tomorrow. Each is told with something that it admits and did not admit before.
 */
export function loosenedEnvelopes(before: Enveloped, after: Enveloped): AccessChange[] {
  const sides = sidesOf(before, after);
  const { members } = before.composition;
  const isDirect = (member: Member) => sides.before.bounds.envelopes.some(({ inclusion: { to } }) => to === member);
  const told = new Set<string>();
  // What a file includes has the same bounds, and would only repeat what is said of the file.
  return [...members.filter(isDirect), ...members.filter((member) => !isDirect(member))].flatMap((member) => {
    const old = sides.before.bounds.file(member);
    if (isFree(old)) return [];
    const isOpen = (one: Member) => isFree(sides.after.bounds.file(one));
    return successors(member, before.composition, after.composition, isOpen).flatMap((successor) => {
      const found = loosened(old, sides.after.bounds.file(successor), sides);
      const place = found && before.composition.inclusions.indexOf(found.envelope.inclusion);
      const id = JSON.stringify([place, found?.problem]);
      if (!found || told.has(id)) return [];
      told.add(id);
      return changeOf(found, { member, successor, path: [INCLUSIONS, place ?? 0, 'within'] });
    });
  });
}

/** Includes that end later than before, or do not end any more; also those of a file that has another name now. */
export function prolongedIncludes(before: Composition, after: Composition): AccessChange[] {
  const told = new Set<string>();
  const [oldEnd, newEnd] = [endsIn(before), endsIn(after)];
  return before.members.flatMap((member) => {
    const old = oldEnd(member);
    return successors(member, before, after).flatMap((successor): AccessChange[] => {
      const now = newEnd(successor);
      if (!old || !now || now.end <= old.end || told.has(successor.id)) return [];
      told.add(successor.id);
      // What a file includes ends with it, and would only repeat what is said of the file.
      if (told.has(now.from)) return [];
      const until = now.expires === undefined ? 'without end' : `until ${now.expires}`;
      const message = `${successor.id} is included ${until} (before: until ${old.expires ?? ''})`;
      const path = [INCLUSIONS, now.number, ...(now.isOwn ? ['expires'] : [])];
      return [{ kind: 'expiry', effect: 'widening', message, at: { version: 'after', path }, proxies: [], keys: [] }];
    });
  });
}

interface End {
  /** Of the include among all. */
  readonly number: number;
  /** Id of the file that includes. */
  readonly from: string;
  /** As it is written; absent where there is no end. */
  readonly expires?: string | undefined;
  /** Whether the include itself says when it ends, and not one above it. */
  readonly isOwn: boolean;
  readonly end: number;
}

/** Returns the latest end of the includes of a file, each of which ends with those above it. */
function endsIn({ inclusions }: Composition): (member: Member) => End | undefined {
  const known = new Map<string, End | undefined>();
  const endOf = (member: Member): End | undefined => {
    if (!known.has(member.id)) known.set(member.id, latest(inclusions.flatMap((_, number) => endAt(number, member))));
    return known.get(member.id);
  };
  return endOf;

  function endAt(number: number, member: Member): End[] {
    const inclusion = inclusions[number];
    if (inclusion?.to.id !== member.id) return [];
    const { from, index } = inclusion;
    const include = from.value.include?.[index];
    const expires = typeof include === 'object' && 'expires' in include ? include.expires : undefined;
    const own = {
      expires,
      isOwn: expires !== undefined,
      end: (expires === undefined ? undefined : epochSeconds(expires)) ?? Number.MAX_SAFE_INTEGER,
    };
    const above = endOf(from);
    const first = above && above.end < own.end ? { expires: above.expires, isOwn: false, end: above.end } : own;
    return [{ number, from: from.id, ...first }];
  }
}

function latest(ends: readonly End[]): End | undefined {
  return ends.toSorted((one, other) => other.end - one.end)[0];
}

function sidesOf(before: Enveloped, after: Enveloped): Sides {
  const sideOf = (version: Enveloped): Side => {
    const bounds = boundsOf(version.composition);
    return { ...version, bounds, terms: termsOf(bounds, version.composition, version.read, []) };
  };
  const ranges = ({ policy }: Enveloped) => unionOf(policy.proxies.flatMap((proxy) => proxy.ranges.ranges));
  return { before: sideOf(before), after: sideOf(after), admitted: subtract(ranges(after), ranges(before)) };
}

/** The file as it is now; where it is gone, the new files that may have taken its place. */
export function successors(
  member: Member,
  before: Composition,
  after: Composition,
  isOpen: (member: Member) => boolean = () => false,
): Member[] {
  const same = after.members.find(({ id }) => id === member.id);
  if (same) return [same];
  const known = new Set(before.members.map(({ id }) => id));
  const [, ...others] = after.members;
  const isAlike = (other: Member) =>
    (['routes', 'apiKeys'] as const).some((section) =>
      Object.keys(other.value[section] ?? {}).some((name) => Object.hasOwn(member.value[section] ?? {}, name)),
    );
  return others.filter((one) => !known.has(one.id) && (isOpen(one) || isAlike(one)));
}

/** One way of now that no way of before admits whole. */
function loosened(before: Bounds, after: Bounds, sides: Sides): Loosened | undefined {
  for (const way of after) {
    const problems = before.map((old) => {
      const found = old.map((envelope) => ({ envelope, problem: beyond(way, envelope, sides) }));
      return found.find(({ problem }) => problem !== undefined);
    });
    const [first] = problems;
    if (!first || problems.some((problem) => problem === undefined)) continue;
    const { envelope, problem } = first;
    return way.length === 0 || problem === undefined ? { envelope } : { envelope, problem };
  }
  return undefined;
}

/** What a way admits now and an envelope did not admit before, as the end of "lets …". */
export function beyond(way: readonly Envelope[], envelope: Envelope, sides: Compared): string | undefined {
  return (
    requestBeyond(way, envelope, sides) ??
    upstreamBeyond(way, envelope) ??
    tokenBeyond(way, envelope) ??
    forwardingProblem({ ...mostForwarded(way), upstream: envelope.within.upstreams?.[0] ?? '' }, envelope) ??
    addressBeyond(way, envelope, sides)
  );
}

/** A method that no envelope names: what a line for every method admits beyond all that name theirs. */
const UNNAMED = 'ANY-OTHER';

function requestBeyond(way: readonly Envelope[], envelope: Envelope, { before, after }: Compared): string | undefined {
  const now = after.terms.lines.filter((line) => way.includes(line.envelope));
  const then = before.terms.lines.filter((line) => line.envelope === envelope);
  const named = [...now, ...then].flatMap(({ methods }) => methods).filter((method) => method !== EVERY_METHOD);
  const methods = [...new Set([...named, 'HEAD', UNNAMED])].sort();
  const [left, right] = [buildAutomaton(now), buildAutomaton(then)];
  let found: string | undefined;
  const complete =
    (left !== undefined || now.length === 0) &&
    right !== undefined &&
    walkPairs(left, right, ({ before: current, after: old, path }) => {
      if (found !== undefined || !current) return;
      const accepted = (method: string) =>
        way.every((one) => current.accepts.some((line) => line.envelope === one && takes(line, method)));
      const method = methods.find((one) => accepted(one) && !old?.accepts.some((line) => takes(line, one)));
      if (method !== undefined) found = `it allow ${method === UNNAMED ? 'every method of' : method} ${path}`;
    });
  return found ?? (complete ? undefined : `it allow what cannot be told: there are over ${MAX_OVERLAPS} overlaps`);
}

function upstreamBeyond(way: readonly Envelope[], { within: { upstreams } }: Envelope): string | undefined {
  const now = upstreamsOf(way);
  if (!upstreams) return undefined;
  if (!now) return 'it go to any upstream';
  const more = now.find((name) => !upstreams.includes(name));
  return more === undefined ? undefined : `it go to upstream "${more}"`;
}

/** An address that is not told as one from which a proxy takes requests now, by a set that both envelopes name alike. */
function addressBeyond(
  way: readonly Envelope[],
  envelope: Envelope,
  { before, after, admitted }: Compared,
): string | undefined {
  const then = before.terms.ranges.get(envelope);
  if (!then) return undefined;
  const now = addressesOf(way, after.terms);
  if (!now) return 'it be asked from everywhere';
  const more = subtract(now, then);
  const written = ({ within: { ipRanges } }: Envelope) => canonical(ipRanges);
  const isAlike = way.some((one) => written(one) === written(envelope));
  const address = someAddress(isAlike ? subtract(more, admitted) : more);
  return isEmpty(more) || address === undefined ? undefined : `it be asked from ${address}`;
}

interface Told {
  readonly member: Member;
  readonly successor: Member;
  readonly path: AccessChange['at']['path'];
}

function changeOf({ problem }: Loosened, { member, successor, path }: Told): AccessChange {
  const moved = successor.id === member.id ? '' : `, now ${successor.id},`;
  const message =
    problem === undefined
      ? `envelope removed: nothing bounds ${member.id}${moved} any more`
      : `envelope loosened: that of ${member.id}${moved} now lets ${problem}`;
  return { kind: 'envelope', effect: 'widening', message, at: { version: 'before', path }, proxies: [], keys: [] };
}
