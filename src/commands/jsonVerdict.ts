import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Decision } from '../policy/decide.ts';

/** A decision in the form that machines get: the same on the command line and in the page of a report. */
export function jsonVerdict(decision: Decision, locate: (at: SpecPath) => string) {
  const verdict = { forward: 'allow', answer: 'answer', deny: 'deny' } as const;
  return {
    decision: verdict[decision.kind],
    /** A forwarded request gets whatever the upstream says. */
    status: decision.kind === 'forward' ? null : decision.status,
    route: decision.route,
    at: locate(decision.at),
  };
}
