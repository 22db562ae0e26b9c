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
import { configPayload, type Login, loginOf, loginPeriod, readPaths, rolePayload, terraform } from './payloads.ts';
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
  const policyName = options.policy ?? policy.name;
  if (RESERVED.has(policyName)) {
    const place = options.policy === undefined ? ['name'] : [...at, 'policy'];
    problems.push(vaultCodes.report('reserved-policy', place, { name: policyName }));
  }
  const login = loginOf(options, policyName, loginPeriod(sources.values()));
  const delivery = secretFiles ? deliveryOf(referencesOf(policy), secretFiles) : { files: [], others: [] };
  const parts = { policy, options, at, sources, delivery, login, policyName, programOf };
  const agent = agentModel(parts, problems);
  const injectors = injectorModels(parts, problems);
  const external = externalModel(parts, problems);
  const paths = readPaths(sources.values());
  const policyText = renderTemplate('vault', 'policy.hcl.njk', { paths: paths.map(quoted) });
  return resultOf(
    [
      ...(paths.length > 0 ? [made('policy.hcl', policyText)] : []),
      ...payloadFiles(policy.vault, login),
      ...(paths.length > 0 || policy.vault.length > 0
        ? [made('apply.sh', applyText(input, { paths, policyName, login }))]
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

function payloadFiles(mounts: TargetInput<VaultOptions>['policy']['vault'], login: Login | undefined): RenderedFile[] {
  return [
    ...(login ? [json('login.json', login.payload)] : []),
    ...mounts.flatMap(({ path, configs, roles }) => [
      ...configs.map((config) => json(`config/${path}/${config.name}.json`, configPayload(config))),
      ...roles.map((role) => json(`roles/${path}/${role.id}.json`, rolePayload(role))),
    ]),
  ];
}

interface Applied {
  readonly paths: readonly string[];
  readonly policyName: string;
  readonly login: Login | undefined;
}

function applyText({ policy, options }: TargetInput<VaultOptions>, { paths, policyName, login }: Applied): string {
  const names = policy.vault.flatMap(({ path, configs, roles }) => [
    ...configs.map(({ name }) => ({ kind: 'config', path, name })),
    ...roles.map(({ id }) => ({ kind: 'roles', path, name: id })),
  ]);
  const writes = (kind: string) =>
    names
      .filter((one) => one.kind === kind)
      .map(({ path, name }) => ({ at: text(`${path}/${kind}/${name}`), file: text(`${kind}/${path}/${name}.json`) }));
  return renderTemplate('vault', 'apply.sh.njk', {
    namespace: options.namespace === undefined ? null : text(options.namespace),
    policy: paths.length > 0 ? text(policyName) : null,
    login: login ? text(`auth/${login.mount}/role/${policyName}`) : null,
    configs: writes('config'),
    roles: writes('roles'),
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
