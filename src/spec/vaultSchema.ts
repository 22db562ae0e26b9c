import * as z from 'zod';
import { duration } from './scalars.ts';

/** Types of token that the GitLab plugin of Vault and OpenBao issues. */
export const VAULT_TOKEN_TYPES = [
  'personal',
  'project',
  'group',
  'user-service-account',
  'group-service-account',
  'project-service-account',
  'project-deploy',
  'group-deploy',
  'pipeline-project-trigger',
] as const;

/** As the plugin takes names in its paths. */
const name = z.string().regex(/^[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/, {
  error: 'must start with a letter, hold only letters, digits and "-", 63 at most, and not end with "-"',
});

const vaultConfig = z
  .strictObject({
    url: z.string().min(1).describe('GitLab that issues the tokens, such as https://gitlab.example.com'),
    type: z.enum(['self-managed', 'saas', 'dedicated']).describe('Kind of that GitLab'),
    autoRotate: duration
      .optional()
      .describe("How long before its end the plugin's own token is replaced, 24h to 730h; never where absent"),
  })
  .describe('A GitLab, as the plugin is told of it; its own token is put in by hand');

const vaultRole = z
  .strictObject({
    config: name.describe('Key under configs'),
    type: z
      .enum(VAULT_TOKEN_TYPES)
      .describe('Kind of token; project-service-account needs a plugin that is newer than v0.12.1'),
    path: z
      .string()
      .min(1)
      .describe('Project, group or user that the token is of; with dynamicPath an anchored expression, ^…$'),
    dynamicPath: z.boolean().optional().describe('Whoever asks names the path, and path says which are allowed'),
    name: z
      .string()
      .min(1)
      .describe(
        'Name of the token at GitLab, with a part that is new each time, such as echoes-{{ .unix_timestamp_utc }}',
      ),
    accessLevel: z
      .enum(['guest', 'planner', 'reporter', 'security_manager', 'developer', 'maintainer', 'owner'])
      .optional()
      .describe('Role that a project or group token acts with'),
    scopes: z.array(z.string().min(1)).min(1).optional().describe('What the token may be used for, such as read_api'),
    ttl: duration.optional().describe('How long a token lives; 1h at least, 24h where gitlabRevokes'),
    gitlabRevokes: z
      .boolean()
      .optional()
      .describe('GitLab alone ends the token, at midnight UTC after its ttl; otherwise the lease does'),
  })
  .describe('What tokens are issued for, and what these may do');

export const vault = z
  .record(
    z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, {
      error: 'must hold only letters, digits, "_" and "-", 63 at most',
    }),
    z.strictObject({
      gitlabVersion: z
        .string()
        .regex(/^\d{2}\.\d{1,2}$/, { error: 'must be a version in quotes, such as "18.11"' })
        .optional()
        .describe(
          'Oldest GitLab behind it, such as "18.11": it decides which scopes there are; the newest where absent',
        ),
      maxLease: duration.optional().describe('Longest lease of the mount (max-lease-ttl); 768h where absent'),
      configs: z.record(name, vaultConfig).describe('GitLabs by name'),
      roles: z.record(name, vaultRole).describe('Roles by name: a token is read at MOUNT/token/ROLE'),
    }),
  )
  .describe('The GitLab plugin of Vault or OpenBao, by mount: where upstream tokens that do not last come from');
