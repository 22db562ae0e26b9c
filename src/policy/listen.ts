import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { type Address, formatAddress, parseAddress } from './cidr.ts';
import { policyCodes } from './codes.ts';
import type { Difference, Effect } from './fields.ts';
import { checkSharing, type Sharing, withProxy } from './hosts.ts';
import type { Proxy } from './types.ts';
import { parseHostPort } from './upstreams.ts';

type Listen = Proxy['listen'];

const FORMS = 'a port such as 8080, or address:port such as 127.0.0.1:8080 or [::1]:8080';

/** Returns where a proxy listens. The address is in its shortest form: `::0` and `::` are the same socket. */
export function listenOf(listen: number | string, at: SpecPath, problems: Diagnostic[]): Listen {
  if (typeof listen === 'number') return { port: listen };
  if (/^[1-9][0-9]{0,4}$/.test(listen) && Number(listen) <= 65_535) return { port: Number(listen) };
  const target = parseHostPort(listen);
  const address = target && parseAddress(target.host);
  const hint = target && address ? unboundHint(target.host, address) : FORMS;
  if (target && address && hint === undefined) return { address: formatAddress(address), port: target.port };
  problems.push(policyCodes.report('bad-host-port', at, { text: listen, hint: hint ?? FORMS }));
  return { port: 1 };
}

/** Returns a hint for an address that no system lets a server listen on. */
function unboundHint(text: string, { family, value }: Address): string | undefined {
  if (family === 4 && text.includes(':'))
    return `this is an IPv4 address in the form of IPv6; write ${formatAddress({ family, value })}`;
  if (family === 4) return value >> 28n >= 14n ? 'write an address of this machine, not one of a group' : undefined;
  if (value >> 120n === 0xffn) return 'write an address of this machine, not one of a group';
  return value >> 118n === 0x3fan ? 'a link-local address needs a zone, which no engine takes; use another' : undefined;
}

/**
 * Checks that names tell proxies of one socket apart, and that no proxy listens on one address of a port while another
 * listens on all of them.
 */
export function checkListen(proxies: readonly Proxy[], problems: Diagnostic[]): void {
  const byPort = new Map<number, Map<string, Sharing>>();
  for (const proxy of proxies) {
    const { address = '0.0.0.0', port } = proxy.listen;
    const taken = byPort.get(port) ?? new Map<string, Sharing>();
    byPort.set(port, taken);
    const sharing = taken.get(address) ?? { first: proxy, nameless: undefined, byHost: new Map() };
    const nameless = proxy.hosts.length === 0 ? sharing.nameless : undefined;
    const elsewhere =
      address === '0.0.0.0'
        ? [...taken].find(([own]) => own !== address && !own.includes(':'))?.[1]
        : taken.get('0.0.0.0');
    // An IPv6 socket takes no IPv4 connections, on any engine.
    const other = nameless ?? (address.includes(':') ? undefined : elsewhere?.first);
    if (!other) checkSharing(proxy, sharing, problems);
    taken.set(address, withProxy(sharing, proxy));
    if (!other) continue;
    const related = [{ at: [...other.origin, 'listen'], message: 'listens here already' }];
    const listen = `${proxy.listen.address ?? '*'}:${port}`;
    problems.push(
      policyCodes.report('duplicate-listen', [...proxy.origin, 'listen'], { listen, other: other.id }, { related }),
    );
  }
}

/**
 * Returns the difference of a proxy's socket. It is `unclear`, because firewalls outside the spec decide who reaches
 * which port. Only a change from all addresses to one of them is narrowing, and the reverse widening.
 */
export function listenDifferences({ listen: before }: Proxy, { listen: after }: Proxy): Difference[] {
  const text = (listen: Listen) => `${listen.address ?? '*'}:${listen.port}`;
  const effect: Effect = includes(before, after) ? 'narrowing' : includes(after, before) ? 'widening' : 'unclear';
  return [{ effect, words: `listens on ${text(after)} (before: ${text(before)})` }];
}

/** Returns a proxy that listens on all addresses, and so gets the connections that `gone` no longer takes for itself. */
export function coveringProxy(proxies: readonly Proxy[], { listen: gone }: Proxy): Proxy | undefined {
  return proxies.find(({ listen }) => listen.address !== gone.address && includes(listen, gone));
}

/**
 * Returns whether every connection to `narrow` is also one to `wide`. `*` means every IPv4 address, `::` every IPv6
 * address.
 */
function includes(wide: Listen, narrow: Listen): boolean {
  if (wide.port !== narrow.port || narrow.address === undefined) return false;
  const isSix = narrow.address.includes(':');
  return wide.address === '::' ? isSix : !isSix && (wide.address ?? '0.0.0.0') === '0.0.0.0';
}
