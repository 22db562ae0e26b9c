import { CUT_OFF } from '../plan/log.ts';
import type { Credential } from '../policy/request.ts';
import type { Policy } from '../policy/types.ts';
import type { Asked, Problem } from './request.ts';

/** The fields of an access log line that decisions depend on. */
export type LoggedLine = Readonly<Record<(typeof LOGGED)[number], string>>;

const LOGGED = ['time', 'proxy', 'client', 'method', 'path', 'reason', 'key', 'upstream'] as const;

/** A line of a site, or of a request that no proxy of its address was asked for. */
export interface SiteLine {
  /** Its public name; "" where the request was for none. */
  readonly site: string;
  readonly logged: string;
}

/** A logged request, and the line that it comes from. */
export interface Logged {
  readonly asked: Asked;
  readonly logged: LoggedLine;
}

/** Only what was forwarded can break off. Caddy's lines of it do not say to which server. */
const UNTOLD_UPSTREAM = 'unknown';

const NO_KEYS: Readonly<Record<string, Credential>> = {
  'key-malformed': { kind: 'malformed' },
  'key-unknown': { kind: 'unknown' },
};

const ids = new WeakMap<Policy, ReadonlySet<string>>();

function idsOf(policy: Policy): ReadonlySet<string> {
  const found = ids.get(policy) ?? new Set(policy.apiKeys.map(({ id }) => id));
  ids.set(policy, found);
  return found;
}

/**
 * Returns the request of an access log line that a generated configuration wrote. The line holds neither query nor body
 * nor headers.
 */
export function loggedRequest(value: Readonly<Record<string, unknown>>, policy: Policy): Logged | SiteLine | Problem {
  if (value['reason'] === CUT_OFF) return loggedRequest({ upstream: UNTOLD_UPSTREAM, ...value, reason: '' }, policy);
  const missing = LOGGED.find((name) => typeof value[name] !== 'string');
  // Only these fields are checked, because logs have many lines.
  const logged = value as unknown as LoggedLine;
  const { time, proxy, client, method, path, reason, key } = logged;
  const at = missing === undefined ? Date.parse(time) / 1000 : Number.NaN;
  if (missing !== undefined || Number.isNaN(at))
    return {
      problem: `not a line of an access log: no ${missing ?? 'time'}`,
      hint: `it has the fields ${LOGGED.join(', ')}`,
    };
  if (proxy === '') return { site: String(value['route'] ?? ''), logged: reason === '' ? 'allow' : reason };
  const sent: Credential = idsOf(policy).has(key) ? { kind: 'known', id: key } : { kind: 'unknown' };
  const credential = key === '' ? (NO_KEYS[reason] ?? { kind: 'missing' }) : sent;
  return { asked: { method, target: path, credential, from: client, proxy, headers: [], at }, logged };
}
