import type { Draft } from '../draft.ts';
import type { Random } from '../random.ts';

/** Real ones, ones that some server obeys, and words that are methods by grammar alone. */
export const METHODS: readonly string[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'SEARCH',
  'PURGE',
  'LINK',
  'DEBUG',
  'TRACK',
  'QUERY',
  'FROB',
  'G',
  'GETS',
  'GE',
  'XGET',
  'GET-',
  'M-SEARCH',
  'A_B',
  'get',
  'Get',
  'pOST',
  'X'.repeat(64),
  "!#$%&'*+.^`|~",
  'GET2',
  'default',
  '~GET',
];

export function mutateMethod(draft: Draft, random: Random): Draft {
  return { ...draft, method: random.chance(0.1) ? draft.method.toLowerCase() : random.pick(METHODS) };
}
