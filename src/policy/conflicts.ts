import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { accessOf, type Endpoint, isRoute, type Rule, takes } from './access.ts';
import { MAX_OVERLAPS } from './automaton.ts';
import { policyCodes } from './codes.ts';
import { firstDifference } from './fields.ts';
import { FORWARDING } from './routes.ts';
import type { Proxy, Route } from './types.ts';

function routesDisagree(first: Route, second: Route, request: string): Diagnostic | undefined {
  const differ = firstDifference(FORWARDING, first.forwarding, second.forwarding);
  if (differ === undefined) return undefined;
  const related = [{ at: first.origin, message: 'the other pattern' }];
  return policyCodes.report('overlap-conflict', second.origin, { request, differ }, { related });
}

function rulesConflict(rules: readonly Rule[], request: string): Diagnostic | undefined {
  const health = rules.find((rule) => 'ranges' in rule);
  const taken = rules.find((rule) => rule !== health);
  if (health && taken) {
    const related = [{ at: taken.origin, message: isRoute(taken) ? 'forwarded here' : 'answered here' }];
    return policyCodes.report('health-conflict', health.origin, { request }, { related });
  }
  const [first, ...others] = rules.filter(isRoute);
  const answers = rules.filter((rule) => !isRoute(rule));
  const answer = answers[0];
  if (first && answer) {
    const related = [{ at: first.origin, message: 'forwarded here' }];
    return policyCodes.report('answer-conflict', answer.origin, { request }, { related });
  }
  if (answer && answers[1]) {
    const related = [{ at: answer.origin, message: 'answered here too' }];
    return policyCodes.report('answer-conflict', answers[1].origin, { request }, { related });
  }
  if (!first) return undefined;
  return others.map((other) => routesDisagree(first, other, request)).find((found) => found !== undefined);
}

function endpointConflicts(endpoint: Endpoint): Diagnostic[] {
  const { accepts, example } = endpoint.state;
  if (accepts.length < 2) return [];
  return [...endpoint.classes.keys()].flatMap((method) => {
    const matching = accepts.filter((rule) => takes(rule, method));
    return rulesConflict(matching, `${method} ${example}`) ?? [];
  });
}

/** Each pair of rules once, however many paths they share. */
function unique(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const byPlace = new Map(
    diagnostics.map((diagnostic) => [JSON.stringify([diagnostic.at, diagnostic.related?.[0]?.at]), diagnostic]),
  );
  return [...byPlace.values()];
}

/** Finds patterns that cannot stand side by side on a proxy. */
export function checkConflicts(proxies: readonly Proxy[], problems: Diagnostic[]): void {
  const found: Diagnostic[] = [];
  for (const proxy of proxies) {
    const access = accessOf(proxy);
    if (!access)
      problems.push(policyCodes.report('too-many-overlaps', [...proxy.origin, 'routes'], { states: MAX_OVERLAPS }));
    else found.push(...access.endpoints.flatMap(endpointConflicts));
  }
  problems.push(...unique(found));
}
