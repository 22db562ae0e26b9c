import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import { ACCESS_LEVELS, leastLevel, leastScopes, onlyReads } from './gitlabRights.ts';
import type { ApiKey, Policy, Route, VaultConfig, VaultMount, VaultRole, VaultTokenType } from './types.ts';
import { milliseconds, parseOrigin } from './upstreams.ts';

type MountSpec = NonNullable<Spec['vault']>[string];
type RoleSpec = MountSpec['roles'][string];

/** Scopes that one kind of token takes, with the first version of GitLab that has each. */
type Scopes = Readonly<Record<string, Version>>;
type Version = readonly [major: number, minor: number];

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

interface TypeRules {
  /**
   * Parts of the role's path: `one` (a user), `some` (a project or group), `two` (a project or group, and its service
   * account).
   */
  readonly parts: 'one' | 'some' | 'two';
  readonly accessLevel: 'needed' | 'none';
  readonly scopes: Scopes;
  /** How a proxy may send the token; `nothing` for a trigger token, which is sent in a body. */
  readonly sentAs: 'token' | 'user and password' | 'nothing';
  /** Kinds of GitLab that have no such token. */
  readonly notOn: readonly MountSpec['configs'][string]['type'][];
}

/** The rules for each kind of token: those of the plugin, and those of GitLab where the plugin is lax. */
const TYPES: Readonly<Record<VaultTokenType, TypeRules>> = {
  personal: personLike(['saas', 'dedicated']),
  'user-service-account': personLike(['saas', 'dedicated']),
  project: { parts: 'some', accessLevel: 'needed', scopes: PROJECT_SCOPES, sentAs: 'token', notOn: [] },
  group: { parts: 'some', accessLevel: 'needed', scopes: GROUP_SCOPES, sentAs: 'token', notOn: [] },
  'group-service-account': { parts: 'two', accessLevel: 'none', scopes: GROUP_SCOPES, sentAs: 'token', notOn: [] },
  'project-service-account': { parts: 'two', accessLevel: 'none', scopes: GROUP_SCOPES, sentAs: 'token', notOn: [] },
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

const LEVELS: Readonly<Partial<Record<NonNullable<RoleSpec['accessLevel']>, Version>>> = {
  planner: [17, 7],
  security_manager: [18, 11],
};

const HOUR = 3_600_000;

/** Reports what the plugin or GitLab would refuse later, and mistakes that both would accept. */
export function checkVault(spec: Spec, problems: Diagnostic[]): void {
  for (const [mount, section] of Object.entries(spec.vault ?? {})) {
    const at: SpecPath = ['vault', mount];
    for (const [name, { url, autoRotate }] of Object.entries(section.configs)) {
      const config = [...at, 'configs', name];
      if ('problem' in parseOrigin(url)) problems.push(policyCodes.report('vault-url', [...config, 'url'], {}));
      const before = autoRotate === undefined ? 24 * HOUR : milliseconds(autoRotate);
      if (before < 24 * HOUR || before > 730 * HOUR)
        problems.push(policyCodes.report('vault-rotation', [...config, 'autoRotate'], {}));
    }
    for (const [name, role] of Object.entries(section.roles))
      problems.push(...roleProblems(role, { section, at: [...at, 'roles', name], name }));
  }
}

/** Returns the checked section, sorted by names, without roles whose config is missing. */
export function resolveVault(spec: Spec): VaultMount[] {
  return sortedEntries(spec.vault).map(([path, section]) => {
    const at: SpecPath = ['vault', path];
    const configs = sortedEntries(section.configs).map(([name, { url, type, autoRotate }]): VaultConfig => {
      const before = autoRotate === undefined ? {} : { autoRotate: milliseconds(autoRotate) / 1000 };
      return { name, url, type, ...before, origin: [...at, 'configs', name] };
    });
    const roles = sortedEntries(section.roles).flatMap(([id, role]): VaultRole[] => {
      const { config: name, scopes = [], ttl, accessLevel, dynamicPath = false, gitlabRevokes = false } = role;
      const config = configs.find((one) => one.name === name);
      if (!config) return [];
      return [
        {
          id,
          config,
          type: role.type,
          path: role.path,
          dynamicPath,
          name: role.name,
          ...(accessLevel !== undefined && { accessLevel }),
          scopes: [...new Set(scopes)].sort(),
          ...(ttl !== undefined && { ttl: milliseconds(ttl) / 1000 }),
          gitlabRevokes,
          origin: [...at, 'roles', id],
        },
      ];
    });
    return { path, configs, roles };
  });
}

function sortedEntries<Value>(mapping: Readonly<Record<string, Value>> | undefined): [string, Value][] {
  return Object.entries(mapping ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Returns the role that issues the token of a reference such as `vault:gitlab/token/echoes#token`. */
export function issuerOf({ vault }: Pick<Policy, 'vault'>, reference: string): VaultRole | undefined {
  const [, mount, role] = TOKEN_OF_ROLE.exec(reference) ?? [];
  return vault.find(({ path }) => path === mount)?.roles.find(({ id }) => id === role);
}

interface RoleContext {
  readonly section: MountSpec;
  readonly at: SpecPath;
  readonly name: string;
}

function roleProblems(role: RoleSpec, context: RoleContext): Diagnostic[] {
  const { section, at, name } = context;
  const { type, config: configName } = role;
  const config = Object.hasOwn(section.configs, configName) ? section.configs[configName] : undefined;
  if (!config) {
    const params = { kind: 'config', name: configName, known: Object.keys(section.configs) };
    return [policyCodes.report('unknown-reference', [...at, 'config'], params)];
  }
  const said = (part: string, problem: string | undefined) =>
    problem === undefined
      ? []
      : [policyCodes.report('vault-role', [...at, part], { role: name, problem: `${part} ${problem}` })];
  const rules = TYPES[type];
  return [
    ...said(
      'type',
      rules.notOn.includes(config.type) ? `GitLab of type ${config.type} has no ${type} token` : undefined,
    ),
    ...said('path', pathProblem(role, rules)),
    ...said('name', nameProblem(role.name)),
    ...said('accessLevel', levelProblem(role, rules, section.gitlabVersion)),
    ...said('scopes', scopesProblem(role, rules, section.gitlabVersion)),
    ...said('ttl', ttlProblem(role, section.maxLease)),
  ];
}

const PART = /^[A-Za-z0-9_.-]+$/;

function pathProblem({ path, dynamicPath = false, type }: RoleSpec, { parts }: TypeRules): string | undefined {
  if (dynamicPath) return expressionProblem(path);
  const found = path.split('/');
  const odd = found.find((part) => !PART.test(part) || /^[-_.]|[-_.]$/.test(part));
  if (odd !== undefined || /\.(?:git|atom)$/.test(path)) return 'is no path of GitLab';
  if (parts === 'one' && found.length !== 1) return `of a ${type} token is the name of a user`;
  if (parts === 'two' && found.length !== 2) return `of a ${type} token is ID/NAME`;
  return undefined;
}

/**
 * Returns what is wrong with an expression for paths. The plugin searches for it anywhere in the path: without both
 * anchors, `grp/app` also matches `evil/grp/app-too`.
 */
function expressionProblem(text: string): string | undefined {
  if (!text.startsWith('^') || !text.endsWith('$') || /\\\$$/.test(text))
    return 'takes more than it says: write ^…$ around it';
  let depth = 0;
  const inner = text
    .slice(1, -1)
    .replace(/\\./g, 'x')
    .replace(/\[\^?\]?[^\]]*\]/g, 'x');
  for (const character of inner) {
    if (character === '(') depth += 1;
    else if (character === ')') depth -= 1;
    else if (character === '|' && depth === 0) return 'takes more than it says: write the alternatives as ^(?:a|b)$';
    else if (character === '^' || character === '$') return 'has an anchor inside';
  }
  try {
    new RegExp(text, 'u');
    return undefined;
  } catch {
    return 'is no expression';
  }
}

/**
 * Returns what is wrong with the name of tokens. GitLab refuses two tokens of one name, so the name must differ for
 * each token.
 */
function nameProblem(name: string): string | undefined {
  const holes = [...name.matchAll(/\{\{(.*?)\}\}/g)].map(([, inside = '']) =>
    inside.trim().replace(/^-|-$/g, '').trim(),
  );
  const rest = name.replace(/\{\{.*?\}\}/g, '');
  if (/\{\{|\}\}/.test(rest)) return 'has braces that do not close';
  const known =
    /^(?:\.(?:path|ttl|access_level|scopes|token_type|gitlab_revokes_token|unix_timestamp_utc|role_name)|randHexString \d{1,2}|timeNowFormat "[^"]*"|(?:trimSpace|yesNoBool|stringsJoin|stringsSplit|stringsReplace)\b.*)$/;
  const odd = holes.find((hole) => !known.test(hole.split('|')[0]?.trim() ?? ''));
  if (odd !== undefined) return 'has a part that the plugin does not know';
  return holes.some((hole) => /^(?:\.unix_timestamp_utc|randHexString|timeNowFormat)/.test(hole))
    ? undefined
    : 'is the same for every token, which GitLab refuses: add {{ .unix_timestamp_utc }} or {{ randHexString 8 }}';
}

function levelProblem({ accessLevel, type }: RoleSpec, rules: TypeRules, gitlab: string | undefined) {
  if (rules.accessLevel === 'none') return accessLevel === undefined ? undefined : `does not exist for a ${type} token`;
  if (accessLevel === undefined) return `is needed for a ${type} token`;
  return tooNew(LEVELS[accessLevel], gitlab);
}

function scopesProblem({ scopes = [], type }: RoleSpec, rules: TypeRules, gitlab: string | undefined) {
  const known = Object.keys(rules.scopes);
  if (known.length === 0) return scopes.length === 0 ? undefined : `do not exist for a ${type} token`;
  if (scopes.length === 0) return `are needed for a ${type} token`;
  const odd = scopes.find((scope) => !known.includes(scope));
  if (odd !== undefined) return `of a ${type} token are: ${known.join(', ')}`;
  return scopes.map((scope) => tooNew(rules.scopes[scope], gitlab)).find(Boolean);
}

function tooNew(since: Version | undefined, gitlab: string | undefined): string | undefined {
  if (since === undefined || gitlab === undefined) return undefined;
  const [major = 0, minor = 0] = gitlab.split('.').map(Number);
  const isThere = major > since[0] || (major === since[0] && minor >= since[1]);
  return isThere ? undefined : `need GitLab ${since.join('.')} or newer`;
}

function ttlProblem({ ttl, type, gitlabRevokes = false }: RoleSpec, maxLease = '768h'): string | undefined {
  if (ttl === undefined) return type === 'pipeline-project-trigger' ? undefined : `is needed for a ${type} token`;
  const least = gitlabRevokes ? 24 : 1;
  if (milliseconds(ttl) < least * HOUR)
    return `is ${least}h at least${gitlabRevokes ? ', since GitLab ends tokens at midnight' : ''}`;
  if (milliseconds(ttl) > 8760 * HOUR) return 'is 8760h at most';
  return !gitlabRevokes && milliseconds(ttl) > milliseconds(maxLease)
    ? `is longer than the longest lease of the mount, ${maxLease}: the token would end with that`
    : undefined;
}

const TOKEN_OF_ROLE = /^vault:([^/#]+)\/token\/([^/#]+)/;

/** Returns the mount and role that a reference names: `gitlab` and `echoes` in `vault:gitlab/token/echoes#token`. */
function roleOf(text: string, vault: NonNullable<Spec['vault']>) {
  const [, mount = '', role = ''] = TOKEN_OF_ROLE.exec(text) ?? [];
  return Object.hasOwn(vault, mount) ? { mount, role, section: vault[mount] } : undefined;
}

/** Checks that each token that a declared mount issues is one that its upstream can take. */
export function checkVaultTokens(
  spec: Spec,
  { apiKeys, basics }: { readonly apiKeys: readonly ApiKey[]; readonly basics: ReadonlySet<string> },
  problems: Diagnostic[],
): void {
  for (const { token } of apiKeys) {
    const found = token.scheme === 'vault' ? roleOf(token.text, spec.vault ?? {}) : undefined;
    if (!found?.section) continue;
    const { mount, role, section } = found;
    const declared = Object.hasOwn(section.roles, role) ? section.roles[role] : undefined;
    if (!declared) {
      const params = { kind: `role of vault ${mount}`, name: role, known: Object.keys(section.roles) };
      problems.push(policyCodes.report('unknown-reference', token.origin, params));
      continue;
    }
    const { sentAs } = TYPES[declared.type];
    const wanted = basics.has(token.text) ? 'user and password' : 'token';
    const related = [{ at: ['vault', mount, 'roles', role], message: 'declared here' }];
    if (sentAs !== wanted)
      problems.push(policyCodes.report('vault-unusable', token.origin, { type: declared.type, wanted }, { related }));
  }
}

/** A role that may do more than the requests of the keys that use it need. */
export interface WideRole {
  readonly at: SpecPath;
  readonly role: string;
  readonly problem: string;
}

/**
 * Finds roles with a scope or a level that no request needs for which their tokens are sent. If the needs of these
 * requests are unknown, it finds only a scope that may write, for requests that only read.
 */
export function wideRoles(
  spec: Spec,
  { apiKeys, routes, vault }: Pick<Policy, 'apiKeys' | 'routes' | 'vault'>,
): WideRole[] {
  return vault.flatMap(({ path, roles }) =>
    roles.flatMap((role): WideRole[] => {
      const users = apiKeys.filter(({ token }) => {
        const found = token.scheme === 'vault' ? roleOf(token.text, spec.vault ?? {}) : undefined;
        return found?.mount === path && found.role === role.id;
      });
      const groups = new Set(users.flatMap((user) => user.groups));
      const sent = routes.filter(({ group }) => groups.has(group));
      const problems = { scopes: wideScopes(role.scopes, sent), accessLevel: wideLevel(role.accessLevel, sent) };
      return Object.entries(problems).flatMap(([field, problem]) =>
        problem === undefined ? [] : [{ at: [...role.origin, field], role: role.id, problem }],
      );
    }),
  );
}

function wideScopes(scopes: readonly string[], sent: readonly Route[]): string | undefined {
  const strong = scopes.filter((scope) => scope === 'sudo' || scope === 'admin_mode');
  if (strong.length > 0) return `${strong.join(' and ')} acts for everybody`;
  if (sent.length === 0) return undefined;
  const needed = leastScopes(sent);
  const writing = scopes.filter((scope) => scope === 'api' || scope.startsWith('write_'));
  if (sent.every(onlyReads) && writing.length > 0)
    return `${writing.join(' and ')} may write, and its keys may only read: take ${needed?.join(' and ') ?? 'read_api or a read_ scope'}`;
  const more = needed ? scopes.filter((scope) => !needed.includes(scope)) : [];
  // A role without a needed scope is refused by GitLab; that is another mistake than being too wide.
  return needed?.every((scope) => scopes.includes(scope)) && more.length > 0
    ? `${more.join(' and ')} is asked for by none of its requests: ${needed.join(' and ')} is enough`
    : undefined;
}

function wideLevel(level: string | undefined, sent: readonly Route[]): string | undefined {
  const least = leastLevel(sent);
  const rank = ACCESS_LEVELS.findIndex((known) => known === level);
  return least !== undefined && rank > ACCESS_LEVELS.indexOf(least)
    ? `${level} is more than its requests need: ${least} is enough`
    : undefined;
}
