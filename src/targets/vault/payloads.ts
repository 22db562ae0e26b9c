import { fingerprint } from '../../policy/shortened.ts';
import type { Policy, VaultConfig, VaultMount, VaultRole } from '../../policy/types.ts';
import type { VaultOptions } from './options.ts';
import type { VaultSource } from './sources.ts';

export type Fields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Returns what is written to `MOUNT/config/NAME`. People add the plugin's own token by hand. */
export function configPayload({ url, type, autoRotate }: VaultConfig): Fields {
  return {
    auto_rotate_before: goDuration(autoRotate ?? 24 * 3600),
    auto_rotate_token: autoRotate !== undefined,
    base_url: url,
    type,
  };
}

/** Returns what is written to `MOUNT/roles/ROLE`. It has every field, so that no earlier value stays. */
export function rolePayload({ scopes, ttl, ...role }: VaultRole): Fields {
  return {
    access_level: role.accessLevel ?? '',
    config_name: role.config.name,
    dynamic_path: role.dynamicPath,
    gitlab_revokes_token: role.gitlabRevokes,
    name: role.name,
    path: role.path,
    scopes,
    token_type: role.type,
    ttl: ttl ?? 0,
  };
}

/** Returns a role in the form in which the plugin returns it. */
export function roleAsRead(role: VaultRole): Fields {
  return { ...rolePayload(role), role_name: role.id, scopes: role.scopes.join(', ') };
}

/** Returns a duration as Go prints it: `48h0m0s`. */
export function goDuration(seconds: number): string {
  return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m${seconds % 60}s`;
}

const HOUR = 3600;

/**
 * Returns the period of a login token, in seconds. Whatever a token of Vault has issued ends with it, so it has to live
 * as long as the longest role that this spec reads; a running client renews it.
 */
export function loginPeriod(sources: Iterable<VaultSource>): number {
  const ends = [...sources].flatMap(({ role }) => (role && !role.gitlabRevokes ? [role.ttl ?? 0] : []));
  return Math.max(HOUR, ...ends);
}

export interface Login {
  readonly kind: 'kubernetes' | 'approle';
  readonly mount: string;
  /** What the spec says of the role at `auth/MOUNT/role/NAME`. */
  readonly payload: Fields;
}

/** What a role that logs in does not have. It is written too, so that no earlier value stays. */
const UNSET = {
  token_bound_cidrs: [],
  token_explicit_max_ttl: 0,
  token_max_ttl: 0,
  token_no_default_policy: false,
  token_num_uses: 0,
  token_ttl: 0,
  token_type: 'default',
} as const satisfies Fields;

const UNSET_OF: Readonly<Record<Login['kind'], Fields>> = {
  approle: { ...UNSET, secret_id_bound_cidrs: [], secret_id_num_uses: 0, secret_id_ttl: 0 },
  kubernetes: {
    ...UNSET,
    alias_name_source: 'serviceaccount_uid',
    audience: '',
    bound_service_account_namespace_selector: '',
  },
};

/** What only some servers know, or what is decided when the role is made. */
const ONLY_READ: Readonly<Record<Login['kind'], Fields>> = {
  approle: { alias_metadata: '', local_secret_ids: false, token_strictly_bind_ip: false },
  kubernetes: { alias_metadata: '', token_strictly_bind_ip: false },
};

/** Returns what is written at `auth/MOUNT/role/NAME`. */
export function loginPayload({ kind, payload }: Login): Fields {
  return sorted({ ...UNSET_OF[kind], ...payload });
}

/** Returns the role that logs in as it is returned. */
export function loginAsRead(login: Login): Fields {
  return { ...ONLY_READ[login.kind], ...loginPayload(login) };
}

function sorted(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns the role that logs in. */
export function loginOf({ login }: VaultOptions, policyName: string, period: number): Login | undefined {
  if (!login) return undefined;
  const token = { token_period: period, token_policies: [policyName] };
  if ('appRole' in login)
    return { kind: 'approle', mount: login.appRole.mount ?? 'approle', payload: { bind_secret_id: true, ...token } };
  const { serviceAccount, namespace, audience, mount = 'kubernetes' } = login.kubernetes;
  const bound = {
    bound_service_account_names: [serviceAccount],
    bound_service_account_namespaces: [namespace],
  };
  return { kind: 'kubernetes', mount, payload: { ...(audience && { audience }), ...bound, ...token } };
}

/** Returns the paths that the policy of Vault allows to read, sorted: those that the spec reads, and no others. */
export function readPaths(sources: Iterable<VaultSource>): string[] {
  return [...new Set([...sources].map(({ path }) => path))].sort();
}

/** Returns the same policy and roles for Terraform. */
export function terraform(parts: {
  readonly policyName: string;
  readonly policyText: string;
  readonly login: Login | undefined;
  readonly vault: Policy['vault'];
  readonly namespace: string | undefined;
}): object {
  const { policyName, policyText, login, vault, namespace } = parts;
  const within = namespace === undefined ? {} : { namespace };
  const named = policyName.replaceAll('.', '_').replace(/^(?=\d)/, '_');
  const roles = vault.flatMap((mount) =>
    mount.roles.map((role) => [resourceName(mount, role), { mount, role }] as const),
  );
  const resources = {
    ...(login && {
      [`vault_${login.kind}_auth_backend_role`]: {
        [named]: { ...within, backend: login.mount, role_name: policyName, ...login.payload },
      },
    }),
    ...(roles.length > 0 && {
      vault_generic_endpoint: Object.fromEntries(
        roles.map(([name, { mount, role }]) => [
          name,
          {
            ...within,
            path: `${mount.path}/roles/${role.id}`,
            ignore_absent_fields: true,
            data_json: literal(JSON.stringify(withoutId(role))),
          },
        ]),
      ),
    }),
    vault_policy: { [named]: { ...within, name: policyName, policy: literal(policyText) } },
  };
  return {
    '//': 'Configs of the plugin are not here: they hold its token, and Terraform would keep it in its state.',
    terraform: { required_providers: { vault: { source: 'hashicorp/vault', version: '>= 4.0' } } },
    resource: resources,
  };
}

/**
 * Returns a name that no other role has. The first underscore ends the mount; what cannot be told apart in this way has
 * a digest, and begins with an underscore.
 */
function resourceName({ path }: VaultMount, { id }: VaultRole): string {
  if (/^[A-Za-z][A-Za-z0-9-]*$/.test(path) && /^[\w-]+$/.test(id)) return `${path}_${id}`;
  return `_${path}_${id}`.replaceAll(/[^\w-]/g, '_').concat('_', fingerprint(`${path}/roles/${id}`));
}

/**
 * Returns the fields of a role without its name, which is in its path. They have the form in which the plugin returns
 * them, or each plan would find a difference.
 */
function withoutId(role: VaultRole) {
  const { role_name: _, ...fields } = roleAsRead(role);
  return fields;
}

/** Returns a text in which Terraform expands nothing. */
function literal(text: string): string {
  return text.replaceAll('${', '$${').replaceAll('%{', '%%{');
}
