import { credentialIn } from '../policy/key.ts';
import { headerValues } from '../policy/request.ts';
import type { Cors } from '../policy/types.ts';
import type { Expected, Problem } from './expect.ts';
import type { RawResponse } from './raw.ts';

/** Headers that tell a browser what pages may do, written out once more: the upstream's own must not pass beside ours. */
const TOLD = [
  ...['access-control-allow-origin', 'access-control-allow-credentials', 'access-control-allow-headers'],
  ...['access-control-allow-methods', 'access-control-allow-private-network', 'access-control-expose-headers'],
  'access-control-max-age',
];

/** What is wrong with what an answer tells browsers of pages of other origins; nothing is asked of a proxy without `cors`. */
export function corsProblems(expected: Expected, response: RawResponse): Problem[] {
  const { cors } = expected.fixture.proxy;
  if (!cors) return [];
  const due = dueOf(expected, cors);
  const problems = TOLD.flatMap((name): Problem[] => {
    const got = valuesOf(response, name);
    const should = due.get(name);
    if (got.join('\n') === (should ?? '') && got.length === (should === undefined ? 0 : 1)) return [];
    const text = `a page is told ${name} ${got.join(' and ') || 'nothing'} instead of ${should ?? 'nothing'}`;
    return [{ kind: `cors ${name}`, text }];
  });
  const varies = valuesOf(response, 'vary').some((value) => /(?:^|,)[ \t]*origin[ \t]*(?:,|$)/i.test(value));
  if (due.has('vary') && !varies)
    problems.push({ kind: 'cors vary', text: 'nothing says that the answer depends on Origin' });
  return problems;
}

function dueOf({ decision, request }: Expected, { origins, headers, maxAge }: Cors): ReadonlyMap<string, string> {
  const due = new Map<string, string>();
  const isElsewhere = decision.kind === 'deny' && ['head-size', 'misdirected', 'address'].includes(decision.reason);
  if (isElsewhere) return due;
  if (origins !== 'any') due.set('vary', 'Origin');
  const page = credentialIn(headerValues(request.fields, 'origin'));
  if (origins !== 'any' && !origins.includes(page)) return due;
  due.set('access-control-allow-origin', origins === 'any' ? '*' : page);
  if (decision.kind !== 'answer' || !decision.preflight) return due.set('access-control-expose-headers', '*');
  return due
    .set('access-control-allow-methods', decision.preflight.join(', '))
    .set('access-control-allow-headers', headers.join(', '))
    .set('access-control-max-age', String(maxAge));
}

function valuesOf({ fields }: RawResponse, name: string): string[] {
  return fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}
