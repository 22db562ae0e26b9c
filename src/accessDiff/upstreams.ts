import type { Upstream } from '../policy/types.ts';
import type { Effect } from './types.ts';

/** Everything about an upstream that decides where a request ends up and who could read it. */
export function destinationOf(upstream: Upstream | undefined): string {
  if (!upstream) return '';
  return JSON.stringify([urlOf(upstream), serversOf(upstream), upstream.tokenHeader, upstream.tls]);
}

export function urlOf({ scheme, host, port }: Upstream): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${shown}${port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`}`;
}

function serversOf({ servers }: Upstream): string[] {
  return servers.map(({ host, port }) => `${host}:${port}`).sort();
}

interface Difference {
  readonly effect: Effect;
  readonly words: string;
}

/** What differs between two destinations; the first difference of the gravest effect leads. */
export function upstreamDifferences(before: Upstream, after: Upstream): Difference[] {
  const found: Difference[] = [];
  const arrow = (what: string, from: string, to: string) => `${what} ${from} → ${to}`;
  if (urlOf(before) !== urlOf(after))
    found.push({ effect: 'unclear', words: arrow('url', urlOf(before), urlOf(after)) });
  const [left, right] = [serversOf(before), serversOf(after)];
  // Without a pool of its own the servers only repeat the url.
  if (left.join() !== right.join() && (urlOf(before) === urlOf(after) || left.length + right.length > 2)) {
    const added = right.some((server) => !left.includes(server));
    found.push({ effect: added ? 'unclear' : 'narrowing', words: arrow('servers', left.join(', '), right.join(', ')) });
  }
  if (before.tokenHeader !== after.tokenHeader) {
    found.push({ effect: 'unclear', words: arrow('token header', before.tokenHeader, after.tokenHeader) });
  }
  return [...found, ...trustDifferences(before, after)];
}

function trustDifferences(left: Upstream, right: Upstream): Difference[] {
  const [before, after] = [left.tls, right.tls];
  if (!before || !after) return [];
  if (!before.insecureSkipVerify && after.insecureSkipVerify) {
    return [{ effect: 'widening', words: 'its certificate is no longer verified' }];
  }
  const found: Difference[] = [];
  if (before.insecureSkipVerify && !after.insecureSkipVerify) {
    found.push({ effect: 'narrowing', words: 'its certificate is verified now' });
  }
  const bundle = ({ caFile }: { readonly caFile?: string }) => caFile ?? 'the system’s';
  if (bundle(before) !== bundle(after)) {
    found.push({ effect: 'unclear', words: `trusted certificates ${bundle(before)} → ${bundle(after)}` });
  }
  // A name that follows the url has been told with the url.
  const follows = before.serverName === left.host && after.serverName === right.host;
  if (before.serverName !== after.serverName && !follows) {
    found.push({ effect: 'unclear', words: `certificate name ${before.serverName} → ${after.serverName}` });
  }
  return found;
}

const GRAVITY: readonly Effect[] = ['widening', 'unclear', 'narrowing', 'neutral'];

export function gravest(effects: readonly Effect[]): Effect {
  return GRAVITY.find((effect) => effects.includes(effect)) ?? 'neutral';
}
