import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { isRefusal } from '../plan/log.ts';
import { DENIALS, type Decision, type Denial } from '../policy/decide.ts';
import { type ShadowEvaluator, shadowEvaluatorOf } from '../policy/shadow.ts';
import { templateOf } from '../policy/template.ts';
import type { Policy } from '../policy/types.ts';
import { isRecord, parseJson } from '../source/value.ts';
import { type Logged, loggedRequest } from './loggedRequest.ts';
import { decider } from './request.ts';

/** Requests that got through and that the shadow would refuse for one reason, alike but for what parameters take. */
export interface Refused {
  readonly proxy: string;
  readonly method: string;
  /** As a spec would write the path. */
  readonly template: string;
  /** The path of one of them. */
  readonly path: string;
  /** Id of the key; "" where none was sent. */
  readonly key: string;
  readonly reason: Denial;
  readonly status: number;
  /** The route class of the shadow that it falls into; "" for none. */
  readonly route: string;
  /** Place in the shadow that the decision comes from. */
  readonly at: SpecPath;
  readonly count: number;
  /** As the log says it. */
  readonly last: string;
}

/** Counts what lines of access logs say. */
export interface ShadowTally {
  take(line: string): void;
  readonly lines: () => number;
  /** Lines that are none of ours. */
  readonly bad: () => number;
  /** Requests that got through. */
  readonly seen: () => number;
  /** The most frequent first. */
  readonly refused: () => readonly Refused[];
}

type Kind = Omit<Refused, 'count' | 'last'>;

/** What only the body or the query can be the reason for, which a log does not show: it says the status of the shadow then. */
const UNSEEN: Readonly<Record<number, Denial>> = { 400: 'query', 413: 'body-size', 415: 'content-type' };

/** Verdicts that are kept: a log asks for the same few again and again. */
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
    // No part of it holds a line end: that would have ended the line.
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
    if (isRecord(said) && said['proxy'] === '' && typeof said['route'] === 'string') return;
    const found = isRecord(said) ? loggedRequest(said, policy) : undefined;
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

/** When keys end: what is decided about a request changes at no other time. */
function momentsOf({ apiKeys, shadow }: Policy): readonly number[] {
  const all = [...apiKeys, ...(shadow?.apiKeys ?? [])].flatMap(({ expires }) => expires ?? []);
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Decides again; `null` for what the shadow lets through. */
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
