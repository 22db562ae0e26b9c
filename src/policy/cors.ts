import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { CorsSpec } from '../spec/cors.ts';
import { policyCodes } from './codes.ts';
import type { Difference } from './fields.ts';
import { credentialIn } from './key.ts';
import { authorityOf } from './origin.ts';
import { type HeaderFields, headerValues } from './request.ts';
import type { Cors, Proxy } from './types.ts';
import { milliseconds, parseOrigin } from './upstreams.ts';

const TEN_MINUTES = 600;

export function corsOf(
  written: CorsSpec | undefined,
  keyHeader: string,
  { at, problems }: { readonly at: SpecPath; readonly problems: Diagnostic[] },
): { readonly cors?: Cors } {
  if (written === undefined) return {};
  const { origins, headers = [], maxAge } = written;
  const named = [keyHeader, 'Content-Type', ...headers];
  const lower = named.map((name) => name.toLowerCase());
  return {
    cors: {
      origins: origins === 'any' ? origins : originsOf(origins, [...at, 'origins'], problems),
      headers: named.filter((_, index) => lower.indexOf(lower[index] ?? '') === index),
      maxAge: maxAge === undefined ? TEN_MINUTES : Math.ceil(milliseconds(maxAge) / 1000),
    },
  };
}

function originsOf(origins: readonly string[], at: SpecPath, problems: Diagnostic[]): string[] {
  const found = origins.flatMap((text, index) => {
    const parsed = parseOrigin(text);
    if (!('problem' in parsed)) return [`${parsed.scheme}://${authorityOf(parsed)}`];
    problems.push(policyCodes.report('bad-origin', [...at, index], { text, problem: parsed.problem }));
    return [];
  });
  return [...new Set(found)].sort();
}

/** Returns whether `cors` itself writes a header of answers. */
export function isOfCors(header: string): boolean {
  return header.startsWith('access-control-') || header === 'vary';
}

/**
 * Returns the origin of the page, as the browser sends it. Only the first value counts, because engines differ in
 * whether they see the others.
 */
function askingOrigin(headers: HeaderFields): string {
  return credentialIn(headerValues(headers, 'origin'));
}

/**
 * Returns the value of `Access-Control-Allow-Origin`: the page's own origin, or `*` for any; `undefined` if the page
 * may not read answers.
 */
export function allowedOrigin({ origins }: Cors, headers: HeaderFields): string | undefined {
  if (origins === 'any') return '*';
  const origin = askingOrigin(headers);
  return origins.includes(origin) ? origin : undefined;
}

/** Returns whether a request is a preflight of a page whose origin is allowed. */
export function isPreflight(cors: Cors, method: string, headers: HeaderFields): boolean {
  const wanted = credentialIn(headerValues(headers, 'access-control-request-method'));
  const isAsked = method === 'OPTIONS' && wanted !== '' && askingOrigin(headers) !== '';
  return isAsked && allowedOrigin(cors, headers) !== undefined;
}

/** Returns the differences of cors. Pages of more origins, or with more headers, are widening. */
export function corsDifferences({ cors: before }: Proxy, { cors: after }: Proxy): Difference[] {
  if (!after) return [{ effect: 'narrowing', words: 'tells browsers nothing about pages of other origins now' }];
  if (!before) return [{ effect: 'widening', words: `may be used by pages of ${originWords(after)} now` }];
  return [
    ...(originWords(before) === originWords(after)
      ? []
      : [
          {
            effect: isWithin(after.origins, before.origins) ? ('narrowing' as const) : ('widening' as const),
            words: `may be used by pages of ${originWords(after)} (before: ${originWords(before)})`,
          },
        ]),
    ...headerDifferences(before, after),
    ...(before.maxAge === after.maxAge
      ? []
      : [
          {
            effect: after.maxAge > before.maxAge ? ('widening' as const) : ('narrowing' as const),
            words: `lets browsers remember for ${after.maxAge} s what pages may do (before: ${before.maxAge} s)`,
          },
        ]),
  ];
}

function originWords({ origins }: Cors): string {
  return origins === 'any' ? 'any origin' : origins.join(', ');
}

function isWithin(some: Cors['origins'], all: Cors['origins']): boolean {
  return all === 'any' || (some !== 'any' && some.every((origin) => all.includes(origin)));
}

function headerDifferences({ headers: before }: Cors, { headers: after }: Cors): Difference[] {
  const missing = (some: readonly string[], all: readonly string[]) => {
    const known = all.map((name) => name.toLowerCase());
    return some.filter((name) => !known.includes(name.toLowerCase()));
  };
  const told = (effect: Difference['effect'], names: readonly string[], when: string): Difference[] =>
    names.length === 0 ? [] : [{ effect, words: `lets pages of other origins send ${names.join(', ')} ${when}` }];
  return [
    ...told('widening', missing(after, before), 'now'),
    ...told('narrowing', missing(before, after), 'no longer'),
  ];
}
