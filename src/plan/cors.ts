import { allowedOrigin } from '../policy/cors.ts';
import type { Decision, Denial } from '../policy/decide.ts';
import type { HeaderFields } from '../policy/request.ts';
import type { Cors, Proxy } from '../policy/types.ts';

/** Headers by which a server tells a browser what pages may do. Where the proxy says it, those of the upstream do not pass. */
export const CORS_RESPONSE_HEADERS: readonly string[] = [
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
  'access-control-allow-private-network',
  'access-control-expose-headers',
  'access-control-max-age',
];

/** Refusals that tell pages nothing: the request is for another proxy, from elsewhere, or was not read to its end. */
export const UNTOLD: readonly Denial[] = ['head-size', 'misdirected', 'address'];

/** What an answer says to browsers because of `cors`. A page also learns why it was refused, such as an expired key. */
export function corsFields({ cors }: Pick<Proxy, 'cors'>, decision: Decision, headers: HeaderFields): HeaderFields {
  if (!cors || (decision.kind === 'deny' && UNTOLD.includes(decision.reason))) return [];
  const origin = allowedOrigin(cors, headers);
  const vary: HeaderFields = cors.origins === 'any' ? [] : [['Vary', 'Origin']];
  if (origin === undefined) return vary;
  const told: HeaderFields = [['Access-Control-Allow-Origin', origin], ...vary];
  if (decision.kind !== 'answer' || !decision.preflight) return [...told, ['Access-Control-Expose-Headers', '*']];
  return [...told, ['Access-Control-Allow-Methods', decision.preflight.join(', ')], ...preflightFields(cors)];
}

/** What every preflight is told. */
export function preflightFields({ headers, maxAge }: Cors): HeaderFields {
  return [
    ['Access-Control-Allow-Headers', headers.join(', ')],
    ['Access-Control-Max-Age', String(maxAge)],
  ];
}
