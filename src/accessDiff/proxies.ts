import { isEmpty } from '../policy/cidr.ts';
import { differencesOf } from '../policy/fields.ts';
import { PROXY } from '../policy/proxies.ts';
import type { Proxy } from '../policy/types.ts';
import { ANYBODY, type Caller } from './callers.ts';
import type { Collector } from './collector.ts';
import { confirmed, mayUse, type ProxyContext, questionOf } from './context.ts';
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

/** What is told of the proxy itself: it decides before any request is read, or after the answer, so there is no example. */
export function diffSettings(before: Proxy, after: Proxy, collector: Collector): void {
  for (const { kind, effect, words, field } of differencesOf(PROXY, before, after)) {
    const at = { version: 'after', path: [...after.origin, field.name] } as const;
    collector.add({ kind, effect, message: () => words, at, proxy: after.id });
  }
}
