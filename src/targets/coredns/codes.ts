import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const corednsCodes = defineCodes('coredns', {
  'many-names': warning('{names} names are rendered as {blocks} server blocks of their own').hint(
    'CoreDNS tries the rules of a block one after another for every query, so above {limit} they move out of the way of all other names',
  ),
  'no-rewrite': warning('there is no domain rewrite, so every name is left alone').hint(
    'write domainRewrites, or take the target out',
  ),
  'inner-target': warning('{type} records of "{name}" name the targets that those of "{to}" do').hint(
    'CoreDNS maps no names in HTTPS and SVCB records back; clients reach the right place, by a name that network policies and logs then have to know',
  ),
  'cluster-name': error(
    '"{name}" is a name of the cluster, and NodeLocal DNSCache rewrites only names outside and asks for them outside',
  ).hint("keep both names out of {domain}, or use the form of the cluster's own CoreDNS"),
  'missing-bind': error('NodeLocal DNSCache needs to know the addresses that it listens on').hint(
    'write bind with those of its -localip, such as [169.254.20.10, 10.96.0.10]',
  ),
  'bind-all': warning(
    ({ addresses }: { addresses: readonly string[] }) =>
      `CoreDNS answers nobody, at none of these addresses, where one is not its machine's: ${addresses.join(', ')}`,
  ).hint('bind only addresses that every machine has on which it starts'),
  unbalanced: error('the Corefile cannot be read: "{word}" {problem}').hint(
    'CoreDNS would not start with it either, or read it otherwise than it looks',
  ),
  'broken-marker': error('"{line}" {problem}').hint(
    'remove both markers and all between; the lines are then put where they belong',
  ),
  'owned-name': error('"{name}" has a server block of its own, "{zone}"').hint('remove that block, or the rewrite'),
  'unanswered-name': error('no server block of the Corefile answers "{name}"').hint(
    'add a block for the zone, or for "."',
  ),
  'unknown-zone': error('what "{zone}" answers for is known only where CoreDNS runs').hint('write the zone out'),
  'shadowed-rule': error('"{rule}" comes first and takes "{name}"').hint('move it below the END marker, or remove it'),
  'second-rule': warning('"{rule}" is for "{name}" too and comes second').hint(
    'remove it if it is what the rewrite replaces; it may still match other names',
  ),
  'adopted-rule': warning(
    ({ rules }: { rules: number }) =>
      `${rules === 1 ? 'a rule says' : `${rules} rules say`} the same as ours without markers; now they stand between ours`,
  ).hint('an upgrade by kubeadm drops comments, and the markers with them; nothing else has to be done'),
  autopath: error('autopath looks names up behind the rewrites, so pods would get the old addresses').hint(
    'remove autopath from this server block',
  ),
  'unseen-import': warning('what "{pattern}" brings in is not looked at').hint(
    'make sure that it holds no autopath and no server block for a name that is rewritten',
  ),
  'long-scan': warning(
    'CoreDNS tries {rules} rules of a server block one after another for every query that comes to it',
  ).hint(
    'above {limit} they get server blocks of their own, but not in a Corefile of yours, of which these would have to copy all that the present block does; without merge they do, and a wildcard takes the place of many',
  ),
  'no-room': error('there is no line between the name of this server block and its first directive').hint(
    'put the first directive on a line of its own',
  ),
  'bad-merge': error('"{file}" {problem}').hint('{hint}'),
});
