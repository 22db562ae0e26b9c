import type { KubernetesOptions } from './options.ts';

type Provider = NonNullable<KubernetesOptions['provider']>;
type Annotations = readonly (readonly [name: string, value: string])[];

/** What the Service says to the load balancer of a provider. */
interface Balancer {
  readonly name: string;
  readonly always: Annotations;
  readonly internal: Annotations;
  readonly external: Annotations;
  /** By how it passes the address of a client on; absent where it cannot. */
  readonly passes: { readonly localTrafficPolicy: Annotations; readonly proxyProtocol?: Annotations };
}

const BALANCERS: { readonly [P in Provider]: Balancer } = {
  eks: {
    name: 'EKS',
    // The AWS controller registers the pods themselves, and keeps the address if it is told to.
    always: [
      ['service.beta.kubernetes.io/aws-load-balancer-type', 'external'],
      ['service.beta.kubernetes.io/aws-load-balancer-nlb-target-type', 'ip'],
    ],
    internal: [['service.beta.kubernetes.io/aws-load-balancer-scheme', 'internal']],
    external: [['service.beta.kubernetes.io/aws-load-balancer-scheme', 'internet-facing']],
    passes: {
      localTrafficPolicy: [
        ['service.beta.kubernetes.io/aws-load-balancer-target-group-attributes', 'preserve_client_ip.enabled=true'],
      ],
      proxyProtocol: [['service.beta.kubernetes.io/aws-load-balancer-proxy-protocol', '*']],
    },
  },
  aks: {
    name: 'AKS',
    always: [],
    internal: [['service.beta.kubernetes.io/azure-load-balancer-internal', 'true']],
    external: [],
    passes: { localTrafficPolicy: [] },
  },
  gke: {
    name: 'GKE',
    always: [],
    internal: [['networking.gke.io/load-balancer-type', 'Internal']],
    external: [],
    passes: { localTrafficPolicy: [] },
  },
};

export function annotationsOf(provider: Provider, passing: keyof Balancer['passes'], isInternal: boolean): Annotations {
  const { always, internal, external, passes } = BALANCERS[provider];
  return [...always, ...(isInternal ? internal : external), ...(passes[passing] ?? [])];
}

/** Returns the name of a provider whose load balancers do not send the PROXY protocol. */
export function withoutProxyProtocol(provider: Provider): string | undefined {
  const { name, passes } = BALANCERS[provider];
  return passes.proxyProtocol === undefined ? name : undefined;
}
