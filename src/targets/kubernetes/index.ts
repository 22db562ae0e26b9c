import { isIP } from 'node:net';
import { type Diagnostic, hasError, ok, type Result } from '../../diagnostics/diagnostic.ts';
import { type CidrSet, isEverybody, toCidrs, unionOf } from '../../policy/cidr.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import { type Token, token, unquotable } from '../../render/token.ts';
import { jsonString } from '../mirrors.ts';
import { defineTarget, type RenderedFile, type TargetInput } from '../target.ts';
import { annotationsOf } from './balancers.ts';
import { problemsOf } from './check.ts';
import { kubernetesCodes } from './codes.ts';
import { type KubernetesOptions, kubernetesAccess, kubernetesOptions } from './options.ts';

type KubernetesToken = Token<'kubernetes'>;
const quoted = (text: string): KubernetesToken => jsonString('kubernetes', text);

/** Returns a name or a quantity, which YAML reads as nothing else. */
function plain(text: string): KubernetesToken {
  if (!/^[A-Za-z/][A-Za-z0-9./_-]*$|^[0-9]+(?:m|Mi|Gi)?$/.test(text)) throw unquotable('not a plain word', text);
  return token('kubernetes', text);
}

/** The folder of a pod that its engine may write to. */
const WRITABLE = '/run/postern';

type Engine = NonNullable<KubernetesOptions['engine']>;

/** What the files of each engine say. */
const ENGINES: {
  readonly [E in Engine]: { readonly label: string; readonly writes: string; readonly sites: RegExp };
} = {
  nginx: { label: 'nginx', writes: `pid ${WRITABLE}/nginx.pid;`, sites: /^ *include sites\.conf;$/m },
  caddy: { label: 'Caddy', writes: `storage file_system ${WRITABLE}/data`, sites: /^\t\tname sites$/m },
};

/** Most bytes of one object in etcd; `HEADER` is what the header of a file adds. */
const LARGEST = 1_048_576;
const HEADER = 256;

export const kubernetes = defineTarget({
  name: 'kubernetes',
  summary: 'a Kustomize base that runs the proxies: Deployment, Service, autoscaling, NetworkPolicy',
  options: kubernetesOptions,
  access: kubernetesAccess,
  plan(input): Result<readonly RenderedFile[]> {
    const problems: Diagnostic[] = problemsOf(input);
    const { engine = 'nginx' } = input.options;
    const files = input.filesOf?.(engine) ?? [];
    problems.push(...engineProblems(input, engine, files));
    const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text) + HEADER, 0);
    if (bytes > LARGEST) problems.push(kubernetesCodes.report('too-large', input.at, { bytes, limit: LARGEST }));
    return hasError(problems) ? { diagnostics: problems } : ok(filesOf(input, files), problems);
  },
  files: (files) => files,
});

/** Returns what the files of the engine would do that no pod can. */
function engineProblems(
  { policy, at }: TargetInput<KubernetesOptions>,
  engine: Engine,
  files: readonly RenderedFile[],
): Diagnostic[] {
  const { writes, sites } = ENGINES[engine];
  const say = (pattern: RegExp | string) =>
    files.some(({ text }) => (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)));
  if (files.length === 0 || policy.proxies.length === 0) return [kubernetesCodes.report('no-engine', at, { engine })];
  return [
    ...(say(writes) ? [] : [kubernetesCodes.report('not-writable', at, { engine, folder: WRITABLE })]),
    ...(say(`${WRITABLE}/access.log`) ? [kubernetesCodes.report('log-in-pod', at, { engine })] : []),
    ...(say(sites) ? [kubernetesCodes.report('sites', at, { engine })] : []),
  ];
}

/** What the template of each file is given, beside the name of all objects. */
interface Models {
  readonly kustomization: {
    readonly namespace: KubernetesToken | null;
    readonly resources: readonly KubernetesToken[];
    readonly files: readonly KubernetesToken[];
  };
  readonly deployment: {
    readonly engine: KubernetesToken;
    readonly caddy: boolean;
    readonly label: KubernetesToken;
    readonly image: KubernetesToken;
    readonly writable: KubernetesToken;
    readonly ports: readonly number[];
    readonly probe: Probe;
    /** `null` where nobody has a key. */
    readonly secret: { readonly name: KubernetesToken; readonly items: readonly SecretItem[] } | null;
    readonly cpu: KubernetesToken;
    readonly memory: KubernetesToken;
    /** Mebibytes of it that Go may have. */
    readonly heap: number;
  };
  readonly service: Balancer & { readonly ports: readonly number[] };
  readonly scaling: { readonly min: number; readonly max: number; readonly cpu: number };
  readonly 'network-policy': {
    readonly ingress: readonly { readonly port: number; readonly cidrs: readonly KubernetesToken[] }[];
    readonly egress: readonly { readonly port: number; readonly cidr: KubernetesToken | null }[];
  };
}

interface SecretItem {
  readonly key: KubernetesToken;
  readonly path: KubernetesToken;
}

/** `path` is `null` where the kubelet only asks whether the port is open, `host` where it may ask by any name. */
interface Probe {
  readonly port: number;
  readonly path: KubernetesToken | null;
  readonly host: KubernetesToken | null;
}

interface Balancer {
  readonly type: KubernetesToken;
  readonly annotations: readonly { readonly name: KubernetesToken; readonly value: KubernetesToken }[];
  readonly local: boolean;
  readonly ranges: readonly KubernetesToken[];
}

function filesOf(input: TargetInput<KubernetesOptions>, engineFiles: readonly RenderedFile[]): RenderedFile[] {
  const { policy, options } = input;
  const { engine = 'nginx', memory = '128Mi' } = options;
  const name = policy.name;
  const secrets = (input.secretFiles?.(new Map()) ?? []).filter(({ path }) => path.startsWith(`${engine}/`));
  const ports = [...new Set(policy.proxies.map(({ listen }) => listen.port))].sort((a, b) => a - b);
  const file = <T extends keyof Models>(path: string, template: T, model: Models[T]): RenderedFile => ({
    path,
    text: renderTemplate('kubernetes', `${template}.yaml.njk`, { name: quoted(name), ...model }),
    comment: '#',
  });
  const parts = ['deployment', 'service', 'scaling', 'network-policy'];
  return [
    // Kustomize reads no files outside of its own folder.
    file('kustomization.yaml', 'kustomization', {
      namespace: options.namespace === undefined ? null : plain(options.namespace),
      resources: parts.map((part) => plain(`kubernetes/${part}.yaml`)),
      files: engineFiles.map(({ path }) => plain(path)),
    }),
    file('kubernetes/deployment.yaml', 'deployment', {
      engine: plain(engine),
      caddy: engine === 'caddy',
      label: plain(ENGINES[engine].label),
      image: quoted(options.image),
      writable: plain(WRITABLE),
      ports,
      probe: probeOf(policy.proxies, options),
      secret:
        policy.apiKeys.length === 0
          ? null
          : {
              name: plain(options.secret ?? `${name}-secrets`),
              items: secrets.map(({ path }) => {
                const key = path.slice(path.lastIndexOf('/') + 1);
                return { key: plain(key), path: plain(path.slice(engine.length + 1)) };
              }),
            },
      cpu: plain(options.cpu ?? '100m'),
      memory: plain(memory),
      heap: heapWithin(memory),
    }),
    file('kubernetes/service.yaml', 'service', { ports, ...balancerOf(policy, options) }),
    file('kubernetes/scaling.yaml', 'scaling', {
      min: options.replicas?.min ?? 2,
      max: Math.max(options.replicas?.max ?? 6, options.replicas?.min ?? 2),
      cpu: options.replicas?.cpu ?? 70,
    }),
    file('kubernetes/network-policy.yaml', 'network-policy', {
      ingress: policy.proxies.map((proxy) => ({ port: proxy.listen.port, cidrs: blocksOf(peersOf(proxy)) })),
      egress: egressOf(policy),
    }),
  ];
}

/** Returns nine tenths of a size in mebibytes, since not all memory of a process is that of Go. */
function heapWithin(memory: string): number {
  const mebibytes = Number.parseInt(memory, 10) * (memory.endsWith('Gi') ? 1024 : 1);
  return Math.max(1, Math.floor(mebibytes * 0.9));
}

/**
 * Returns the probe of a pod: the health path of the proxy with the lowest port, so that another proxy seldom changes
 * it. A proxy that expects the PROXY protocol is only asked whether it listens.
 */
function probeOf(proxies: readonly Proxy[], { clientAddress }: KubernetesOptions): Probe {
  const rank = ({ listen, hosts }: Proxy) => listen.port * 2 + Math.sign(hosts.length);
  const [asked] = proxies.filter(({ health }) => health).sort((a, b) => rank(a) - rank(b));
  if (!asked) throw new Error('checked before: there is a proxy');
  const isHttp = clientAddress !== 'proxyProtocol' && asked.health !== undefined;
  const [host] = asked.hosts;
  return {
    port: asked.listen.port,
    path: isHttp && asked.health ? quoted(asked.health.pattern.text) : null,
    host: isHttp && host !== undefined ? quoted(host) : null,
  };
}

function balancerOf({ proxies }: Policy, { clientAddress, provider, internal = true }: KubernetesOptions): Balancer {
  const isOutside = clientAddress === 'localTrafficPolicy' || clientAddress === 'proxyProtocol';
  const annotations = provider !== undefined && isOutside ? annotationsOf(provider, clientAddress, internal) : [];
  const ranges = proxies.some((proxy) => isEverybody(proxy.ranges))
    ? []
    : toCidrs(unionOf(proxies.flatMap((proxy) => proxy.ranges.ranges)));
  return {
    type: plain(isOutside ? 'LoadBalancer' : 'ClusterIP'),
    annotations: annotations.map(([name, value]) => ({ name: plain(name), value: quoted(value) })),
    local: clientAddress === 'localTrafficPolicy',
    ranges: isOutside ? ranges.map(quoted) : [],
  };
}

/** Returns the addresses that connect to a pod: clients where connections are their own, otherwise the trusted proxies. */
function peersOf({ ranges, clientIp }: Proxy): CidrSet {
  return clientIp.kind === 'direct' ? ranges : clientIp.trusted;
}

function blocksOf(set: CidrSet): KubernetesToken[] {
  return isEverybody(set) ? [] : toCidrs(set).map(quoted);
}

/**
 * Returns the servers that pods connect to. A NetworkPolicy knows no names, so an upstream with a name is allowed by
 * its port alone.
 */
function egressOf({ upstreams }: Policy): Models['network-policy']['egress'] {
  const servers = upstreams.flatMap(({ servers }) => servers);
  const rules = servers.map(({ host, port }) => {
    const family = isIP(host);
    return { port, cidr: family === 0 ? null : `${host}/${family === 4 ? 32 : 128}` };
  });
  const sorted = [...new Map(rules.map((rule) => [`${rule.port} ${rule.cidr}`, rule])).entries()].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return sorted.map(([, { port, cidr }]) => ({ port, cidr: cidr === null ? null : quoted(cidr) }));
}
