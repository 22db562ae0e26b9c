import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { type DeliveryParts, type Setting, undelivered, unknownTargets } from './agent.ts';
import { vaultCodes } from './codes.ts';
import type { DeliveredFile } from './delivered.ts';
import { agentDialect, guardedLines, quoted, text, type VaultToken } from './templates.ts';

export interface InjectorModel {
  readonly target: string;
  readonly annotations: readonly Setting[];
  readonly templates: readonly { readonly name: VaultToken; readonly lines: readonly VaultToken[] }[];
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

function modelOf({ target, folder, files }: Pod, { options, login, policyName, policy, sources }: DeliveryParts) {
  const nameOf = ({ path }: DeliveredFile) => path.split('/').at(-1) ?? '';
  // The injector takes a command as one text. Words of our alphabet mean the same with and without a shell.
  const reload = options.agent?.reload?.[target]?.join(' ');
  return {
    target,
    annotations: [
      of('agent-inject', 'true'),
      of('agent-run-as-same-user', 'true'),
      of('auth-path', `auth/${login?.mount ?? ''}`),
      of('error-on-missing-key', 'true'),
      ...(options.namespace === undefined ? [] : [of('namespace', options.namespace)]),
      of('role', policyName),
      of('secret-volume-path', folder),
      ...(options.address === undefined ? [] : [of('service', options.address)]),
      of('template-config-exit-on-retry-failure', 'true'),
      ...files.flatMap((file) => [
        of(`agent-inject-file-${nameOf(file)}`, nameOf(file)),
        of(`agent-inject-perms-${nameOf(file)}`, '0600'),
        ...(reload === undefined ? [] : [of(`agent-inject-command-${nameOf(file)}`, reload)]),
        // This only declares the file: the template names what it reads.
        of(`agent-inject-secret-${nameOf(file)}`, nameOf(file)),
      ]),
    ],
    templates: files.map((file) => ({
      name: text(`${PREFIX}agent-inject-template-${nameOf(file)}`),
      lines: guardedLines(file, policy, agentDialect(sources)),
    })),
  };
}
