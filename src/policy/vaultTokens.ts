import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import { ACCESS_LEVELS, leastLevel, leastScopes, onlyReads } from './gitlabRights.ts';
import type { ApiKey, Policy, Route, SecretReference, VaultRole } from './types.ts';
import { matchesExpression, namedPathProblem, pathProblem } from './vaultPaths.ts';
import { TYPES } from './vaultTypes.ts';

type MountSpec = NonNullable<Spec['vault']>[string];
type RoleSpec = MountSpec['roles'][string];

const REFERENCE = /^vault:([^/#]+)(?:\/token\/([^/#]+)(?:\/([^#]*))?)?(?:(?!#).)*(?:#(.*))?$/;

interface Asked {
  readonly mount: string;
  readonly role: string | undefined;
  /** What stands behind the role. */
  readonly path: string | undefined;
  readonly field: string | undefined;
}

/** Returns what a reference such as `vault:gitlab/token/echoes#token` asks of a mount. */
function askedBy(reference: string): Asked | undefined {
  const [, mount, role, path, field] = REFERENCE.exec(reference) ?? [];
  return mount === undefined ? undefined : { mount, role, path, field };
}

/** Returns the role that issues the token of a reference such as `vault:gitlab/token/echoes#token`. */
export function issuerOf({ vault }: Pick<Policy, 'vault'>, reference: string): VaultRole | undefined {
  const asked = askedBy(reference);
  return vault.find(({ path }) => path === asked?.mount)?.roles.find(({ id }) => id === asked?.role);
}

/** Checks that each token that a declared mount issues is one that its upstream can take. */
export function checkVaultTokens(
  { vault = {} }: Spec,
  { apiKeys, basics }: { readonly apiKeys: readonly ApiKey[]; readonly basics: ReadonlySet<string> },
  problems: Diagnostic[],
): void {
  const isIssued = ({ text }: SecretReference) => Object.hasOwn(vault, askedBy(text)?.mount ?? '');
  for (const { text: reference, origin } of apiKeys.flatMap(({ keys }) => keys.filter(isIssued)))
    problems.push(policyCodes.report('vault-key', origin, { reference }));
  for (const token of apiKeys.map((key) => key.token).filter(isIssued)) {
    const { mount, role = '', ...asked } = askedBy(token.text) ?? { mount: '', path: undefined, field: undefined };
    const roles = vault[mount]?.roles ?? {};
    const declared = Object.hasOwn(roles, role) ? roles[role] : undefined;
    if (!declared) {
      const name = role || token.text.replace(/^[^/]*\/|#.*$/g, '');
      const params = { kind: `role of vault ${mount}`, name, known: Object.keys(roles) };
      problems.push(policyCodes.report('unknown-reference', token.origin, params));
      continue;
    }
    const { sentAs } = TYPES[declared.type];
    const wanted = basics.has(token.text) ? 'user and password' : 'token';
    const related = [{ at: ['vault', mount, 'roles', role], message: 'declared here' }];
    if (sentAs !== wanted)
      problems.push(policyCodes.report('vault-unusable', token.origin, { type: declared.type, wanted }, { related }));
    const problem = askedProblem(asked, declared);
    if (problem !== undefined)
      problems.push(policyCodes.report('vault-asked', token.origin, { role, ...problem }, { related }));
  }
}

/** Returns why the plugin would give nothing to send, or that for another path than the reference says. */
function askedProblem(
  { path, field }: Pick<Asked, 'path' | 'field'>,
  { type, dynamicPath = false, ...role }: RoleSpec,
) {
  if (field !== 'token') return { problem: 'only its field "token" can be sent', hint: 'write #token' };
  if (!dynamicPath)
    return path === undefined
      ? undefined
      : {
          problem: `it is for ${role.path} alone, whatever the reference says`,
          hint: 'end it with the name of the role',
        };
  if (path === undefined)
    return { problem: 'it needs to be told a path', hint: 'write the path behind the name of the role' };
  const odd = namedPathProblem(path, { type, parts: TYPES[type].parts });
  if (odd !== undefined) return { problem: `the path ${odd}`, hint: 'write the path of a project, group or user' };
  return pathProblem({ ...role, type, dynamicPath }, TYPES[type].parts) === undefined &&
    !matchesExpression(role.path, path)
    ? { problem: `it does not take the path ${path}`, hint: `its path is ${role.path}` }
    : undefined;
}

/** A role that may do more than the requests of the keys that use it need. */
export interface WideRole {
  readonly at: SpecPath;
  readonly role: string;
  readonly problem: string;
}

/**
 * Finds roles with a scope or a level that no request needs for which their tokens are sent, or with a path that names
 * nobody. If the needs of these requests are unknown, it finds only a scope that may write, for requests that only read.
 */
export function wideRoles({ apiKeys, routes, vault }: Pick<Policy, 'apiKeys' | 'routes' | 'vault'>): WideRole[] {
  return vault.flatMap(({ roles }) =>
    roles.flatMap((role): WideRole[] => {
      const users = apiKeys.filter(({ token }) => issuerOf({ vault }, token.text) === role);
      const groups = new Set(users.flatMap((user) => user.groups));
      const sent = routes.filter(({ group }) => groups.has(group));
      const problems = {
        path: widePath(role),
        scopes: wideScopes(role.scopes, sent),
        accessLevel: wideLevel(role.accessLevel, sent),
      };
      return Object.entries(problems).flatMap(([field, problem]) =>
        problem === undefined ? [] : [{ at: [...role.origin, field], role: role.id, problem }],
      );
    }),
  );
}

/** Paths that nobody has asked for. An expression that takes one does not say whom it is for. */
const STRANGERS = ['qzxjkv', 'qzxjkv/wpgh', 'qzxjkv/wpgh/vbnt'];

function widePath({ path, dynamicPath }: { readonly path: string; readonly dynamicPath: boolean }): string | undefined {
  return dynamicPath && STRANGERS.some((stranger) => matchesExpression(path, stranger))
    ? 'its path takes any name: begin it with the group or the user that it is for'
    : undefined;
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
