import { epochSeconds } from '../policy/dates.ts';
import type { HeaderFields } from '../policy/request.ts';
import type { Policy } from '../policy/types.ts';
import { jsonVerdict } from './jsonVerdict.ts';
import { decider, problemText } from './request.ts';

/** The input of a page: the policy as far as decisions depend on it, and the places of its parts in the spec. */
export interface PageData {
  /** JSON in which `{"$":"123"}` is a whole number of any size. */
  readonly policy: unknown;
  /** `file:line:column` by path, as JSON. */
  readonly places: Readonly<Record<string, string>>;
}

export interface PageQuestion {
  readonly method: string;
  readonly target: string;
  readonly apiKey?: string | undefined;
  readonly from?: string | undefined;
  readonly proxy?: string | undefined;
  readonly headers?: HeaderFields | undefined;
  /** Seconds since 1970, or a date. */
  readonly at: number | string;
}

/** Returns the evaluator of the page. It is that of the command, so that both give the same answer. */
export function evaluator({ policy, places }: PageData) {
  const decide = decider(revived(policy) as Policy);
  return (question: PageQuestion) => {
    const at = typeof question.at === 'number' ? question.at : epochSeconds(question.at);
    if (at === undefined) return { error: 'this is not a day; write one such as 2027-06-30' };
    const decided = decide({ ...question, at });
    if ('problem' in decided) return { error: problemText(decided) };
    const { decision } = decided;
    return {
      ...jsonVerdict(decision, (path) => places[JSON.stringify(path)] ?? ''),
      reason: decision.kind === 'deny' ? decision.reason : '',
      proxy: decided.proxy.id,
    };
  };
}

/** Returns a value as JSON; `revived(JSON.parse(packed(value)))` is equal to it. */
export function packed(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? { $: String(part) } : part));
}

function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== 'object' || value === null) return value;
  if ('$' in value && typeof value.$ === 'string') return BigInt(value.$);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, revived(part)]));
}
