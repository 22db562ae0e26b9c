import { code, defineCodes } from '../../diagnostics/codes.ts';

export const corednsCodes = defineCodes('coredns', {
  'many-names': code<{ names: number; blocks: number; limit: number }>({
    severity: 'warning',
    message: ({ names, blocks }) => `${names} names are rendered as ${blocks} server blocks of their own`,
    hint: ({ limit }) =>
      `CoreDNS tries the rules of a block one after another for every query, so above ${limit} they move out of the way of all other names`,
  }),
  'no-rewrite': code<Record<never, never>>({
    severity: 'warning',
    message: () => 'there is no domain rewrite, so every name is left alone',
    hint: () => 'write domainRewrites, or take the target out',
  }),
  'cluster-name': code<{ name: string; domain: string }>({
    severity: 'error',
    message: ({ name }) =>
      `"${name}" is a name of the cluster, and NodeLocal DNSCache rewrites only names outside and asks for them outside`,
    hint: ({ domain }) => `keep both names out of ${domain}, or use the form of the cluster's own CoreDNS`,
  }),
  'missing-bind': code<Record<never, never>>({
    severity: 'error',
    message: () => 'NodeLocal DNSCache needs to know the addresses that it listens on',
    hint: () => 'write bind with those of its -localip, such as [169.254.20.10, 10.96.0.10]',
  }),
});
