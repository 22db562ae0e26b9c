import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { isRefusal } from '../plan/log.ts';
import { DENIALS, type Decision, type Denial } from '../policy/decide.ts';
import { type ShadowEvaluator, shadowEvaluatorOf } from '../policy/shadow.ts';
import { templateOf } from '../policy/template.ts';
import type { Policy } from '../policy/types.ts';
import { isRecord, parseJson } from '../source/value.ts';
import { type Logged, loggedRequest } from './loggedRequest.ts';
import { decider } from './request.ts';

/** Requests that got through and that the shadow would refuse for the same reason. They differ only in parameters. */
export interface Refused {
  readonly proxy: string;
  readonly method: string;
  /** The path as a spec would write it. */
  readonly template: string;
  /** The path of one of these requests. */
  readonly path: string;
  /** Id of the key; "" if none was sent. */
  readonly key: string;
  readonly reason: Denial;
  readonly status: number;
  /** Route class of the shadow; "" for none. */
  readonly route: string;
  /** Place in the shadow's spec that decides. */
  readonly at: SpecPath;
  readonly count: number;
  /** Time of the last request, as logged. */
  readonly last: string;
}

/** Counts what lines of access logs say. */
export interface ShadowTally {
  take(line: string): void;
  readonly lines: () => number;
  /** Number of lines that no proxy of the spec wrote. */
  readonly bad: () => number;
  /** Number of requests that got through. */
  readonly seen: () => number;
  /** Groups of refused requests, the most frequent first. */
  readonly refused: () => readonly Refused[];
}

type Kind = Omit<Refused, 'count' | 'last'>;

/**
 * Reasons by status for denials that depend on the query or the body, which a log does not show. The log has the status
 * of the shadow for them.
 */
const UNSEEN: Readonly<Record<number, Denial>> = { 400: 'query', 413: 'body-size', 415: 'content-type' };

/** Most verdicts that are cached: a log repeats the same few requests. */
const MOST_KNOWN = 200_000;

export function shadowTally(policy: Policy): ShadowTally {
  const judge = judgeOf(policy);
  const moments = momentsOf(policy);
  const proxies = new Set(policy.proxies.map(({ id }) => id));
  const known = new Map<string, Kind | null>();
  const kinds = new Map<string, { readonly kind: Kind; count: number; last: string }>();
  let [lines, bad, seen] = [0, 0, 0];
  const verdictOf = (found: Logged, said: Readonly<Record<string, unknown>>): Kind | null => {
    const { asked, logged } = found;
    const { proxy, method, path, client, key } = logged;
    const age = moments.filter((moment) => moment <= asked.at).length;
    // No part holds a line end, because that would have ended the log line.
    const name = [method, path, proxy, client, key, age, said['shadow'], said['shadowRoute']].join('\n');
    const before = known.get(name);
    const verdict = before === undefined ? judge(found, said) : before;
    if (known.size < MOST_KNOWN) known.set(name, verdict);
    return verdict;
  };
  const take = (line: string) => {
    if (line === '') return;
    lines += 1;
    const said = parseJson(line);
    const found = isRecord(said) ? loggedRequest(said, policy) : undefined;
    if (found && 'site' in found) return;
    if (!isRecord(said) || !found || 'problem' in found || !proxies.has(found.logged.proxy)) {
      bad += 1;
      return;
    }
    if (isRefusal(found.logged.reason)) return;
    seen += 1;
    const kind = verdictOf(found, said);
    if (!kind) return;
    const name = [kind.proxy, kind.method, kind.template, kind.key, kind.reason].join(' ');
    const group = kinds.get(name) ?? { kind, count: 0, last: '' };
    kinds.set(name, group);
    group.count += 1;
    if (found.logged.time > group.last) group.last = found.logged.time;
  };
  return {
    take,
    lines: () => lines,
    bad: () => bad,
    seen: () => seen,
    refused: () =>
      [...kinds]
        .map(([name, { kind, count, last }]) => ({ name, refused: { ...kind, count, last } }))
        .sort((a, b) => b.refused.count - a.refused.count || (a.name < b.name ? -1 : 1))
        .map(({ refused }) => refused),
  };
}

/** Returns the moments when keys expire. Decisions on a request change at no other time. */
function momentsOf({ apiKeys, shadow }: Policy): readonly number[] {
  const all = [...apiKeys, ...(shadow?.apiKeys ?? [])].flatMap(({ expires }) => expires ?? []);
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Returns a function that decides a logged request again: `null` if the shadow lets it through. */
function judgeOf(policy: Policy): (found: Logged, said: Readonly<Record<string, unknown>>) => Kind | null {
  const decide = decider(policy);
  const shadows = new Map<string, ShadowEvaluator | undefined>();
  const patterns = new Map(policy.routes.map(({ origin, pattern }) => [JSON.stringify(origin), pattern]));
  return ({ asked, logged }, said) => {
    const decided = decide(asked);
    if ('problem' in decided) return null;
    const { evaluator, request, proxy, decision: now } = decided;
    const shadow = shadows.get(proxy.id) ?? shadowEvaluatorOf(policy, evaluator);
    shadows.set(proxy.id, shadow);
    const decision = shadow?.decide(request);
    const denied = decision && denialIn(decision, said);
    if (!denied) return null;
    const { method, path, key } = logged;
    const pattern = now.kind === 'forward' ? patterns.get(JSON.stringify(now.at)) : undefined;
    const template = templateOf(path, pattern);
    return { proxy: proxy.id, method, template, path, key, route: decision.route, at: decision.at, ...denied };
  };
}

function denialIn(
  decision: Decision,
  { shadow, shadowRoute }: Readonly<Record<string, unknown>>,
): Pick<Kind, 'reason' | 'status'> | undefined {
  if (decision.kind === 'deny') return { reason: decision.reason, status: decision.status };
  if (decision.kind === 'answer' || typeof shadow !== 'number' || shadowRoute !== decision.route) return undefined;
  const reason = UNSEEN[shadow];
  return reason && { reason, status: DENIALS[reason] };
}
