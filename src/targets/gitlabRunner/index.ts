import { type Diagnostic, resultOf } from '../../diagnostics/diagnostic.ts';
import { registryMirrors } from '../../policy/mirrors.ts';
import { renderTemplate } from '../../render/render.ts';
import { token } from '../../render/token.ts';
import { defineTarget, type RenderedFile, type TargetInput } from '../target.ts';
import { gitlabRunnerCodes } from './codes.ts';
import { BUILDER_FILES, configText, quoted } from './config.ts';
import { importRunner } from './import.ts';
import { askedUrl, namesOf } from './names.ts';
import { type GitlabRunnerOptions, gitlabRunnerAccess, gitlabRunnerOptions } from './options.ts';

/** What GitLab's own runner clones with. */
const HELPER = 'registry.gitlab.com/gitlab-org/gitlab-runner/gitlab-runner-helper';

export const gitlabRunner = defineTarget({
  name: 'gitlabRunner',
  summary: 'Helm values for GitLab runners on Kubernetes, with the names and mirrors of the rewrites',
  options: gitlabRunnerOptions,
  access: gitlabRunnerAccess,
  plan(input) {
    const problems: Diagnostic[] = [];
    const files = filesOf(input, problems);
    return resultOf(files, problems);
  },
  files: (files: readonly RenderedFile[]) => files,
  jobs: ({ url, helperImage = HELPER, names }, policy) => ({
    host: new URL(url).host,
    asked: new URL(askedUrl(policy, url)).host,
    helperImage,
    ...(names === undefined ? {} : { names: names === 'cluster' ? names : 'own' }),
    at: ['targets', 'gitlabRunner'],
  }),
  importer: {
    kind: 'gitlab-runner',
    remedy: 'give values of the chart gitlab-runner, or what "helm get values RELEASE --output yaml" prints',
    read: importRunner,
  },
});

function filesOf(input: TargetInput<GitlabRunnerOptions>, problems: Diagnostic[]): RenderedFile[] {
  const { policy, options, at } = input;
  const { privileged, allowedImages, serviceAccountToken, serviceAccount, imageBuilders = [] } = options;
  const mirrors = registryMirrors(policy);
  if (privileged && !allowedImages)
    problems.push(gitlabRunnerCodes.report('privileged-any', [...at, 'privileged'], {}));
  if (serviceAccountToken && serviceAccount === undefined)
    problems.push(gitlabRunnerCodes.report('token-unused', [...at, 'serviceAccountToken'], {}));
  if (imageBuilders.length > 0 && mirrors.length === 0)
    problems.push(gitlabRunnerCodes.report('no-mirror', [...at, 'imageBuilders'], {}));
  const names = namesOf(input, problems);
  const objects = `${policy.name}-mirrors`;
  const config = configText({ options, names, mirrorsMap: objects });
  const values = renderTemplate('gitlabRunner', 'values.yaml.njk', {
    release: quoted(policy.name),
    secret: quoted(options.secret),
    tokenVersion: options.tokenVersion === undefined ? null : quoted(options.tokenVersion),
    url: quoted(names.url),
    concurrent: options.concurrent ?? 10,
    namespace: options.namespace === undefined ? null : quoted(options.namespace),
    certificates:
      options.certificates === undefined
        ? null
        : { secret: quoted(options.certificates), file: quoted(`${new URL(names.url).hostname}.crt`) },
    hostAliases: names.hosts.map(({ address, names: all }) => ({ ip: quoted(address), names: all.map(quoted) })),
    hasSecrets: Object.keys(options.secretVolumes ?? {}).length > 0,
    mirrors: imageBuilders.length > 0,
    config: linesForHelm(config),
  });
  return [
    { path: 'gitlabRunner/values.yaml', text: values, comment: '#' },
    ...(imageBuilders.length === 0
      ? []
      : [
          {
            path: 'gitlabRunner/mirrors.yaml',
            text: renderTemplate('gitlabRunner', 'mirrors.yaml.njk', {
              name: quoted(objects),
              namespace: options.namespace === undefined ? null : quoted(options.namespace),
              buildkit: imageBuilders.includes('buildkit') ? BUILDER_FILES.buildkit.key : null,
              containers: imageBuilders.includes('containers') ? BUILDER_FILES.containers.key : null,
              mirrors: mirrors.map(({ registry, host }) => ({ registry: quoted(registry), host: quoted(host) })),
            }),
            comment: '#' as const,
          },
        ]),
  ];
}

/**
 * Returns the lines of a text for Helm, which expands it as a template of its own before the runner does: `{{` is
 * escaped.
 */
function linesForHelm(text: string) {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => token('gitlabRunner', line.replaceAll('{{', '{{ "{{" }}')));
}
