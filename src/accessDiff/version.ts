import { type Access, accessOf, type Cell } from '../policy/access.ts';
import { parseAddress } from '../policy/cidr.ts';
import { type Decision, evaluatorOf } from '../policy/decide.ts';
import type { Credential, HeaderFields } from '../policy/request.ts';
import type { ApiKey, Policy, Proxy, Upstream } from '../policy/types.ts';
import { destinationOf } from './upstreams.ts';

/** A request as a caller sees it: the secret it holds, not the id behind it. */
export interface Question {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderFields;
  readonly from: string;
  readonly reference?: string | undefined;
  readonly at: number;
}

/** One side of the comparison of a proxy; without a proxy nothing gets through. */
export interface Version {
  readonly policy: Policy;
  readonly proxy: Proxy | undefined;
  readonly access: Access | undefined;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** By secret. */
  readonly keys: ReadonlyMap<string, ApiKey>;
  /** Of its keys. */
  readonly ids: ReadonlySet<string>;
  decide(question: Question): Decision | undefined;
}

export function versionOf(policy: Policy, proxy: Proxy | undefined): Version {
  const evaluator = proxy && evaluatorOf(policy, proxy);
  const keys = new Map(policy.apiKeys.flatMap((key) => key.keys.map((reference) => [reference.text, key] as const)));
  const decide = ({ method, target, headers, from, reference, at }: Question): Decision | undefined => {
    const client = parseAddress(from);
    if (!client) throw new Error(`${from} is no address`);
    return evaluator?.decide({ method, target, headers, client, at, credential: credentialOf(keys, reference) });
  };
  const upstreams = new Map(policy.upstreams.map((upstream) => [upstream.id, upstream]));
  const ids = new Set(policy.apiKeys.map((key) => key.id));
  return { policy, proxy, access: proxy && accessOf(proxy), upstreams, keys, ids, decide };
}

function credentialOf(keys: ReadonlyMap<string, ApiKey>, reference: string | undefined): Credential {
  if (reference === undefined) return { kind: 'missing' };
  const key = keys.get(reference);
  return key ? { kind: 'known', id: key.id } : { kind: 'unknown' };
}

/** Whether a request that falls into the cell needs no key. */
export function isOpen(cell: Cell, { access }: Version): boolean {
  return cell.kind === 'answer' ? access?.usesKeys !== true : cell.forwarding.auth === 'passthrough';
}

/**
 * What a decision comes to, as text that is equal exactly where it is the same to the caller and to the
 * upstream. Refusals are all the same: 404 or 405 gives nobody anything.
 */
export function outcomeOf(decision: Decision | undefined, { upstreams }: Version): string {
  if (!decision || decision.kind === 'deny') return 'refused';
  if (decision.kind === 'answer') return JSON.stringify(['answer', decision.status, decision.body]);
  const { upstream, auth, headers, websocket } = decision.forwarding;
  const token = auth === 'apiKey' ? decision.key?.token.text : undefined;
  return JSON.stringify(['forward', destinationOf(upstreams.get(upstream)), auth, headers, websocket, token]);
}

export function decisionWords(decision: Decision | undefined): string {
  if (!decision) return 'no such proxy';
  switch (decision.kind) {
    case 'forward':
      return `forwarded to ${decision.forwarding.upstream}`;
    case 'answer':
      return `answered with ${decision.status}`;
    case 'deny':
      return `refused with ${decision.status}`;
  }
}
