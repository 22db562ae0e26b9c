import type { SpecPath } from '../../diagnostics/diagnostic.ts';
import type { Cell, Place } from '../../policy/access.ts';
import { type Draft, type Probe, raw } from '../draft.ts';
import type { EngineRun } from '../engineRun.ts';
import { attempt } from '../probes/base.ts';
import { pathTo } from '../probes/segments.ts';
import type { ProxyFixture } from '../proxyFixture.ts';
import type { Random } from '../random.ts';

/** Something that the engine did wrong apart from its decisions. */
export interface CheckFailure {
  readonly at: SpecPath;
  readonly problem: string;
}

export type ForwardCell = Extract<Cell, { kind: 'forward' }>;

/** A method and a place whose requests are forwarded. */
export interface Forwarded {
  readonly fixture: ProxyFixture;
  readonly place: Place;
  readonly method: string;
  readonly cell: ForwardCell;
}

/** Everything that is forwarded, by proxy and place. */
export function* forwardedBy({ fixtures }: EngineRun): Generator<Forwarded> {
  for (const fixture of fixtures.values())
    for (const place of fixture.places)
      for (const [method, cell] of place.cells) if (cell.kind === 'forward') yield { fixture, place, method, cell };
}

/** A request that is forwarded if any request to this place is. */
export function probeOf(
  { fixture, place, method }: Forwarded,
  random: Random,
  change = (draft: Draft) => draft,
): Probe {
  const context = { fixture, random, now: Date.now() / 1000 };
  const { draft, peer } = attempt({ place, method, target: pathTo(place, fixture, random) }, context);
  return { proxy: fixture.proxy.id, peer, raw: raw(change(draft)) };
}
