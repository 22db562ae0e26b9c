import { defineCodes, error } from '../diagnostics/codes.ts';

/** What a file grants beyond the envelope that it is included in. */
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
  'not-here': error('{section} is not defined within an envelope').hint(
    'write it where the envelope stands, or in a file without one',
  ),
  borrowed: error('"@{name}" is defined only by a file within an envelope, and used outside of it').hint(
    'define it where the envelope stands: who writes that file would decide for others',
  ),
  'foreign-token': error('key "{key}" sends {reference}, which a key outside of the envelope of this file sends').hint(
    'give it a token of its own: the upstream cannot tell them apart, and the envelope says nothing about tokens',
  ),
});
