import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Decision } from '../policy/decide.ts';

/** Returns a decision as JSON: the same for the command line and the page of a report. */
export function jsonVerdict(decision: Decision, locate: (at: SpecPath) => string) {
  const verdict = { forward: 'allow', answer: 'answer', deny: 'deny' } as const;
  return {
    decision: verdict[decision.kind],
    /** `null` for a forwarded request, because the upstream chooses the status. */
    status: decision.kind === 'forward' ? null : decision.status,
    route: decision.route,
    at: locate(decision.at),
  };
}
