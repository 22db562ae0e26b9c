import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Reloadable } from '../target.ts';
import { type DeliveryParts, type Setting, undelivered, unknownTargets } from './agent.ts';
import { vaultCodes } from './codes.ts';
import type { DeliveredFile } from './delivered.ts';
import { agentDialect, guardedLines, quoted, text, type VaultToken } from './templates.ts';

export interface InjectorModel {
  readonly target: string;
  readonly annotations: readonly Setting[];
  readonly templates: readonly { readonly name: VaultToken; readonly lines: readonly VaultToken[] }[];
  /** Files of this engine with values that are computed from secrets, which no template can do. */
  readonly others: readonly VaultToken[];
}

const PREFIX = 'vault.hashicorp.com/';
const of = (name: string, value: string): Setting => ({ name: text(`${PREFIX}${name}`), value: quoted(value) });

/** Returns annotations for the pods of each engine, from which the injector configures the same Agent. */
export function injectorModels(parts: DeliveryParts, problems: Diagnostic[]): InjectorModel[] {
  const { options, delivery, login } = parts;
  const { injector } = options;
  if (!injector) return [];
  const at = [...parts.at, 'injector'];
  if (login?.kind !== 'kubernetes') problems.push(vaultCodes.report('needs-kubernetes', at, { by: 'the injector' }));
  problems.push(...unknownTargets(delivery.files, injector, at));
  if (!options.agent) problems.push(...undelivered(parts));
  return Object.entries(injector)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([target, folder]) => {
      const files = delivery.files.filter((file) => file.target === target);
      return modelOf({ target, folder, files }, parts);
    });
}

interface Pod {
  readonly target: string;
  readonly folder: string;
  readonly files: readonly DeliveredFile[];
}

function modelOf(
  { target, folder, files }: Pod,
  { options, login, policyName, policy, sources, delivery, programOf }: DeliveryParts,
): InjectorModel {
  const nameOf = (path: string) => path.split('/').at(-1) ?? '';
  const engine = programOf?.(target);
  return {
    target,
    annotations: [
      of('agent-inject', 'true'),
      of('agent-run-as-same-user', 'true'),
      ...(engine ? [of('agent-share-process-namespace', 'true')] : []),
      of('auth-path', `auth/${login?.mount ?? ''}`),
      ...(options.namespace === undefined ? [] : [of('namespace', options.namespace)]),
      of('role', policyName),
      of('secret-volume-path', folder),
      ...(options.address === undefined ? [] : [of('service', options.address)]),
      of('template-config-exit-on-retry-failure', 'true'),
      ...files.flatMap(({ path }) => annotationsOf(nameOf(path), engine)),
    ],
    templates: files.map((file) => ({
      name: text(`${PREFIX}agent-inject-template-${nameOf(file.path)}`),
      lines: guardedLines(file, policy, agentDialect(sources)),
    })),
    others: delivery.others.filter((path) => path.startsWith(`${target}/`)).map((path) => text(nameOf(path))),
  };
}

function annotationsOf(file: string, engine: Reloadable | undefined): Setting[] {
  return [
    of(`agent-inject-file-${file}`, file),
    of(`agent-inject-perms-${file}`, '0600'),
    ...(engine ? [of(`agent-inject-command-${file}`, reloadOf(engine))] : []),
    // This only declares the file: the template names what it reads.
    of(`agent-inject-secret-${file}`, file),
    of(`error-on-missing-key-${file}`, 'true'),
  ];
}

/**
 * Returns the command that the Agent gives to a shell. It runs in a container of its own, where the programs of the
 * engine are absent and only its processes can be made visible. Another Agent runs it first, before the engine has started, and
 * an Agent whose command fails ends.
 */
function reloadOf({ program, reloadSignal }: Reloadable): string {
  return `! pgrep -x ${program} >/dev/null || pkill -${reloadSignal} -o -x ${program}`;
}
