import { type Diagnostic, type Result, resultOf } from '../../diagnostics/diagnostic.ts';
import { referencesOf } from '../../policy/apiKeys.ts';
import type { Policy } from '../../policy/types.ts';
import { isKnownTo } from '../../policy/vaultTypes.ts';
import { renderTemplate } from '../../render/render.ts';
import { defineTarget, type RenderedFile, type TargetInput } from '../target.ts';
import { agentModel } from './agent.ts';
import { vaultCodes } from './codes.ts';
import { deliveryOf } from './delivered.ts';
import { externalModel } from './external.ts';
import { injectorModels } from './injector.ts';
import { compareVault } from './live.ts';
import { type VaultOptions, vaultAccess, vaultOptions } from './options.ts';
import { terraform } from './payloads.ts';
import { type SetUp, setUpOf } from './setUp.ts';
import { sourcesOf } from './sources.ts';
import { quoted, text } from './templates.ts';

export const vault = defineTarget({
  name: 'vault',
  summary: 'roles, policy, Agent and External Secrets for Vault and OpenBao, where upstream tokens come from',
  options: vaultOptions,
  access: vaultAccess,
  plan,
  files: (files: readonly RenderedFile[]) => files,
  live: compareVault,
});

function plan(input: TargetInput<VaultOptions>): Result<readonly RenderedFile[]> {
  const { policy, options, at, secretFiles, programOf } = input;
  const problems: Diagnostic[] = [];
  const sources = sourcesOf(policy, options, problems);
  if (policy.vault.length === 0 && sources.size === 0) problems.push(vaultCodes.report('nothing', at, {}));
  problems.push(...olderPlugin(policy, options));
  const setUp = setUpOf(input, sources);
  const { policyName, login } = setUp;
  if (RESERVED.has(policyName)) {
    const place = options.policy === undefined ? ['name'] : [...at, 'policy'];
    problems.push(vaultCodes.report('reserved-policy', place, { name: policyName }));
  }
  const delivery = secretFiles ? deliveryOf(referencesOf(policy), secretFiles) : { files: [], others: [] };
  const parts = { policy, options, at, sources, delivery, login, policyName, programOf };
  const agent = agentModel(parts, problems);
  const injectors = injectorModels(parts, problems);
  const external = externalModel(parts, problems);
  const paths = [...(setUp.policy?.reads.keys() ?? [])];
  const policyText = renderTemplate('vault', 'policy.hcl.njk', { paths: paths.map(quoted) });
  return resultOf(
    [
      ...(setUp.policy ? [made('policy.hcl', policyText)] : []),
      ...setUp.parts.map(({ file, written }) => json(file, written)),
      ...(setUp.policy || policy.vault.length > 0
        ? [made('apply.sh', applyText(options, setUp)), made('read.sh', readText(options, setUp))]
        : []),
      ...(agent
        ? [
            made('agent.hcl', renderTemplate('vault', 'agent.hcl.njk', agent)),
            ...agent.templates.map(({ path, lines }) => made(path.slice('vault/'.length), linesText(lines))),
          ]
        : []),
      ...injectors.map((pod) => made(`injector-${pod.target}.yaml`, renderTemplate('vault', 'injector.yaml.njk', pod))),
      ...(external
        ? [made('external-secrets.yaml', renderTemplate('vault', 'external-secrets.yaml.njk', external))]
        : []),
      ...(options.plugin ? [made('openbao-plugin.hcl', pluginText(options.plugin))] : []),
      ...(options.terraform
        ? [
            json(
              'terraform.tf.json',
              terraform({ policyName, policyText, login, vault: policy.vault, namespace: options.namespace }),
            ),
          ]
        : []),
    ],
    problems,
  );
}

/** Policies of Vault itself: that of every token is `default`, so what it allows is allowed to everybody. */
const RESERVED = new Set(['control-group', 'default', 'response-wrapping', 'root']);

function olderPlugin({ vault: mounts }: Policy, { plugin }: VaultOptions): Diagnostic[] {
  if (!plugin) return [];
  const { version } = plugin;
  const unknown = mounts.flatMap(({ roles }) => roles.filter(({ type }) => !isKnownTo(version, type)));
  return unknown.map(({ id, type, origin }) =>
    vaultCodes.report('older-plugin', [...origin, 'type'], { version, type, role: id }),
  );
}

function made(path: string, body: string): RenderedFile {
  return { path: `vault/${path}`, text: body, comment: '#' };
}

function json(path: string, value: object): RenderedFile {
  return { path: `vault/${path}`, text: `${JSON.stringify(value, null, 2)}\n` };
}

function linesText(lines: readonly { readonly text: string }[]): string {
  return `${lines.map((line) => line.text).join('\n')}\n`;
}

function applyText({ namespace }: VaultOptions, { policy, parts }: SetUp): string {
  const writes = (kind: SetUp['parts'][number]['kind']) =>
    parts.filter((one) => one.kind === kind).map(({ path, file }) => ({ at: text(path), file: text(file) }));
  return renderTemplate('vault', 'apply.sh.njk', {
    namespace: namespace === undefined ? null : text(namespace),
    policy: policy ? text(policy.name) : null,
    configs: writes('config'),
    roles: [...writes('login'), ...writes('role')],
  });
}

function readText({ namespace }: VaultOptions, { policy, parts }: SetUp): string {
  return renderTemplate('vault', 'read.sh.njk', {
    namespace: namespace === undefined ? null : text(namespace),
    paths: [...(policy ? [policy.path] : []), ...parts.map(({ path }) => path)].map(text),
  });
}

const IMAGE = 'ghcr.io/ilijamt/vault-plugin-secrets-gitlab';

function pluginText({ image = IMAGE, version, sha256 }: NonNullable<VaultOptions['plugin']>): string {
  return renderTemplate('vault', 'openbao-plugin.hcl.njk', {
    image: quoted(image),
    version: quoted(version),
    sha256: quoted(sha256),
  });
}
