import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { isEverybody } from '../../policy/cidr.ts';
import type { ApiKey, ClientAddress, Proxy } from '../../policy/types.ts';
import type { TargetInput } from '../target.ts';
import { withoutProxyProtocol } from './balancers.ts';
import { kubernetesCodes } from './codes.ts';
import type { KubernetesOptions } from './options.ts';

type Mode = KubernetesOptions['clientAddress'];

/** How each mode passes the client's address on, and the `clientIp` that a proxy needs for it. */
const MODES: {
  readonly [M in Mode]: { readonly takes: ClientAddress['kind']; readonly gives: string; readonly hint: string };
} = {
  cluster: { takes: 'direct', gives: 'the connection', hint: 'write clientIp: direct' },
  localTrafficPolicy: { takes: 'direct', gives: 'the connection', hint: 'write clientIp: direct' },
  proxyProtocol: {
    takes: 'proxyProtocol',
    gives: 'the PROXY protocol',
    hint: 'write clientIp: { trustedProxies: [CIDR of the load balancers], proxyProtocol: true }',
  },
  header: {
    takes: 'header',
    gives: 'a header',
    hint: 'write clientIp: { trustedProxies: [CIDR of the pods of the ingress] }',
  },
};

const WORDS: { readonly [K in ClientAddress['kind']]: string } = {
  direct: 'the connection',
  header: 'a header',
  proxyProtocol: 'the PROXY protocol',
};

/** Returns problems that would make pods refuse everybody, never become ready, or not start. */
export function problemsOf({ policy, options, at }: TargetInput<KubernetesOptions>): Diagnostic[] {
  const { clientAddress, provider } = options;
  const cannot = clientAddress === 'proxyProtocol' && provider !== undefined && withoutProxyProtocol(provider);
  const most = options.replicas?.max ?? 6;
  const [name = '', digest = ''] = options.image.split('@sha256:');
  return [
    ...(/^[a-z]/.test(policy.name) ? [] : [kubernetesCodes.report('bad-name', ['name'], { name: policy.name })]),
    ...(cannot ? [kubernetesCodes.report('no-such-balancer', [...at, 'provider'], { provider: cannot })] : []),
    ...(isPlaceholder(digest) ? [kubernetesCodes.report('no-such-image', [...at, 'image'], { name })] : []),
    ...policy.proxies.flatMap((proxy) => inProxy(proxy, clientAddress)),
    ...policy.apiKeys.flatMap((key) => rateOf(key, most)),
  ];
}

/** `000…0`, as examples write it. */
function isPlaceholder(digest: string): boolean {
  return /^(.)\1*$/.test(digest);
}

function inProxy({ id, clientIp, listen, tls, health, origin }: Proxy, mode: Mode): Diagnostic[] {
  const { takes, gives, hint } = MODES[mode];
  const place = (field: string): SpecPath => [...origin, field];
  return [
    ...(clientIp.kind === takes
      ? []
      : [
          kubernetesCodes.report('address-mode', place('clientIp'), {
            proxy: id,
            has: WORDS[clientIp.kind],
            mode,
            gives,
            hint,
          }),
        ]),
    ...(listen.address === undefined || listen.address === '0.0.0.0' || listen.address === '::'
      ? []
      : [kubernetesCodes.report('listen-address', place('listen'), { proxy: id, address: listen.address })]),
    ...(listen.port >= 1024
      ? []
      : [kubernetesCodes.report('low-port', place('listen'), { proxy: id, port: listen.port })]),
    ...(tls ? [kubernetesCodes.report('certificate-file', place('tls'), { proxy: id, file: tls.certFile })] : []),
    ...(health ? [] : [kubernetesCodes.report('no-health', origin, { proxy: id })]),
    ...(health && !isEverybody(health.ranges)
      ? [kubernetesCodes.report('narrow-health', place('health'), { proxy: id })]
      : []),
  ];
}

function rateOf({ id, rateLimit, origin }: ApiKey, pods: number): Diagnostic[] {
  if (!rateLimit || pods === 1) return [];
  const { requests, per } = rateLimit;
  const params = { key: id, rate: `${requests}/${per}`, most: `${requests * pods}/${per}`, pods };
  return [kubernetesCodes.report('rate-per-pod', [...origin, 'rateLimit'], params)];
}
