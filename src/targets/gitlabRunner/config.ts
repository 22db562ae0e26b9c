import { renderTemplate } from '../../render/render.ts';
import { type Token, token } from '../../render/token.ts';
import { jsonString } from '../mirrors.ts';
import type { RunnerNames } from './names.ts';
import type { GitlabRunnerOptions, ImageBuilder } from './options.ts';

export type RunnerToken = Token<'gitlabRunner'>;

/** Returns a string that TOML, YAML and JSON read alike. */
export const quoted = (text: string): RunnerToken => jsonString('gitlabRunner', text);

const [yes, no] = [token('gitlabRunner', 'true'), token('gitlabRunner', 'false')];

/**
 * Keys of the ConfigMap with the mirrors, and the path where each tool looks for its file in a container that runs as
 * root.
 */
export const BUILDER_FILES = {
  buildkit: { key: token('gitlabRunner', 'buildkitd.toml'), path: '/etc/buildkit/buildkitd.toml' },
  containers: {
    key: token('gitlabRunner', '50-postern.conf'),
    path: '/etc/containers/registries.conf.d/50-postern.conf',
  },
} as const satisfies Readonly<Record<ImageBuilder, { readonly key: RunnerToken; readonly path: string }>>;

export interface Parts {
  readonly options: GitlabRunnerOptions;
  readonly names: RunnerNames;
  /** Name of the ConfigMap with the mirrors. */
  readonly mirrorsMap: string;
}

/** Starts of the names of settings, by kind of container: `cpu_request`, `helper_cpu_request`, `service_cpu_request`. */
export const CONTAINERS = { build: '', helper: 'helper_', service: 'service_' } as const;
/** Names of the runner's settings for amounts, without the start of their name. */
export const AMOUNTS = {
  cpu: 'cpu_request',
  cpuLimit: 'cpu_limit',
  memory: 'memory_request',
  memoryLimit: 'memory_limit',
} as const;

/** Returns the TOML template from which the runner takes its configuration when it registers. */
export function configText({ options, names, mirrorsMap }: Parts): string {
  const optional = (text: string | undefined) => (text === undefined ? null : quoted(text));
  const pairs = (entries: Readonly<Record<string, string>> = {}) =>
    Object.entries(entries)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key: quoted(key), value: quoted(value) }));
  return renderTemplate('gitlabRunner', 'config.toml.njk', {
    cloneUrl: names.isPrivate ? quoted(names.url) : null,
    environment: Object.entries(options.environment ?? {}).map(([name, value]) => quoted(`${name}=${value}`)),
    namespace: optional(options.namespace),
    image: quoted(options.image),
    helperImage: optional(options.helperImage),
    allowedImages: options.allowedImages?.map(quoted) ?? null,
    allowedServices: options.allowedServices?.map(quoted) ?? null,
    privileged: options.privileged ? yes : no,
    escalates: options.privileged ?? false,
    serviceAccount: optional(options.serviceAccount),
    serviceAccountToken: options.serviceAccountToken ? yes : no,
    pollTimeout: options.pollTimeout === undefined ? null : token('gitlabRunner', String(options.pollTimeout)),
    resources: amountsOf(options.resources),
    nameservers: names.nameservers.map(quoted),
    searches: names.searches.map(quoted),
    nodeSelector: pairs(options.nodeSelector),
    tolerations: pairs(Object.fromEntries((options.tolerations ?? []).map(tolerationOf))),
    hostAliases: names.hosts.map(({ address, names: all }) => ({ ip: quoted(address), names: all.map(quoted) })),
    secretVolumes: Object.entries(options.secretVolumes ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { path, items }]) => ({ name: quoted(name), path: quoted(path), items: pairs(items) })),
    builders: [...(options.imageBuilders ?? [])].sort().map((builder) => ({
      map: quoted(mirrorsMap),
      key: quoted(BUILDER_FILES[builder].key.text),
      path: quoted(BUILDER_FILES[builder].path),
    })),
  });
}

function amountsOf(resources: GitlabRunnerOptions['resources'] = {}) {
  return (['build', 'helper', 'service'] as const).flatMap((container) =>
    (['cpu', 'cpuLimit', 'memory', 'memoryLimit'] as const).flatMap((amount) => {
      const value = resources[container]?.[amount];
      const key = token('gitlabRunner', CONTAINERS[container] + AMOUNTS[amount]);
      return value === undefined ? [] : [{ key, value: quoted(value) }];
    }),
  );
}

/**
 * Returns the taint and the effect of a toleration. `key=value` tolerates this value, `key` any value; the effect is ""
 * for all effects.
 */
function tolerationOf(taint: string): [taint: string, effect: string] {
  const [, key = '', effect = ''] = /^(.*?)(?::([A-Za-z]+))?$/.exec(taint) ?? [];
  return [key, effect];
}
