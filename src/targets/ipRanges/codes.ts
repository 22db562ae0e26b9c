import { defineCodes, error } from '../../diagnostics/codes.ts';

export const ipRangesCodes = defineCodes('ip-ranges', {
  'no-opening': error('{form} need something that is opened').hint(
    'write it under open: { NAME: { sets: [SET], ports: [443] } }',
  ),
  'no-pods': error('a NetworkPolicy for "{opening}" needs the labels of its pods').hint(
    'write pods: { app: NAME } there, or take networkPolicies out of forms',
  ),
  'ipv4-only': error('"@{set}" holds IPv6 addresses, such as {cidr}, and ctrl-cidr knows IPv4 alone').hint(
    'name sets without them under sets, or put them into a set of their own',
  ),
  nobody: error('"@{set}" is empty, and {form} of nobody cannot be made').hint('give it addresses, or do not name it'),
  'over-quota': error(
    'security group of {openings}: {sum} = {rules} rules for IPv{family}, and AWS takes {quota}',
  ).hint(
    'join networks, open fewer ports, give it a group of its own, or have the quota raised and write rulesPerGroup',
  ),
  'too-many-entries': error('the prefix list of "@{set}" would have {entries} entries, and AWS takes {quota}').hint(
    'split the set in two, or join networks',
  ),
  'long-tag': error('the tag {tag} of "{opening}" has {length} characters, and AWS takes 256').hint(
    'put several sets into one, by @name',
  ),
});
