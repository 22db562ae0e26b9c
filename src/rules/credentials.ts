import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { ruleCodes } from './codes.ts';
import { isLoopback } from './loopback.ts';

/** What can be done with an injected token beside what its routes say. */
export function credentials(policy: Policy, spec: Spec): Diagnostic[] {
  return [...clearText(policy), ...forms(spec)];
}

function clearText({ upstreams, routes }: Policy): Diagnostic[] {
  const keyed = new Set(routes.filter((one) => one.forwarding.auth === 'apiKey').map((one) => one.forwarding.upstream));
  return upstreams
    .filter(({ id, scheme, servers }) => keyed.has(id) && scheme === 'http' && !servers.every(isLoopback))
    .map(({ id, origin }) => ruleCodes.report('clear-text', [...origin, 'url'], { upstream: id }));
}

const FORMS = ['application/x-www-form-urlencoded', 'multipart/form-data'];

/** Where a form is let in, once for each list that does so. */
function forms({ routes = {} }: Spec): Diagnostic[] {
  return Object.entries(routes).flatMap(([name, { auth = 'apiKey', contentTypes, allow }]) => {
    if (auth !== 'apiKey') return [];
    const origin = ['routes', name];
    const own = allow.map((entry) => (typeof entry === 'string' ? undefined : entry.contentTypes));
    const inherited = own.some((types) => types === undefined) ? contentTypes : undefined;
    return [
      ...formsIn(inherited, [...origin, 'contentTypes']),
      ...own.flatMap((types, index) => formsIn(types, [...origin, 'allow', index, 'contentTypes'])),
    ];
  });
}

function formsIn(types: 'any' | readonly string[] | undefined, at: SpecPath): Diagnostic[] {
  if (types === 'any') return [ruleCodes.report('form-body', at, { type: 'any type' })];
  const found = (types ?? []).filter((type) => FORMS.includes(type));
  return found.length === 0 ? [] : [ruleCodes.report('form-body', at, { type: found.join(' and ') })];
}
