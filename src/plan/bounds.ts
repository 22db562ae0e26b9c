import type { Forwarding, Proxy, Upstream } from '../policy/types.ts';

/**
 * How long each phase of a request may take on every engine, in milliseconds, where no upstream's timeouts say it: those
 * bound the silence of a client that sends a body or takes an answer, and all that the upstream does.
 */
export const PHASES = {
  /** From the connection to the end of the head, with the handshake of TLS and the PROXY protocol. */
  head: 10_000,
  /** Between two requests. */
  idle: 120_000,
  /** The body of a request that is not forwarded: what of it comes in this time is read, so that the answer arrives. */
  unwantedBody: 2_000,
  /** A connection to an upstream without a request. Load balancers end theirs after a minute; none may meet that end. */
  kept: 30_000,
  /** Silence of either side of a site's upstream: pushes and pulls of large repositories are silent for long. */
  siteUpstream: 3_600_000,
} as const;

/** Bytes of the largest heads, where no proxy says it. */
export const HEADS = {
  /** Of a request to a site: browsers come with the cookies of all that lies below a name. */
  site: 32 * 1024,
  /** Of an answer: the policies of GitLab's pages are long, and a Link holds the target several times over. */
  answer: 64 * 1024,
} as const;

/** Entries of a `Link` in an answer: GitLab sends five at most, a page with links to all its parts more. One with more is left out. */
export const MOST_LINKS = 16;

/** Whether a connection is one client's, so that it ends when its address is refused; a load balancer's serves others too. */
export function isClientsOwn({ clientIp }: Pick<Proxy, 'clientIp'>): boolean {
  return clientIp.kind !== 'header';
}

/** Bytes a second; where an engine cannot tell a silent client from a slow one, a slower one has its body cut off. */
const SLOWEST = 64 * 1024;

/** No engine counts further than some hundred years, in which a body of the largest size would not arrive. */
const LONGEST_BODY = 365 * 24 * 3_600_000;

/** How long a body may take altogether, in milliseconds. */
export function wholeBody({ maxBody }: Pick<Forwarding, 'maxBody'>, { timeouts }: Pick<Upstream, 'timeouts'>): number {
  return maxBody === undefined
    ? PHASES.siteUpstream
    : timeouts.send + Math.min(Math.ceil(maxBody / SLOWEST) * 1000, LONGEST_BODY);
}
