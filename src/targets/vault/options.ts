import * as z from 'zod';
import type { Told, Touches } from '../../accessDiff/declared.ts';

/** Characters of texts for HCL, YAML, a shell and a template of an Agent: none of them has a special meaning there. */
export const PLAIN = /^[A-Za-z0-9_.@:/=+-]+$/;

const plain = z.string().regex(PLAIN, { error: 'must hold only letters, digits and _ . @ : / = + -' });
const name = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, {
  error: 'must be a name of Kubernetes: lower-case letters, digits, "-" and ".", 63 at most',
});
const mount = z
  .string()
  .regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, { error: 'must be the path of a mount, without a slash at its end' })
  .optional();
const command = z.array(plain).min(1);

const kubernetes = z
  .strictObject({
    serviceAccount: name.describe('Service account of the pods that may log in'),
    namespace: name.describe('Namespace of these pods'),
    mount: mount.describe('Mount of the auth method; kubernetes where absent'),
    audience: plain.optional().describe('Audience that their tokens must have'),
  })
  .describe('Pods log in by their service account');

const appRole = z
  .strictObject({
    roleIdFile: plain.describe('File with the role id, where the Agent runs'),
    secretIdFile: plain.describe('File with the secret id, where the Agent runs'),
    mount: mount.describe('Mount of the auth method; approle where absent'),
  })
  .describe('Machines log in by AppRole');

export const vaultOptions = z
  .strictObject({
    address: z
      .string()
      .regex(/^https?:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?$/, { error: 'must be https://HOST:PORT' })
      .optional()
      .describe('Address of Vault or OpenBao; where absent, what VAULT_ADDR says where the Agent runs'),
    namespace: plain.optional().describe('Namespace of Vault or OpenBao that all of it is in'),
    policy: name.optional().describe('Name of the policy and of the role that logs in; that of the spec where absent'),
    login: z
      .union([z.strictObject({ kubernetes }), z.strictObject({ appRole })])
      .optional()
      .describe('How whoever fetches the secrets logs in'),
    stores: z
      .record(
        z.string().regex(/^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/, { error: 'must be the path of a mount' }),
        z.literal([1, 2]),
      )
      .optional()
      .describe('Version of each key-value store that the spec reads, by mount: 1 or 2'),
    agent: z
      .strictObject({
        folder: plain.optional().describe('Folder of these generated files where the Agent runs; its own where absent'),
        reload: z
          .record(z.string(), command)
          .optional()
          .describe('What is run after new secrets, by target, as a list: no shell reads it'),
      })
      .optional()
      .describe('A Vault Agent, or that of OpenBao, that writes the secrets beside the engines'),
    injector: z
      .record(z.string(), plain)
      .optional()
      .describe(
        'Annotations for pods, so that the injector puts such an Agent beside them: by target, where its container has the folder secrets',
      ),
    externalSecrets: z
      .strictObject({
        store: name.optional().describe('SecretStore for key-value stores'),
        deployTokens: z
          .strictObject({ secret: name.describe('Name of the Secret'), key: plain.describe('Key in it') })
          .optional()
          .describe('Secret with a GitLab token: deploy tokens come from GitLab itself then, without Vault'),
      })
      .optional()
      .describe('External Secrets in place of an Agent'),
    terraform: z.literal(true).optional().describe('The same policy and roles as Terraform JSON'),
    plugin: z
      .strictObject({
        image: plain.optional().describe('Image; that of the project where absent'),
        version: z
          .string()
          .regex(/^v\d+\.\d+\.\d+$/, { error: 'must be a release such as v0.12.1' })
          .describe('Release of the plugin'),
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/, { error: 'must be 64 hex digits' })
          .describe('Hash of its binary, from the list of its release'),
      })
      .optional()
      .describe('The block by which OpenBao gets the plugin by itself'),
  })
  .describe('What Vault or OpenBao is told, and who takes the secrets from there to the engines');

export type VaultOptions = z.infer<typeof vaultOptions>;

const told = (words: string, absent: string): Told => ({ kind: 'token', words, absent });

/** How each option touches access: who may log in reads the tokens, and the server that is asked hands them out. */
export const vaultAccess: Touches<VaultOptions> = {
  address: told('secrets are asked of', 'what VAULT_ADDR says'),
  namespace: told('secrets are asked for in namespace', 'none'),
  policy: { cannotLoosen: 'a name, and what bears it is made with it' },
  login: told('whoever may read the secrets logs in with', 'nothing'),
  stores: told('key-value stores are of version', 'unknown'),
  agent: {
    fields: {
      folder: { cannotLoosen: 'where files are written' },
      reload: told('after new secrets is run', 'nothing'),
    },
  },
  injector: { cannotLoosen: 'the same Agent in another place' },
  externalSecrets: told('secrets are kept in Kubernetes, by', 'nothing'),
  terraform: { cannotLoosen: 'the same policy and roles in another form' },
  plugin: told('tokens are issued by the plugin', 'that is there'),
};
