import type { SpecPath } from '../../diagnostics/diagnostic.ts';
import type { Endpoint, RouteClass } from '../../policy/access.ts';
import type { Limit } from '../../targets/target.ts';
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
  /** The limit by which this is no failure, where the target declares that its program has it. */
  readonly limit?: Limit | undefined;
}

export type ForwardClass = Extract<RouteClass, { kind: 'forward' }>;

/** A method and an endpoint whose requests are forwarded. */
export interface Forwarded {
  readonly fixture: ProxyFixture;
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly routeClass: ForwardClass;
}

/** Each method of each endpoint of each proxy whose requests are forwarded. */
export function* forwardedBy({ fixtures }: EngineRun): Generator<Forwarded> {
  for (const fixture of fixtures.values())
    for (const endpoint of fixture.endpoints)
      for (const [method, routeClass] of endpoint.classes)
        if (routeClass.kind === 'forward') yield { fixture, endpoint, method, routeClass };
}

/** A request that is forwarded if any request to this endpoint is. */
export function probeOf(
  { fixture, endpoint, method }: Forwarded,
  random: Random,
  change = (draft: Draft) => draft,
): Probe {
  const context = { fixture, random, now: Date.now() / 1000 };
  const { draft, peer } = attempt({ endpoint, method, target: pathTo(endpoint, fixture, random) }, context);
  return { proxy: fixture.proxy.id, peer, raw: raw(change(draft)) };
}
