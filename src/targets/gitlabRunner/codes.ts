import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const gitlabRunnerCodes = defineCodes('runner', {
  'names-left': warning('jobs ask for "{name}" under its public name, and nothing here tells their pods another').hint(
    'write names: { nameservers: [ADDRESS] } or names: { hosts: { {name}: ADDRESS } }, or names: cluster where the DNS of the cluster rewrites it',
  ),
  'private-url': error('"{name}" is what "{from}" is rewritten to, and jobs know GitLab by its own name').hint(
    'write https://{from}: the runner is given the private name where a site answers there',
  ),
  'host-missing': error('"{name}" is rewritten, and names.hosts has no address for it').hint(
    'write the address of {to} there',
  ),
  'host-unknown': error('"{name}" is no name that a rewrite leads away from').hint('take it out, or write the rewrite'),
  'host-wildcard': error('names.hosts cannot hold every name below "{name}"').hint(
    'write names: { nameservers: [ADDRESS] } with a DNS server that rewrites it',
  ),
  'manager-name': warning(
    'the runner itself asks the DNS of the cluster for "{name}"; names.nameservers is for jobs alone',
  ).hint(
    'give the rewrite an upstream, so that there is a site under the private name, or let the DNS of the cluster rewrite it',
  ),
  'no-mirror': error('imageBuilders has no mirror to tell of').hint(
    'write containerRegistry: true at the rewrites of names that images are pulled by',
  ),
  'privileged-any': warning('a job may name any image, and is root on its node with it').hint(
    'write allowedImages and allowedServices, or take privileged out',
  ),
  'token-unused': warning(
    'serviceAccountToken gives jobs the token of an account that may change with the namespace',
  ).hint('name the account: serviceAccount: NAME'),
});
