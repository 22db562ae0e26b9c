import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import type { Policy } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { vaultCodes } from './codes.ts';
import { type DeliveredFile, type Delivery, deliveredReferences } from './delivered.ts';
import { PLAIN, type VaultOptions } from './options.ts';
import type { Login } from './payloads.ts';
import type { VaultSource } from './sources.ts';
import { agentDialect, guardedLines, quoted, quotedOrNull, text, type VaultToken } from './templates.ts';

interface AgentTemplate {
  /** Below the output folder. */
  readonly path: string;
  readonly lines: readonly VaultToken[];
  readonly source: VaultToken;
  readonly destination: VaultToken;
  /** Command that the Agent runs after a change; empty for none. */
  readonly reload: readonly VaultToken[];
}

export interface AgentModel {
  readonly address: VaultToken | null;
  readonly login: { readonly kind: VaultToken; readonly mount: VaultToken; readonly settings: readonly Setting[] };
  readonly templates: readonly AgentTemplate[];
  /** Files with values that are computed from secrets, which no template can do. */
  readonly others: readonly VaultToken[];
}

export interface Setting {
  readonly name: VaultToken;
  readonly value: VaultToken;
}

export interface DeliveryParts {
  readonly policy: Policy;
  readonly options: VaultOptions;
  readonly at: SpecPath;
  readonly sources: ReadonlyMap<string, VaultSource>;
  readonly delivery: Delivery;
  readonly login: Login | undefined;
  readonly policyName: string;
  readonly programOf: TargetInput<unknown>['programOf'];
}

/** Returns the configuration of an Agent, and its templates. */
export function agentModel(parts: DeliveryParts, problems: Diagnostic[]): AgentModel | undefined {
  const { policy, options, sources, delivery, login, policyName } = parts;
  const { agent } = options;
  const at = [...parts.at, 'agent'];
  if (!agent) return undefined;
  if (!login) problems.push(vaultCodes.report('no-login', at, { by: 'an Agent' }));
  if (delivery.files.length === 0) problems.push(vaultCodes.report('no-files', at, { by: 'an Agent' }));
  problems.push(...undelivered(parts), ...reloadProblems(delivery, agent.reload ?? {}, at));
  if (!login) return undefined;
  const inFolder = (path: string) =>
    quoted(agent.folder === undefined ? path : `${agent.folder.replace(/\/$/, '')}/${path}`);
  const dialect = agentDialect(sources);
  return {
    address: quotedOrNull(options.address),
    login: {
      kind: quoted(login.kind),
      mount: quoted(`auth/${login.mount}`),
      settings: settingsOf(options, policyName),
    },
    templates: delivery.files.map((file) => {
      const path = templatePath(file);
      return {
        path,
        lines: guardedLines(file, policy, dialect),
        source: inFolder(path),
        destination: inFolder(file.path),
        reload: (agent.reload?.[file.target] ?? []).map(quoted),
      };
    }),
    others: delivery.others.map(text),
  };
}

function templatePath({ path }: DeliveredFile): string {
  return `vault/${path.replaceAll('/secrets/', '-').replaceAll('/', '-')}.ctmpl`;
}

function settingsOf({ login }: VaultOptions, role: string): Setting[] {
  if (!login) return [];
  const fields: Readonly<Record<string, string>> =
    'appRole' in login
      ? { role_id_file_path: login.appRole.roleIdFile, secret_id_file_path: login.appRole.secretIdFile }
      : { role };
  const files = Object.entries(fields).map(([name, value]) => ({ name: text(name), value: quoted(value) }));
  // Otherwise the Agent removes the file at its first start, and cannot log in at the second.
  return 'appRole' in login
    ? [...files, { name: text('remove_secret_id_file_after_reading'), value: text('false') }]
    : files;
}

/**
 * Reports references that an Agent cannot read: it reads Vault, its environment and files of its machine, but runs no
 * program and does not read Kubernetes.
 */
export function undelivered({ delivery }: DeliveryParts): Diagnostic[] {
  return deliveredReferences(delivery).flatMap(({ text: reference, scheme, origin }) => {
    const report = (problem: string) => [
      vaultCodes.report('not-delivered', origin, { by: 'an Agent', reference, problem }),
    ];
    switch (scheme) {
      case 'vault':
      case 'env':
        return [];
      case 'file':
        return /^file:\//.test(reference) && PLAIN.test(reference)
          ? []
          : report('it needs the whole path, of plain characters');
      case 'k8s':
        return report('it does not read Kubernetes');
      case 'sops':
        return report('it does not run sops');
      default:
        return scheme satisfies never;
    }
  });
}

function reloadProblems(
  { files }: Delivery,
  reload: Readonly<Record<string, readonly string[]>>,
  at: SpecPath,
): Diagnostic[] {
  const silent = targetsOf(files).filter((target) => !(target in reload));
  return [
    ...unknownTargets(files, reload, [...at, 'reload']),
    ...silent.map((target) => vaultCodes.report('no-reload', at, { target })),
  ];
}

function targetsOf(files: readonly DeliveredFile[]): string[] {
  return [...new Set(files.map(({ target }) => target))];
}

export function unknownTargets(files: readonly DeliveredFile[], named: object, at: SpecPath): Diagnostic[] {
  const known = targetsOf(files);
  return Object.keys(named)
    .filter((target) => !known.includes(target))
    .map((target) => vaultCodes.report('unknown-target', [...at, target], { target, known }));
}
