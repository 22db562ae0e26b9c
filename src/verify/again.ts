import type { Probe } from './draft.ts';
import {
  connectTo,
  type Exchange,
  exchangeOf,
  isLast,
  type Listener,
  methodOf,
  PATIENCE,
  SENTINEL,
} from './exchange.ts';
import type { RawResponse } from './raw.ts';
import type { Upstreams } from './upstreams.ts';

export interface Unanswered {
  readonly probe: Probe;
  /** Those whose answers came before it on its connection. */
  readonly ahead: readonly Probe[];
}

interface Context {
  readonly proxy: Listener;
  readonly upstreams: Upstreams;
}

/**
 * Asks again for what a server closed the connection on instead of answering. That alone is no mistake: a server may
 * close a used connection at any moment, and one that closes with requests unread takes answers along that it has given.
 * So it is asked behind the same requests, none of which is under way any more, and with another one behind it: what has
 * no answer there either, time after time, has none because of what it is or where it stands.
 */
export async function exchangeAgain({ probe, ahead }: Unanswered, context: Context): Promise<Exchange> {
  const { upstreams } = context;
  // Some requests end their connection without a word: nginx does after If-Match at an answer of its own.
  const next = await ask({ ...probe, raw: SENTINEL }, { before: ahead, behind: '' }, context);
  const before = next ? ahead : [];
  for (const behind of [SENTINEL, SENTINEL, '']) {
    const response = await ask(probe, { before, behind }, context);
    if (!response) continue;
    const exchange = exchangeOf(response, upstreams);
    // Whoever announces the end of the connection need not read what is behind.
    return behind !== '' || isLast(response) ? exchange : exchangeOf(undefined, upstreams);
  }
  return exchangeOf(undefined, upstreams);
}

/** The response to a probe behind others, with these bytes behind it; `undefined` where the connection ends before. */
async function ask(
  probe: Probe,
  { before, behind }: { readonly before: readonly Probe[]; readonly behind: string },
  { proxy, upstreams }: Context,
): Promise<RawResponse | undefined> {
  const connection = await connectTo(proxy, probe.peer);
  try {
    for (const each of before) {
      connection.write(each.raw);
      const response = await connection.receive(methodOf(each), PATIENCE);
      exchangeOf(response, upstreams);
      if (!response || isLast(response)) return undefined;
    }
    connection.write(probe.raw + behind);
    return await connection.receive(methodOf(probe), PATIENCE);
  } finally {
    connection.close();
  }
}
