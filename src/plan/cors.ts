import { allowedOrigin } from '../policy/cors.ts';
import type { Decision, Denial } from '../policy/decide.ts';
import type { HeaderFields } from '../policy/request.ts';
import type { Cors, Proxy } from '../policy/types.ts';

/**
 * Headers by which a server tells browsers what pages may do. A proxy with `cors` does not pass on those of the
 * upstream.
 */
export const CORS_RESPONSE_HEADERS: readonly string[] = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
];

/**
 * Refusals without headers for pages: the request is for another proxy, comes from a refused address, or was not read
 * to its end.
 */
export const UNTOLD: readonly Denial[] = ['head-size', 'misdirected', 'address'];

/**
 * Returns the headers that `cors` adds to an answer. A page also learns why it was refused, for example by an expired
 * key.
 */
export function corsFields({ cors }: Pick<Proxy, 'cors'>, decision: Decision, headers: HeaderFields): HeaderFields {
  if (!cors || (decision.kind === 'deny' && UNTOLD.includes(decision.reason))) return [];
  const origin = allowedOrigin(cors, headers);
  const vary: HeaderFields = cors.origins === 'any' ? [] : [['Vary', 'Origin']];
  if (origin === undefined) return vary;
  const told: HeaderFields = [['Access-Control-Allow-Origin', origin], ...vary];
  if (decision.kind !== 'answer' || !decision.preflight) return [...told, ['Access-Control-Expose-Headers', '*']];
  return [...told, ['Access-Control-Allow-Methods', decision.preflight.join(', ')], ...preflightFields(cors)];
}

/** Returns the headers of all answers to preflights. */
export function preflightFields({ headers, maxAge }: Cors): HeaderFields {
  return [
    ['Access-Control-Allow-Headers', headers.join(', ')],
    ['Access-Control-Max-Age', String(maxAge)],
  ];
}
