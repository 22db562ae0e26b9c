import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const bottlerocketCodes = defineCodes('bottlerocket', {
  'no-mirror': warning('no registry is mirrored, so these settings change nothing').hint(
    'write containerRegistry: true at the rewrites of names that images are pulled by',
  ),
  'own-order': warning(
    'nodes with containerd 2 try the endpoints of "{registry}" by name, so {first} is asked first',
  ).hint('order them by name, or leave one: the order of this list holds for nodes with containerd 1.7 only'),
  'credentials-bypass': warning(
    '"{file}" has credentials for "{registry}", so nodes with containerd 2 do not ask the mirror of "*" for it',
  ).hint('write a mirror of "{registry}" itself beside that of "*"'),
  'bad-pki': error('"{file}" {problem}').hint('{hint}'),
  'bad-merge': error('"{file}" {problem}').hint('{hint}'),
  'too-large': error('the user data has {bytes} bytes, and EC2 takes {limit}').hint(
    'put fewer certificates into pki, or set some mirrors through apiclient instead',
  ),
});
