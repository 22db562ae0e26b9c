import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { fingerprint } from '../../policy/shortened.ts';
import type { DeliveryParts } from './agent.ts';
import { vaultCodes } from './codes.ts';
import { deliveredReferences, referencesIn } from './delivered.ts';
import { goDuration } from './payloads.ts';
import type { VaultSource } from './sources.ts';
import { externalDialect, guardedLines, quoted, quotedOrNull, text, type VaultToken } from './templates.ts';

interface Generator {
  readonly name: VaultToken;
  readonly kind: VaultToken;
  /** Path of the secret in Vault; `deploy` describes a deploy token instead, which comes from GitLab itself. */
  readonly path: VaultToken;
  readonly deploy: {
    readonly url: VaultToken;
    readonly owner: VaultToken;
    readonly scopes: readonly VaultToken[];
    readonly secret: VaultToken;
    readonly key: VaultToken;
  } | null;
}

export interface ExternalModel {
  readonly generators: readonly Generator[];
  readonly server: {
    readonly url: VaultToken;
    readonly namespace: VaultToken | null;
    readonly mount: VaultToken;
    readonly role: VaultToken;
    readonly account: VaultToken;
    readonly audience: VaultToken | null;
  };
  readonly store: VaultToken | null;
  readonly secrets: readonly {
    readonly name: VaultToken;
    readonly file: VaultToken;
    readonly refresh: VaultToken;
    readonly lines: readonly VaultToken[];
    readonly kept: readonly Readonly<Record<'name' | 'key' | 'property', VaultToken>>[];
    readonly issued: readonly { readonly kind: VaultToken; readonly name: VaultToken; readonly prefix: VaultToken }[];
  }[];
}

/** Returns generators and ExternalSecrets: one Secret per file, with the file as its only key. */
export function externalModel(parts: DeliveryParts, problems: Diagnostic[]): ExternalModel | undefined {
  const { options, delivery, sources, policy, policyName } = parts;
  const { externalSecrets, address, login, namespace } = options;
  if (!externalSecrets) return undefined;
  problems.push(...externalProblems(parts));
  if (!login || !('kubernetes' in login) || address === undefined) return undefined;
  const { audience, serviceAccount, mount = 'kubernetes' } = login.kubernetes;
  const kindOf = (source: VaultSource) => (byGitlab(source, parts) ? 'GitlabDeployToken' : 'VaultDynamicSecret');
  const issued = [...sources].filter(([, { role }]) => role !== undefined);
  const generators = new Map(issued.map(([, source]) => [generatorName(source), source]));
  return {
    generators: [...generators].map(([name, source]) => ({
      name: quoted(name),
      kind: text(kindOf(source)),
      ...(byGitlab(source, parts)
        ? deployOf(source, externalSecrets)
        : { path: quoted(`/${source.path}`), deploy: null }),
    })),
    server: {
      url: quoted(address),
      namespace: quotedOrNull(namespace),
      mount: quoted(mount),
      role: quoted(policyName),
      account: quoted(serviceAccount),
      audience: quotedOrNull(audience),
    },
    store: quotedOrNull(externalSecrets.store),
    secrets: delivery.files.map((file) => {
      const references = referencesIn(file);
      const of = references.flatMap((reference) => {
        const source = sources.get(reference.text);
        return source ? [{ reference, source }] : [];
      });
      const kept = of.filter(({ source }) => source.role === undefined);
      const fresh = new Map(
        of.filter(({ source }) => source.role).map(({ source }) => [generatorName(source), source]),
      );
      return {
        name: quoted(`${policy.name}-${file.path.replaceAll(/\/(?:secrets\/)?|\.conf$/g, '-').replace(/-$/, '')}`),
        file: quoted(file.path.split('/').at(-1) ?? ''),
        refresh: quoted(refreshOf([...fresh.values()])),
        lines: guardedLines(file, policy, externalDialect(sources, valueName)),
        kept: kept.map(({ source }) => ({
          name: quoted(valueName(source)),
          key: quoted(source.name),
          property: quoted(propertyOf(source)),
        })),
        issued: [...fresh].map(([name, source]) => ({
          kind: text(kindOf(source)),
          name: quoted(name),
          prefix: quoted(`${name}.$1`),
        })),
      };
    }),
  };
}

function externalProblems({ options, at, delivery, sources, login }: DeliveryParts): Diagnostic[] {
  const here = [...at, 'externalSecrets'];
  const by = 'External Secrets';
  const dying = [...sources.values()].flatMap((source) =>
    source.role && !source.role.gitlabRevokes && !source.role.type.endsWith('-deploy') ? [source.role] : [],
  );
  return [
    ...(login?.kind === 'kubernetes' ? [] : [vaultCodes.report('needs-kubernetes', here, { by })]),
    ...(options.address === undefined ? [vaultCodes.report('no-address', here, {})] : []),
    ...(delivery.files.length === 0 ? [vaultCodes.report('no-files', here, { by })] : []),
    ...deliveredReferences(delivery).flatMap(({ text: reference, scheme, origin }) => {
      if (scheme !== 'vault')
        return [vaultCodes.report('not-delivered', origin, { by, reference, problem: 'it reads Vault alone' })];
      const source = sources.get(reference);
      return source && !source.role && options.externalSecrets?.store === undefined
        ? [vaultCodes.report('no-store', origin, { reference })]
        : [];
    }),
    ...[...new Set(dying)].map(({ id, origin }) => vaultCodes.report('lease-dies', origin, { role: id })),
  ];
}

function byGitlab({ role }: VaultSource, { options }: DeliveryParts): boolean {
  return options.externalSecrets?.deployTokens !== undefined && (role?.type.endsWith('-deploy') ?? false);
}

type ExternalOptions = NonNullable<DeliveryParts['options']['externalSecrets']>;

function deployOf({ role }: VaultSource, { deployTokens }: ExternalOptions): Pick<Generator, 'path' | 'deploy'> {
  if (!role || !deployTokens) throw new Error('no deploy token of GitLab');
  const owner = text(role.type === 'project-deploy' ? 'projectID' : 'groupID');
  const [secret, key] = [quoted(deployTokens.secret), quoted(deployTokens.key)];
  const scopes = role.scopes.map(quoted);
  return { path: quoted(role.path), deploy: { url: quoted(role.config.url), owner, scopes, secret, key } };
}

/**
 * Returns the name of a generator: the path that issues the token, in characters that Kubernetes allows in names. No
 * other path has it, or one upstream would get the token of another: a slash is one hyphen, a hyphen two, and what has
 * other characters ends in three and a digest.
 */
export function generatorName({ path }: Pick<VaultSource, 'path'>): string {
  const name = path.replaceAll('-', '--').replaceAll('/', '-');
  if (name.length <= 200 && /^[a-z0-9]+(?:[-/][a-z0-9]+)*$/.test(path)) return name;
  const readable = path
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 180)
    .replaceAll(/^-|-$/g, '');
  return `${readable || 'path'}---${fingerprint(path)}`;
}

/**
 * Returns the name of a value in templates, which no other field has: that of its generator, and its field. A field that
 * is more than a word ends in a dot and a digest, as no word does.
 */
export function valueName(source: Pick<VaultSource, 'path' | 'field'>): string {
  const [first = '', ...inside] = source.field;
  const generator = generatorName(source);
  if (inside.length === 0 && /^[A-Za-z0-9_-]{1,30}$/.test(first)) return `${generator}.${first}`;
  const field = source.field.join('/');
  return `${generator}.${field.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 30)}.${fingerprint(field)}`;
}

/**
 * Returns a field as External Secrets looks for it: a member of that name, or else a path of gjson. What is no plain word
 * is always written as such a path, in which no member has that name, so that a field is never taken for another one.
 */
export function propertyOf({ field }: Pick<VaultSource, 'field'>): string {
  return field.map((part) => part.replaceAll(/[.@]/g, '\\$&')).join('|');
}

/**
 * Returns the refresh interval: two thirds of the shortest lifetime, so that a new token exists well before the old one
 * ends.
 */
function refreshOf(sources: readonly VaultSource[]): string {
  const lives = sources.flatMap(({ role }) => role?.ttl ?? []);
  return lives.length === 0 ? '1h0m0s' : goDuration(Math.floor((Math.min(...lives) * 2) / 3));
}
