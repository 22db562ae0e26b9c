import { STATUS_MESSAGES, statusBody } from '../../policy/statuses.ts';
import { own } from './quote.ts';
import { type Table, table } from './table.ts';

/** `error.message`: the words of each status, the engine's own ones included. */
export function errorMessage(): Table {
  return table({
    source: '{http.error.status_code}',
    destination: 'error.message',
    entries: Object.entries(STATUS_MESSAGES),
    fallback: 'Error',
  });
}

/** The body of an error as the other engines write it. Unescaped braces: an escape would be taken off where a snippet is imported. */
export const errorBody = own(
  statusBody(0).replace('0', '{http.error.status_code}').replace('Error', '{error.message}'),
);
