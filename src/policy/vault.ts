import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import type { VaultConfig, VaultMount, VaultRole } from './types.ts';
import { milliseconds, parseOrigin } from './upstreams.ts';
import { nameProblem } from './vaultNames.ts';
import { pathProblem } from './vaultPaths.ts';
import { TYPES, type TypeRules, type Version } from './vaultTypes.ts';

type MountSpec = NonNullable<Spec['vault']>[string];
type RoleSpec = MountSpec['roles'][string];

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
    ...said('path', pathProblem(role, rules.parts)),
    ...said('name', nameProblem(role.name)),
    ...said('accessLevel', levelProblem(role, rules, section.gitlabVersion)),
    ...said('scopes', scopesProblem(role, rules, section.gitlabVersion)),
    ...said('ttl', ttlProblem(role, section.maxLease)),
  ];
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
