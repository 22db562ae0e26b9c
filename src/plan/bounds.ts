import type { Forwarding, Proxy, Upstream } from '../policy/types.ts';

/**
 * Milliseconds that each phase of a request may take on every engine. Timeouts of upstreams are apart from these: they
 * limit how long a client that sends a body or reads an answer may be silent, and all that the upstream does.
 */
export const PHASES = {
  /** From the connection to the end of the request's head, including TLS and the PROXY protocol. */
  head: 10_000,
  /** Between two requests of a connection. */
  idle: 120_000,
  /**
   * Reading the body of a request that is not forwarded: what comes in this time is read, so that the answer reaches
   * the client.
   */
  unwantedBody: 2_000,
  /**
   * Keeping an unused connection to an upstream. Load balancers close theirs after a minute, and no request may run
   * into that.
   */
  kept: 30_000,
  /** Silence of a client or the upstream of a site: pushes and pulls of large repositories are silent for long. */
  siteUpstream: 3_600_000,
} as const;

/** Bytes of the largest heads, where no proxy sets another size. */
export const HEADS = {
  /** A request to a site: browsers send the cookies of all names below a domain. */
  site: 32 * 1024,
  /** An answer: the policies of GitLab's pages are long, and a Link repeats the target several times. */
  answer: 64 * 1024,
} as const;

/**
 * Most entries of a `Link` in an answer; one with more is dropped. GitLab sends five at most, a page with links to all
 * its parts more.
 */
export const MOST_LINKS = 16;

/**
 * Returns whether a connection belongs to one client, so that it is closed when its address is refused. A load
 * balancer's connection also serves others.
 */
export function isClientsOwn({ clientIp }: Pick<Proxy, 'clientIp'>): boolean {
  return clientIp.kind !== 'header';
}

/**
 * Bytes per second of the slowest client. An engine that cannot tell a silent client from a slow one cuts off the body
 * of a slower one.
 */
const SLOWEST = 64 * 1024;

/** No engine counts further than some hundred years, in which a body of the largest size would not arrive. */
const LONGEST_BODY = 365 * 24 * 3_600_000;

/** Returns the milliseconds that a whole body may take. */
export function wholeBody({ maxBody }: Pick<Forwarding, 'maxBody'>, { timeouts }: Pick<Upstream, 'timeouts'>): number {
  return maxBody === undefined
    ? PHASES.siteUpstream
    : timeouts.send + Math.min(Math.ceil(maxBody / SLOWEST) * 1000, LONGEST_BODY);
}
