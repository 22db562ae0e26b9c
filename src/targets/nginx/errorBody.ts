import { statusBody } from '../../policy/statuses.ts';
import { type NginxToken, type Part, value, variable } from './quote.ts';

/** Tells requests of one run of nginx apart; `$request_id` would cost as much as all the rest of a line of the log. */
export const REQUEST_ID: readonly Part[] = [
  variable('pid'),
  '-',
  variable('connection'),
  '-',
  variable('connection_requests'),
];

/** The body of an error that nginx answers by itself. */
export function errorBody(status: number): NginxToken {
  const end = '"}';
  return value(statusBody(status, '').slice(0, -end.length), ...REQUEST_ID, end);
}
