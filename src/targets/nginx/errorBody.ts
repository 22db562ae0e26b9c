import { statusBody } from '../../policy/statuses.ts';
import { type NginxToken, type Part, value, variable } from './quote.ts';

/** Id of a request, unique within one run of nginx. `$request_id` would cost as much as all other fields of a log line. */
export const REQUEST_ID: readonly Part[] = [
  variable('pid'),
  '-',
  variable('connection'),
  '-',
  variable('connection_requests'),
];

/** Returns the body of an error that nginx itself answers with. */
export function errorBody(status: number): NginxToken {
  const end = '"}';
  return value(statusBody(status, '').slice(0, -end.length), ...REQUEST_ID, end);
}
