import { isRecord, listOf, memberOf } from '../../source/value.ts';
import { AMOUNTS, CONTAINERS } from './config.ts';

/**
 * Returns the options of the target that a value of the old file becomes; `undefined` for a value that they do not
 * accept.
 */
export type Carry = (value: unknown) => Readonly<Record<string, unknown>> | undefined;

export interface Rule {
  /** Absent where no option replaces the value. */
  readonly carry?: Carry;
  /** Where it belongs now, or why it has no place. */
  readonly words: string;
  /** Whether the current chart ignores the value without saying so. */
  readonly ignored?: true;
}

export type Rules = Readonly<Record<string, Rule>>;

const as =
  (option: string): Carry =>
  (value) => ({ [option]: value });

const name =
  (option: string): Carry =>
  (value) =>
    typeof value === 'string' && value !== '' ? { [option]: value } : undefined;

const amount =
  (container: string, what: string): Carry =>
  (value) => ({ resources: { [container]: { [what]: String(value) } } });

const url: Carry = (value) => ({ url: String(value).toLowerCase().replace(/\/$/, '') });

const moved = (carry: Carry, option: string, key: string): Rule => ({
  carry,
  words: `written as ${option}, which the runner reads as ${key}`,
  ignored: true,
});
const kept = (carry: Carry, option: string): Rule => ({ carry, words: `written as ${option}` });
const gone = (words: string): Rule => ({ words, ignored: true });
const left = (words: string): Rule => ({ words });

/** Parts of the target's options by their names in old values. */
const OLD_CONTAINERS = { builds: 'build', services: 'service', helpers: 'helper' } as const;
const OLD_AMOUNTS = {
  cpuRequests: 'cpu',
  memoryRequests: 'memory',
  cpuLimit: 'cpuLimit',
  memoryLimit: 'memoryLimit',
} as const;

/**
 * Returns a rule for each amount of each container: `runners.builds.cpuRequests` of values, `cpu_request` of the
 * runner.
 */
function amounts(rule: (container: string, what: string, value: string, setting: string) => [string, Rule]): Rules {
  return Object.fromEntries(
    Object.entries(OLD_CONTAINERS).flatMap(([old, container]) =>
      Object.entries(OLD_AMOUNTS).map(([value, what]) =>
        rule(container, what, `${old}.${value}`, CONTAINERS[container] + AMOUNTS[what]),
      ),
    ),
  );
}

const TOKEN =
  'a token stands in the file: put a new one, of a runner created in GitLab (glrt-…), into the Secret, and revoke this one';
const SECRET =
  'a secret stands in the file: put it into a Secret, name that as runners.cache.secretName in a file of your own, and revoke this one';
const GLOBAL = 'the runner reads no such setting from a template: keep';
const CREATED = 'said in GitLab when the runner is created: with a glrt- token the chart leaves it out';
const BESIDE =
  'keep it in a file of your own beside the generated one: helm upgrade --values values.yaml --values yours.yaml';

/** Rules for values of the chart, by path. A rule for a mapping applies to everything in it. */
export const VALUE_RULES: Rules = {
  gitlabUrl: kept(url, 'url'),
  concurrent: kept(as('concurrent'), 'concurrent'),
  certsSecretName: kept(name('certificates'), 'certificates'),
  runnerToken: left(TOKEN),
  runnerRegistrationToken: left(`${TOKEN}; registration tokens end with GitLab 20`),
  'rbac.create': left('always, with the rules that the runner needs'),
  'rbac.rules': left('the rules are those that the runner needs'),
  'rbac.clusterWideAccess': left('one namespace is enough for the jobs of a runner'),
  'rbac.serviceAccountName': gone('serviceAccount.name in a file of your own beside the generated one'),
  'rbac.resources': gone('the rules are those that the runner needs'),
  'rbac.verbs': gone('the rules are those that the runner needs'),
  'runners.secret': kept(name('secret'), 'secret, which has to hold both keys, runner-token with a glrt- token in it'),
  'runners.namespace': moved(name('namespace'), 'namespace', 'namespace'),
  'runners.jobNamespace': kept(name('namespace'), 'namespace'),
  'runners.image': moved(as('image'), 'image', 'image'),
  'runners.privileged': moved(as('privileged'), 'privileged', 'privileged'),
  'runners.serviceAccountName': moved(name('serviceAccount'), 'serviceAccount', 'service_account'),
  'runners.pollTimeout': moved(as('pollTimeout'), 'pollTimeout', 'poll_timeout'),
  'runners.nodeSelector': moved(as('nodeSelector'), 'nodeSelector', 'node_selector'),
  'runners.nodeTolerations': moved(taints, 'tolerations', 'node_tolerations'),
  'runners.env': moved(as('environment'), 'environment', 'environment'),
  'runners.helpers.image': moved(as('helperImage'), 'helperImage', 'helper_image'),
  ...amounts((container, what, old, setting) => [
    `runners.${old}`,
    moved(amount(container, what), `resources.${container}.${what}`, setting),
  ]),
  'runners.cloneUrl': gone('follows from the rewrite of GitLab, if that has a site'),
  'runners.tags': left(CREATED),
  'runners.locked': left(CREATED),
  'runners.protected': left(CREATED),
  'runners.runUntagged': left(CREATED),
  'runners.maximumTimeout': left(CREATED),
  'runners.name': left(CREATED),
  'runners.executor': left('kubernetes, always'),
  'runners.configPath': left('the configuration is generated'),
  'runners.cache': left(BESIDE),
  terminationGracePeriodSeconds: left('3600, so that jobs come to their end'),
};

/** Values that the current chart reads, and that this target does not set. */
const READ_BY_CHART = new Set(
  `affinity automountServiceAccountToken checkInterval configMaps connectionMaxAge deploymentAnnotations deploymentLabels
   deploymentLifecycle envVars extraContainers extraEnv extraEnvFrom extraEnvFromRefs extraObjects fullnameOverride hostAliases
   hostname hpa image imagePullPolicy imagePullSecrets livenessProbe logFormat logLevel metrics nameOverride namespace
   nodeSelector podAnnotations podLabels podSecurityContext preEntrypointScript priorityClassName probeTimeoutSeconds rbac
   readinessProbe replicas resources revisionHistoryLimit runtimeClassName schedulerName secrets securityContext sentryDsn service
   serviceAccount sessionServer shutdown_timeout strategy tolerations topologySpreadConstraints unregisterRunners useTini
   volumeMounts volumes`.split(/\s+/),
);

/** Returns the rule for a value without one of its own. */
export function otherValue(path: string): Rule {
  const [first = ''] = path.split('.');
  return READ_BY_CHART.has(first) ? left(BESIDE) : gone('the chart of today has no such value');
}

/** Returns whether a mapping holds values of a runner at all. */
export function isValues(value: unknown): boolean {
  return (
    isRecord(value) && ['runners', 'gitlabUrl', 'runnerToken', 'runnerRegistrationToken'].some((one) => one in value)
  );
}

/** Rules for settings of the runner, by path below `[[runners]]`. */
export const CONFIG_RULES: Rules = {
  url: kept(url, 'url'),
  token: left(TOKEN),
  name: left(CREATED),
  executor: left('kubernetes, always'),
  clone_url: left('follows from the rewrite of GitLab, if that has a site'),
  environment: kept(variables, 'environment'),
  'cache.s3.AccessKey': left(SECRET),
  'cache.s3.SecretKey': left(SECRET),
  'cache.gcs.PrivateKey': left(SECRET),
  'cache.azure.AccountKey': left(SECRET),
  'kubernetes.namespace': kept(name('namespace'), 'namespace'),
  'kubernetes.image': kept(as('image'), 'image'),
  'kubernetes.helper_image': kept(as('helperImage'), 'helperImage'),
  'kubernetes.privileged': kept(as('privileged'), 'privileged'),
  'kubernetes.allow_privilege_escalation': left('false, unless jobs are privileged'),
  'kubernetes.service_account': kept(name('serviceAccount'), 'serviceAccount'),
  'kubernetes.automount_service_account_token': kept(as('serviceAccountToken'), 'serviceAccountToken'),
  'kubernetes.poll_timeout': kept(as('pollTimeout'), 'pollTimeout'),
  'kubernetes.allowed_images': kept(as('allowedImages'), 'allowedImages'),
  'kubernetes.allowed_services': kept(as('allowedServices'), 'allowedServices'),
  'kubernetes.node_selector': kept(as('nodeSelector'), 'nodeSelector'),
  'kubernetes.node_tolerations': kept(tolerations, 'tolerations'),
  'kubernetes.dns_config.nameservers': kept((value) => ({ names: { nameservers: value } }), 'names.nameservers'),
  'kubernetes.dns_config.searches': kept((value) => ({ names: { searches: value } }), 'names.searches'),
  'kubernetes.dns_policy': left('none where names.nameservers is written, else that of the cluster'),
  'kubernetes.host_aliases': left('names.hosts, once the spec has the rewrites of these names'),
  'kubernetes.volumes.secret': kept(secretVolumes, 'secretVolumes'),
  ...amounts((container, what, _, setting) => [
    `kubernetes.${setting}`,
    kept(amount(container, what), `resources.${container}.${what}`),
  ]),
};

/** Rules for settings beside `[[runners]]`, which the runner does not take from the template that the chart makes. */
export const GLOBAL_RULES: Rules = {
  concurrent: left(`${GLOBAL} concurrent in a file of your own, or write concurrent here`),
};

export function otherGlobal(): Rule {
  return left(`${GLOBAL} it in a file of your own, as a value of the chart`);
}

export function otherSetting(path: string): Rule {
  return /_overwrite(?:_max)?_allowed$/.test(path)
    ? left('jobs say none of this by themselves')
    : left('nothing here writes it; the runner may still read it, or may have dropped it');
}

function taints(value: unknown) {
  const all = listOf(value).map((one) => {
    const [key, wanted, effect] = ['key', 'value', 'effect'].map((part) => memberOf(one, part));
    const isExact = memberOf(one, 'operator') !== 'Exists' && wanted !== undefined;
    return `${String(key)}${isExact ? `=${String(wanted)}` : ''}${effect === undefined ? '' : `:${String(effect)}`}`;
  });
  return all.length === 0 ? undefined : { tolerations: all };
}

function tolerations(value: unknown) {
  if (!isRecord(value)) return undefined;
  return {
    tolerations: Object.entries(value).map(([key, effect]) => (effect === '' ? key : `${key}:${String(effect)}`)),
  };
}

function variables(value: unknown) {
  const pairs = listOf(value).map((one) => String(one));
  return {
    environment: Object.fromEntries(pairs.map((pair) => [pair.replace(/=.*/s, ''), pair.replace(/^[^=]*=?/, '')])),
  };
}

function secretVolumes(value: unknown) {
  const volumes = listOf(value).map((one) => {
    const [path, items] = [memberOf(one, 'mount_path'), memberOf(one, 'items')];
    return [String(memberOf(one, 'name')), items === undefined ? { path } : { path, items }] as const;
  });
  const isSimple = listOf(value).every((one) => memberOf(one, 'sub_path') === undefined);
  return isSimple ? { secretVolumes: Object.fromEntries(volumes) } : undefined;
}
