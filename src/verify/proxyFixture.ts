import { accessOf, type Cell, type Place } from '../policy/access.ts';
import { type Address, type CidrSet, contains, formatAddress, parseAddress } from '../policy/cidr.ts';
import { type Evaluator, evaluatorOf } from '../policy/decide.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { DIRECT_CLIENT } from './loopback.ts';
import type { Secrets } from './secrets.ts';

/** One proxy as the probes see it. */
export interface ProxyFixture {
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly evaluator: Evaluator;
  readonly places: readonly Place[];
  /** Addresses at and around the ends of every range of the proxy and of its callers. */
  readonly edges: readonly Address[];
  readonly callers: readonly ApiKey[];
  readonly secrets: Secrets;
}

/** Edges kept of one set, because a set may have 100,000 ranges. */
const MOST_EDGES = 400;

export function fixturesOf(policy: Policy, secrets: Secrets): ProxyFixture[] {
  return policy.proxies.map((proxy) => {
    const places = accessOf(proxy)?.places ?? [];
    const callers = policy.apiKeys;
    const sets = [proxy.ranges, ...callers.slice(0, 50).flatMap(({ ranges }) => (ranges ? [ranges] : []))];
    // Nobody connects from 255.255.255.255, and in the PROXY protocol nginx rejects it.
    const isTold = ({ family, value }: Address) =>
      family === 6 || value !== 0xffffffffn || proxy.clientIp.kind !== 'proxyProtocol';
    const edges = sets.flatMap(edgesOf).filter(isTold);
    return { policy, proxy, evaluator: evaluatorOf(policy, proxy), places, edges, callers, secrets };
  });
}

/** First and last address of each range, and their neighbours outside. */
function edgesOf({ ranges }: CidrSet): Address[] {
  const step = Math.ceil(ranges.length / (MOST_EDGES / 4));
  return (
    ranges
      .filter((_, index) => index % step === 0)
      .flatMap(({ family, first, last }) => [first - 1n, first, last, last + 1n].map((value) => ({ family, value })))
      .filter(({ family, value }) => value >= 0n && value < 1n << (family === 4 ? 32n : 128n))
      // ::ffff:0:0/96 is IPv4, and parses as such.
      .filter((address) => parseAddress(formatAddress(address))?.family === address.family)
  );
}

/** Addresses from which this caller, or anybody where absent, is admitted. */
export function admitted({ proxy, edges }: ProxyFixture, caller?: ApiKey): string[] {
  if (proxy.clientIp.kind === 'direct') {
    const client = parseAddress(DIRECT_CLIENT);
    return client && (!caller?.ranges || contains(caller.ranges, client)) ? [DIRECT_CLIENT] : [];
  }
  return edges
    .filter((address) => contains(proxy.ranges, address) && (!caller?.ranges || contains(caller.ranges, address)))
    .map(formatAddress);
}

/** The callers whose key opens a cell now. */
export function openers({ callers }: ProxyFixture, cell: Cell, now: number): ApiKey[] {
  const living = callers.filter(({ expires }) => expires === undefined || expires > now);
  return cell.kind === 'answer'
    ? living
    : living.filter(({ groups }) => groups.some((group) => cell.groups.includes(group)));
}
