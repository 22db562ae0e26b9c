import { defineCodes, error, warning } from '../../diagnostics/codes.ts';

export const vaultCodes = defineCodes('vault', {
  nothing: warning('nothing of this spec comes from Vault').hint(
    'add a section "vault", or a reference such as vault:secret/gitlab#token',
  ),
  'unknown-store': error('{reference}: it is not said which version of key-value store that is').hint(
    'write it under stores, such as stores: { secret: 2 }',
  ),
  'odd-reference': error('{reference} cannot be written into a policy: {problem}').hint(
    'paths and fields of letters, digits and _ . @ - mean the same everywhere',
  ),
  'not-delivered': error('{by} cannot deliver {reference}: {problem}').hint(
    'move the secret into Vault, or leave this to "postern secrets render"',
  ),
  'no-login': error('{by} needs to know how to log in').hint('write login: { kubernetes: … } or login: { appRole: … }'),
  'needs-kubernetes': error('{by} runs in Kubernetes, and logs in by kubernetes alone').hint(
    'write login: { kubernetes: { serviceAccount, namespace } }',
  ),
  'no-address': error('External Secrets asks Vault by its address').hint('write address: https://HOST:PORT'),
  'reserved-policy': error('Vault has a policy "{name}" of its own, which would be replaced').hint(
    'write policy: NAME, with a name that Vault does not give',
  ),
  'no-store': error('{reference} comes from a key-value store, and externalSecrets names no SecretStore').hint(
    'write externalSecrets: { store: NAME }',
  ),
  'no-files': error('{by} has nothing to deliver: no target of this spec reads secrets from files').hint(
    'add a target of an engine, or leave {by} out',
  ),
  'lease-dies': warning(
    'the tokens of role "{role}" may end early: their lease dies with the login of External Secrets',
  ).hint('set gitlabRevokes: true on the role, or let an Agent fetch them'),
  'older-plugin': error('the plugin {version} has no {type} tokens, which role "{role}" issues').hint(
    'take a newer release of the plugin, or a role of another type',
  ),
  'no-reload': warning('nothing tells {target} of new secrets').hint(
    'write agent: { reload: { {target}: [PROGRAM, ARGUMENT] } }, or it goes on with the old ones',
  ),
  'unknown-target': error('"{target}" has no file of secrets here').hint(({ known }: { known: readonly string[] }) =>
    known.length === 0 ? 'no target has' : `these have: ${known.join(', ')}`,
  ),
});
