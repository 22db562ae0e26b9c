import { preflightFields } from '../../plan/cors.ts';
import { escapeRegex } from '../../plan/regex.ts';
import type { Proxy } from '../../policy/types.ts';
import { bareWord, type CaddyToken, trustedText } from './quote.ts';
import { type Table, table } from './table.ts';

/** Headers of answers for pages of other origins. */
export interface CorsModel {
  /** Tables of the allowed origin of the page, and of whether the request is a preflight. */
  readonly tables: readonly Table[];
  /** Whether answers differ by origin. */
  readonly varies: boolean;
  readonly preflight: readonly { readonly name: CaddyToken; readonly value: CaddyToken }[];
}

/**
 * Returns the model of `cors`. Only the first of several Origin headers counts, because not every engine sees the
 * others.
 */
export function corsModel({ cors }: Proxy): CorsModel | null {
  if (!cors) return null;
  const { origins } = cors;
  const isAny = origins === 'any';
  const page = isAny ? 'cors.page' : 'cors.origin';
  const header = '{http.request.header.Origin}';
  return {
    tables: [
      table({
        source: header,
        destination: 'cors.origin',
        entries: isAny ? [] : origins.map((origin) => [`~^${escapeRegex(origin)}[ \\t]*(?:,|$)`, origin] as const),
        fallback: isAny ? '*' : '',
      }),
      ...(isAny ? [table({ source: header, destination: page, entries: [['~^[^ \\t,]', 'some']] })] : []),
      table({
        source: `{http.request.method} {${page}} {http.request.header.Access-Control-Request-Method}`,
        destination: 'cors.preflight',
        entries: [['~^OPTIONS [^ ]+ [^ \\t,]', 'yes']],
      }),
    ],
    varies: !isAny,
    preflight: preflightFields(cors).map(([name, value]) => ({ name: bareWord(name), value: trustedText(value) })),
  };
}
