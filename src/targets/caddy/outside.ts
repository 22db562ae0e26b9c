import { escapeRegex } from '../../plan/regex.ts';
import { healthOf, type RouteClass } from '../../policy/access.ts';
import { type CidrSet, isEverybody, toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { addressTest, withMapped } from './addresses.ts';
import { bareWord, type CaddyToken, trustedText } from './quote.ts';
import { type Table, table } from './table.ts';

/** A test whether the client's address is outside of a set. */
export interface Outside {
  readonly table: Table | null;
  readonly destination: CaddyToken | null;
  readonly cidrs: readonly CaddyToken[];
}

/** The health path, and the test for clients that may not ask for it; `null` where all may. */
export interface Health {
  readonly routeClass: CaddyToken;
  readonly outside: Outside | null;
}

/** The address set of some callers, by the classes of these. */
export interface Bound extends Outside {
  readonly name: CaddyToken;
  readonly classes: CaddyToken;
}

export function healthModel(proxy: Proxy, classes: readonly RouteClass[], destination: string): Health | null {
  const routeClass = classes.find((each) => healthOf(each));
  const ranges = healthOf(routeClass)?.ranges;
  if (!routeClass || !ranges) return null;
  return {
    routeClass: bareWord(routeClass.id),
    outside: isEverybody(ranges) ? null : outsideOf(proxy, ranges, destination),
  };
}

/**
 * Returns the address test of the callers with one set. Its placeholder is `destination` followed by the name of the
 * set.
 */
export function boundModel(
  proxy: Proxy,
  { name, set, destination }: { readonly name: string; readonly set: CidrSet; readonly destination: string },
): Bound {
  return {
    name: bareWord(`bound-${name}`),
    classes: trustedText(`^[^ /]+/${escapeRegex(name)}/`),
    ...outsideOf(proxy, set, `${destination}-${name.replace(/[^A-Za-z0-9-]/g, '_')}`),
  };
}

export function outsideOf({ clientIp }: Proxy, set: CidrSet, destination: string): Outside {
  // Only a header may hold an IPv4 address as IPv6, `::ffff:192.0.2.1`. Of a connection, Go knows the family.
  const { cidrs, text } = addressTest(set, clientIp.kind === 'header' ? withMapped : toCidrs);
  const test =
    text === undefined
      ? null
      : table({ source: '{http.vars.client_ip}', destination, entries: [[`~${text}`, 'yes']], fallback: 'no' });
  return { table: test, destination: test?.destination ?? null, cidrs: cidrs.map(bareWord) };
}
