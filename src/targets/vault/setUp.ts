import type { SpecPath } from '../../diagnostics/diagnostic.ts';
import { referencesOf } from '../../policy/apiKeys.ts';
import type { Policy } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import type { VaultOptions } from './options.ts';
import {
  configPayload,
  type Fields,
  type Login,
  loginAsRead,
  loginOf,
  loginPayload,
  loginPeriod,
  readPaths,
  roleAsRead,
  rolePayload,
} from './payloads.ts';
import type { VaultSource } from './sources.ts';

/** Something in Vault that has fields: a config or a role of the plugin, or the role that logs in. */
export interface Part {
  readonly kind: 'login' | 'config' | 'role';
  /** Where the API has it, such as `gitlab/roles/partner`. */
  readonly path: string;
  readonly origin: SpecPath;
  /** The generated file that is written there. */
  readonly file: string;
  readonly written: Fields;
  /** The same in the form in which it is returned. */
  readonly read: Fields;
}

/** The policy: what it lets be read, and for which reference of the spec. */
export interface OwnPolicy {
  readonly name: string;
  readonly path: string;
  readonly origin: SpecPath;
  /** Sorted by the path that is read. */
  readonly reads: ReadonlyMap<string, SpecPath>;
}

/** All that the generated files set up in Vault. */
export interface SetUp {
  readonly policyName: string;
  readonly login: Login | undefined;
  /** Absent where nothing is read. */
  readonly policy: OwnPolicy | undefined;
  readonly parts: readonly Part[];
}

type Input = Pick<TargetInput<VaultOptions>, 'policy' | 'options' | 'at'>;

export function setUpOf({ policy, options, at }: Input, sources: ReadonlyMap<string, VaultSource>): SetUp {
  const policyName = options.policy ?? policy.name;
  const login = loginOf(options, policyName, loginPeriod(sources.values()));
  const origins = new Map(referencesOf(policy).map(({ text, origin }) => [sources.get(text)?.path, origin]));
  const reads = new Map(readPaths(sources.values()).map((path) => [path, origins.get(path) ?? at]));
  const own = { name: policyName, path: `sys/policies/acl/${policyName}`, origin: at, reads };
  return {
    policyName,
    login,
    policy: reads.size > 0 ? own : undefined,
    parts: [...(login ? [loginPart(login, policyName, [...at, 'login'])] : []), ...pluginParts(policy)],
  };
}

function loginPart(login: Login, name: string, origin: SpecPath): Part {
  const path = `auth/${login.mount}/role/${name}`;
  return { kind: 'login', path, origin, file: 'login.json', written: loginPayload(login), read: loginAsRead(login) };
}

function pluginParts({ vault }: Policy): Part[] {
  return vault.flatMap(({ path: mount, configs, roles }) => [
    ...configs.map((config): Part => {
      const fields = configPayload(config);
      const path = `${mount}/config/${config.name}`;
      const file = `config/${mount}/${config.name}.json`;
      return { kind: 'config', path, origin: config.origin, file, written: fields, read: fields };
    }),
    ...roles.map((role): Part => {
      const path = `${mount}/roles/${role.id}`;
      const file = `roles/${mount}/${role.id}.json`;
      return { kind: 'role', path, origin: role.origin, file, written: rolePayload(role), read: roleAsRead(role) };
    }),
  ]);
}
