import { code, defineCodes } from '../../diagnostics/codes.ts';

export const corednsCodes = defineCodes('coredns', {
  'many-names': code<{ names: number; blocks: number; limit: number }>({
    severity: 'warning',
    message: ({ names, blocks }) => `${names} names are rendered as ${blocks} server blocks of their own`,
    hint: ({ limit }) =>
      `CoreDNS tries the rules of a block one after another for every query, so above ${limit} they move out of the way of all other names`,
  }),
});
