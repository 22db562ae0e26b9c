import { load } from 'js-yaml';
import * as assert from 'uvu/assert';

/** Annotations that the injector documents: of the pod, and of one file each, with its name at their end. */
const OF_PODS = new Set([
  'agent-inject',
  'agent-run-as-same-user',
  'agent-share-process-namespace',
  'auth-path',
  'namespace',
  'role',
  'secret-volume-path',
  'service',
  'template-config-exit-on-retry-failure',
]);
const OF_FILES = [
  'agent-inject-command',
  'agent-inject-file',
  'agent-inject-perms',
  'agent-inject-secret',
  'agent-inject-template',
  'error-on-missing-key',
] as const;
const PREFIX = 'vault.hashicorp.com/';

interface Pod {
  /** Whether it is the Agent that ends before the engine starts, or the one beside it. */
  readonly isInit: boolean;
  /** A folder in place of the Agent's home. */
  readonly home: string;
  /** File in place of the token of the service account. */
  readonly account: string;
}

/** Returns the annotations of a patch by name, without the prefix that all have; fails on one that does not exist. */
export function annotationsIn(patch: string): Readonly<Record<string, string>> {
  const read = load(patch) as { spec: { template: { metadata: { annotations: Record<string, unknown> } } } };
  return Object.fromEntries(
    Object.entries(read.spec.template.metadata.annotations).map(([name, value]) => {
      const short = name.slice(PREFIX.length);
      const isKnown = OF_PODS.has(short) || OF_FILES.some((one) => short.startsWith(`${one}-`));
      assert.ok(name.startsWith(PREFIX) && isKnown, `${name} is no annotation of the injector`);
      // Kubernetes refuses a pod whose annotations are anything else.
      assert.type(value, 'string', name);
      return [short, String(value)];
    }),
  );
}

/** Returns the configuration that the injector gives to an Agent, made from annotations as its `newConfig` does. */
export function agentOf(annotations: Readonly<Record<string, string>>, { isInit, home, account }: Pod): object {
  const names = Object.keys(annotations).flatMap((name) => /^agent-inject-secret-(.*)$/.exec(name)?.[1] ?? []);
  return {
    pid_file: `${home}/pid`,
    exit_after_auth: isInit,
    vault: { address: annotations['service'] },
    auto_auth: {
      method: {
        type: 'kubernetes',
        mount_path: annotations['auth-path'],
        config: { role: annotations['role'], token_path: account },
      },
      sink: [{ type: 'file', config: { path: `${home}/token` } }],
    },
    template: names.map((name) => {
      const of = (kind: (typeof OF_FILES)[number]) => annotations[`${kind}-${name}`];
      return {
        // The names of files are in lower case, unless another annotation says otherwise.
        destination: `${annotations['secret-volume-path']}/${of('agent-inject-file') ?? name.toLowerCase()}`,
        contents: of('agent-inject-template'),
        left_delimiter: '{{',
        right_delimiter: '}}',
        perms: of('agent-inject-perms'),
        ...(of('agent-inject-command') !== undefined && { command: of('agent-inject-command') }),
        ...(of('error-on-missing-key') === 'true' && { error_on_missing_key: true }),
      };
    }),
    template_config: { exit_on_retry_failure: annotations['template-config-exit-on-retry-failure'] === 'true' },
  };
}
