import { defineCodes, error, warning } from '../diagnostics/codes.ts';

/** What a file grants beyond the envelope of its include. */
export const withinCodes = defineCodes('within', {
  request: error('{what} {request}, which the envelope of this file does not allow').hint(
    'take it out here, or have the owner of the envelope allow it there',
  ),
  forwarding: error('{what} {request}, but the envelope of this file does not let {problem}').hint(
    'take it out here, or have the owner of the envelope say so there',
  ),
  address: error('{what} from {address}, which the envelope of this file does not allow').hint(
    'give keys of their own with ipRanges to its groups, or serve them on a proxy with fewer addresses',
  ),
  together: error('{what} {request} from {address}, which no single way of this file into the spec allows').hint(
    'a request of one include, addresses of another and a token of a third were allowed by none: write groups and keys for each include',
  ),
  'not-here': error('{section} is not defined within an envelope').hint(
    'write it where the envelope stands, or in a file without one',
  ),
  borrowed: error('"@{name}" is defined only by a file within an envelope, and used outside of it').hint(
    ({ unnamed }: { unnamed: boolean }) =>
      unnamed
        ? 'name the sets that are meant under sets, or define it where the envelope stands: who writes that file would decide for others'
        : 'define it where the envelope stands: who writes that file would decide for others',
  ),
  'borrowed-key': error(
    'key "{key}" is defined only by a file within an envelope, and another file promises something of it',
  ).hint('leave keys out: who writes that file could send the same with another key'),
  token: error('key "{key}" sends {reference}, which the envelope of this file does not name').hint(
    'send a token that it names, or have the owner of the envelope name it there',
  ),
  'foreign-token': error('key "{key}" sends {reference}, which a key outside of the envelope of this file has').hint(
    'give it a token of its own, for nobody can tell the two apart, or have the envelope name it under tokens',
  ),
});

const because = ({ reason }: { reason: string | undefined }) => reason;

/** Guarantees of the spec that do not hold for all requests, or that say nothing. */
export const guaranteeCodes = defineCodes('guarantee', {
  never: error('{subject}: it gets through {how}').hint(because),
  only: error('{subject}: it gets through {how} as well').hint(because),
  always: error('{subject}: it is refused {how}').hint(because),
  same: error('{subject}: {what}').hint(({ more }: { more: number }) =>
    more === 0
      ? 'write the difference under except, or take it out'
      : `and ${more} more; "postern diff --base" lists all of them`,
  ),
  vacuous: warning('{subject} says nothing: {why}').hint('look for a misspelling, or take it out'),
  'only-whom': error('"only" names nobody who may').hint('add keys: […] or from: […]; where nobody may, write "never"'),
  'which-proxy': error('there are several proxies').hint(
    ({ known }: { known: readonly string[] }) => `name the one that is meant: proxy: ${known.join(' or ')}`,
  ),
  'no-other': error('cannot compare with "{as}": {problem}').hint('the path is relative to the file that names it'),
});
