import type { SpecPath } from '../../diagnostics/diagnostic.ts';
import type { Cell, Place } from '../../policy/access.ts';
import { type Draft, type Probe, raw } from '../draft.ts';
import { attempt } from '../probes/base.ts';
import { pathTo } from '../probes/segments.ts';
import type { Random } from '../random.ts';
import type { Trial } from '../trial.ts';
import type { Ground } from '../world.ts';

/** What an engine did not do, beside the decisions that probes are about. */
export interface Unmet {
  readonly at: SpecPath;
  readonly problem: string;
}

export type ForwardCell = Extract<Cell, { kind: 'forward' }>;

/** A place whose requests with this method are forwarded, as one cell. */
export interface Forwarded {
  readonly ground: Ground;
  readonly place: Place;
  readonly method: string;
  readonly cell: ForwardCell;
}

/** All that is forwarded, by proxy and place. */
export function* forwardedBy({ grounds }: Trial): Generator<Forwarded> {
  for (const ground of grounds.values())
    for (const place of ground.places)
      for (const [method, cell] of place.cells) if (cell.kind === 'forward') yield { ground, place, method, cell };
}

/** A request that is forwarded if any to this place is. */
export function probeOf({ ground, place, method }: Forwarded, random: Random, change = (draft: Draft) => draft): Probe {
  const workshop = { ground, random, now: Date.now() / 1000 };
  const { draft, peer } = attempt({ place, method, target: pathTo(place, ground, random) }, workshop);
  return { proxy: ground.proxy.id, peer, raw: raw(change(draft)) };
}
