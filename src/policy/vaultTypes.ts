import type { VaultConfig, VaultTokenType } from './types.ts';
import type { PathParts } from './vaultPaths.ts';

/** Scopes that one kind of token takes, with the first version of GitLab that has each. */
type Scopes = Readonly<Record<string, Version>>;
export type Version = readonly [major: number, minor: number];

const ALWAYS: Version = [0, 0];
const PROJECT_SCOPES: Scopes = {
  api: ALWAYS,
  read_api: ALWAYS,
  read_registry: ALWAYS,
  write_registry: ALWAYS,
  read_repository: ALWAYS,
  write_repository: ALWAYS,
  create_runner: ALWAYS,
  manage_runner: [17, 1],
  ai_features: ALWAYS,
  k8s_proxy: ALWAYS,
  self_rotate: [17, 9],
};
const VIRTUAL_REGISTRY: Scopes = { read_virtual_registry: [18, 0], write_virtual_registry: [18, 0] };
const GROUP_SCOPES: Scopes = { ...PROJECT_SCOPES, ...VIRTUAL_REGISTRY };
const PERSONAL_SCOPES: Scopes = {
  ...GROUP_SCOPES,
  read_user: ALWAYS,
  sudo: ALWAYS,
  admin_mode: ALWAYS,
  read_service_ping: [17, 1],
};
const DEPLOY_SCOPES: Scopes = {
  read_repository: ALWAYS,
  read_registry: ALWAYS,
  write_registry: ALWAYS,
  read_package_registry: ALWAYS,
  write_package_registry: ALWAYS,
  ...VIRTUAL_REGISTRY,
};
const NO_SCOPES: Scopes = {};

export interface TypeRules {
  readonly parts: PathParts;
  readonly accessLevel: 'needed' | 'none';
  readonly scopes: Scopes;
  /** How a proxy may send the token; `nothing` for a trigger token, which is sent in a body. */
  readonly sentAs: 'token' | 'user and password' | 'nothing';
  /** Kinds of GitLab that have no such token. */
  readonly notOn: readonly VaultConfig['type'][];
  /** Newest release of the plugin that does not know the type. */
  readonly after?: readonly [major: number, minor: number, patch: number];
}

/** The rules for each kind of token: those of the plugin, and those of GitLab where the plugin is lax. */
export const TYPES: Readonly<Record<VaultTokenType, TypeRules>> = {
  personal: personLike(['saas', 'dedicated']),
  'user-service-account': personLike(['saas', 'dedicated']),
  project: { parts: 'some', accessLevel: 'needed', scopes: PROJECT_SCOPES, sentAs: 'token', notOn: [] },
  group: { parts: 'some', accessLevel: 'needed', scopes: GROUP_SCOPES, sentAs: 'token', notOn: [] },
  'group-service-account': { parts: 'two', accessLevel: 'none', scopes: GROUP_SCOPES, sentAs: 'token', notOn: [] },
  'project-service-account': {
    parts: 'two',
    accessLevel: 'none',
    scopes: GROUP_SCOPES,
    sentAs: 'token',
    notOn: [],
    after: [0, 12, 1],
  },
  'project-deploy': deployLike(),
  'group-deploy': deployLike(),
  'pipeline-project-trigger': { parts: 'some', accessLevel: 'none', scopes: NO_SCOPES, sentAs: 'nothing', notOn: [] },
};

function personLike(notOn: TypeRules['notOn']): TypeRules {
  return { parts: 'one', accessLevel: 'none', scopes: PERSONAL_SCOPES, sentAs: 'token', notOn };
}

function deployLike(): TypeRules {
  return { parts: 'some', accessLevel: 'none', scopes: DEPLOY_SCOPES, sentAs: 'user and password', notOn: [] };
}

/** Whether a release of the plugin, such as `v0.12.1`, knows a type of token. */
export function isKnownTo(release: string, type: VaultTokenType): boolean {
  const { after = [0, 0, 0] } = TYPES[type];
  const parts = release.slice(1).split('.').map(Number);
  const first = parts.findIndex((part, index) => part !== after[index]);
  return first >= 0 && (parts[first] ?? 0) > (after[first] ?? 0);
}
