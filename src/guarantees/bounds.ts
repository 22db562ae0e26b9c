import type { Composition } from '../compose/compose.ts';
import type { Inclusion, Member } from '../compose/load.ts';
import type { Definition } from '../compose/merge.ts';
import type { TextSpan } from '../diagnostics/diagnostic.ts';
import type { Within } from '../spec/schema.ts';

/** What one include may grant at most. */
export interface Envelope {
  readonly inclusion: Inclusion;
  readonly within: Within;
  readonly place: TextSpan;
}

/**
 * The ways by which a file or an entry came into the spec, each as the list of envelopes on that way. It may grant what
 * all envelopes of one way admit, so a way without envelopes admits everything.
 */
export type Bounds = readonly (readonly Envelope[])[];

export interface BoundsOf {
  readonly envelopes: readonly Envelope[];
  file(member: Member): Bounds;
  /** Of an entry of the flat spec. */
  entry(section: string, name: string | number): Bounds;
}

/** The bounds of what is written in the spec itself. */
export const FREE: Bounds = [[]];

export function isFree(bounds: Bounds): boolean {
  return bounds.some((way) => way.length === 0);
}

export function boundsOf({ inclusions, definitions, members: [spec] }: Composition): BoundsOf {
  const byInclusion = new Map(
    inclusions.flatMap((inclusion) => {
      const envelope = envelopeOf(inclusion);
      return envelope ? [[inclusion, envelope] as const] : [];
    }),
  );
  const known = new Map<Member, Bounds>([[spec, FREE]]);
  const file = (member: Member): Bounds => {
    const found = known.get(member);
    if (found) return found;
    const ways = inclusions
      .filter(({ to }) => to === member)
      .flatMap((inclusion) => {
        const envelope = byInclusion.get(inclusion);
        return file(inclusion.from).map((way) => (envelope && !way.includes(envelope) ? [...way, envelope] : way));
      });
    const bounds = smallest(ways);
    known.set(member, bounds);
    return bounds;
  };
  const entry = (section: string, name: string | number): Bounds => {
    const places: readonly Definition[] = definitions.get(section)?.get(String(name)) ?? [];
    return places.length === 0 ? FREE : smallest(places.flatMap(({ member }) => file(member)));
  };
  return { envelopes: [...byInclusion.values()], file, entry };
}

function envelopeOf(inclusion: Inclusion): Envelope | undefined {
  const { from, index } = inclusion;
  const include = from.value.include?.[index];
  if (typeof include !== 'object' || !('within' in include) || !include.within) return undefined;
  return { inclusion, within: include.within, place: from.document.locate(['include', index, 'within'], 'key') };
}

/** The ways without needless ones: a way with all the envelopes of another, and more, admits nothing on its own. */
function smallest(ways: readonly (readonly Envelope[])[]): Bounds {
  const distinct = new Map(ways.map((way) => [new Set(way), way]));
  const sets = [...distinct.keys()];
  const needless = (set: ReadonlySet<Envelope>, index: number) =>
    sets.some(
      (other, at) => at !== index && [...other].every((one) => set.has(one)) && (other.size < set.size || at < index),
    );
  return sets.flatMap((set, index) => (needless(set, index) ? [] : [distinct.get(set) ?? []]));
}
