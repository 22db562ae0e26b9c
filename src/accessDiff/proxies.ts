import type { ClientAddress, Proxy } from '../policy/types.ts';
import { addressWords, intersect, sameAddresses } from './addresses.ts';
import { ANYBODY, type Caller } from './callers.ts';
import type { Collector } from './collector.ts';
import { confirmed, isEmpty, mayUse, type ProxyContext, questionOf } from './context.ts';
import type { Effect } from './types.ts';
import { isOpen } from './version.ts';

export interface ProxyPair {
  readonly before: Proxy | undefined;
  readonly after: Proxy | undefined;
}

/** Proxies of one id, or, where one was renamed, of one listening socket. */
export function proxyPairs(before: readonly Proxy[], after: readonly Proxy[]): ProxyPair[] {
  const socket = ({ listen }: Proxy) => `${listen.address ?? '*'}:${listen.port}`;
  const renamed = (proxy: Proxy, others: readonly Proxy[], same: readonly Proxy[]) =>
    others.find((other) => socket(other) === socket(proxy) && !same.some(({ id }) => id === other.id));
  const pairs = after.map((proxy): ProxyPair => {
    const same = before.find(({ id }) => id === proxy.id);
    return { before: same ?? renamed(proxy, before, after), after: proxy };
  });
  const gone = before.filter((proxy) => !pairs.some((pair) => pair.before === proxy));
  return [...pairs, ...gone.map((proxy) => ({ before: proxy, after: undefined }))];
}

/** A proxy that only one version has, with some request that gets through it. */
export function diffWholeProxy(context: ProxyContext, added: boolean): void {
  const { access, proxy } = added ? context.after : context.before;
  if (!access || !proxy || isEmpty(proxy.ranges)) return;
  const version = added ? 'after' : 'before';
  for (const { state, cells } of access.places) {
    for (const [method, cell] of cells) {
      const open = isOpen(cell, added ? context.after : context.before);
      const may = (caller: Caller) => mayUse(cell, caller[version]) && !isEmpty(context.reach(caller)[version]);
      const caller = open ? ANYBODY : context.callers.find(may);
      if (!caller) continue;
      context.collector.add({
        kind: added ? 'proxy-added' : 'proxy-removed',
        effect: added ? 'widening' : 'narrowing',
        message: () => `proxy "${proxy.id}" ${added ? 'added' : 'removed'}: ${proxy.routes.length} routes`,
        at: { version, path: proxy.origin },
        proxy: proxy.id,
        example: () =>
          confirmed(questionOf({ method, path: state.example }, caller, context.reach(caller)[version]), context),
      });
      return;
    }
  }
}

/** What decides before any request is read. The evaluator starts after it, so these have no example. */
export function diffSettings(before: Proxy, after: Proxy, collector: Collector): void {
  const add = (kind: 'listen' | 'client-address' | 'key-header', field: string, told: Told) =>
    collector.add({
      kind,
      effect: told.effect,
      message: () => told.words,
      at: { version: 'after', path: [...after.origin, field] },
      proxy: after.id,
    });
  const listen = listenDifference(before.listen, after.listen);
  if (listen) add('listen', 'listen', listen);
  const address = clientDifference(before.clientIp, after.clientIp);
  if (address) add('client-address', 'clientIp', address);
  if (before.apiKeyHeader.toLowerCase() !== after.apiKeyHeader.toLowerCase()) {
    const words = `keys are read from ${after.apiKeyHeader} (before: ${before.apiKeyHeader})`;
    add('key-header', 'apiKeyHeader', { effect: 'neutral', words });
  }
}

interface Told {
  readonly effect: Effect;
  readonly words: string;
}

function listenDifference(before: Proxy['listen'], after: Proxy['listen']): Told | undefined {
  const text = ({ address, port }: Proxy['listen']) => `${address ?? '*'}:${port}`;
  if (text(before) === text(after)) return undefined;
  const words = `listens on ${text(after)} (before: ${text(before)})`;
  if (before.address === after.address) return { effect: 'neutral', words };
  if (after.address === undefined) return { effect: 'widening', words };
  return { effect: before.address === undefined ? 'narrowing' : 'unclear', words };
}

/** Whoever is trusted can claim to be any client, so trusting more is widening. */
function clientDifference(before: ClientAddress, after: ClientAddress): Told | undefined {
  if (sourceWords(before) !== sourceWords(after)) {
    const words = `the client address is ${sourceWords(after)} (before: ${sourceWords(before)})`;
    return { effect: 'unclear', words };
  }
  if (before.kind === 'direct' || after.kind === 'direct' || sameAddresses(before.trusted, after.trusted))
    return undefined;
  const wider = intersect(before.trusted, after.trusted);
  const words = `trusted proxies are ${addressWords(after.trusted)} (before: ${addressWords(before.trusted)})`;
  return { effect: sameAddresses(wider, after.trusted) ? 'narrowing' : 'widening', words };
}

function sourceWords(source: ClientAddress): string {
  if (source.kind === 'direct') return 'the one that connects';
  return source.kind === 'header' ? `read from ${source.header.toLowerCase()}` : 'what the PROXY protocol says';
}
