import * as z from 'zod';
import type { Touches } from '../../accessDiff/declared.ts';

const objectName = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, {
  error: 'must be the name of a Kubernetes object: lower case letters, digits and "-", 63 at most',
});
const cores = z.string().regex(/^[1-9][0-9]{0,5}m?$/, { error: 'must be a number of cores such as 2 or 100m' });
const size = z.string().regex(/^[1-9][0-9]{0,5}(?:Mi|Gi)$/, { error: 'must be a size such as 64Mi or 1Gi' });

export const kubernetesOptions = z
  .strictObject({
    image: z
      .string()
      .regex(/^[a-z0-9][a-z0-9./:_-]{0,200}@sha256:[0-9a-f]{64}$/, {
        error:
          'must be an image with its digest, such as nginxinc/nginx-unprivileged@sha256:…; a tag may be another image tomorrow',
      })
      .describe('Image with the engine, by its digest'),
    engine: z.enum(['nginx', 'caddy']).optional().describe('What the pods run; nginx where absent'),
    clientAddress: z
      .enum(['cluster', 'localTrafficPolicy', 'proxyProtocol', 'header'])
      .describe(
        'How the address of a client reaches the pods, without which everybody would be refused. cluster: clients are pods. localTrafficPolicy: a load balancer that keeps it. proxyProtocol: one that sends it. header: an ingress in front that forwards it',
      ),
    provider: z.enum(['eks', 'aks', 'gke']).optional().describe('Whose load balancer it is, for its annotations'),
    internal: z.boolean().optional().describe('With provider: a load balancer inside the network; true where absent'),
    namespace: objectName.optional().describe('Namespace of all objects; that of kubectl where absent'),
    secret: objectName.optional().describe('Secret with what "secrets render" writes; NAME-secrets where absent'),
    replicas: z
      .strictObject({
        min: z.int().min(1).max(1000).optional().describe('2 where absent'),
        max: z.int().min(1).max(1000).optional().describe('6 where absent'),
        cpu: z
          .int()
          .min(1)
          .max(100)
          .optional()
          .describe('Percent of the CPU request that one more is added at; 70 where absent'),
      })
      .optional()
      .describe('How many pods there are'),
    cpu: cores.optional().describe('CPU that a pod asks for; 100m where absent'),
    memory: size.optional().describe('Memory that a pod asks for and may have; 128Mi where absent'),
  })
  .describe('A Kustomize base that runs the proxies, beside the files of their engine');

export type KubernetesOptions = z.infer<typeof kubernetesOptions>;

/** How each option touches access. */
export const kubernetesAccess: Touches<KubernetesOptions> = {
  image: { kind: 'trust', words: 'the proxies are run by', absent: 'nothing' },
  engine: { cannotLoosen: 'both decide the same' },
  clientAddress: { kind: 'client-address', words: 'the address of a client comes by', absent: 'nothing' },
  provider: { kind: 'listen', words: 'the load balancer is one of', absent: 'the cluster' },
  internal: { kind: 'listen', words: 'the load balancer is inside the network:', absent: 'true', byDefault: true },
  namespace: { kind: 'target', words: 'the namespace is', absent: 'that of kubectl' },
  secret: { kind: 'key-source', words: 'keys and tokens come from the Secret', absent: 'of the spec' },
  replicas: {
    fields: {
      min: { cannotLoosen: 'each decides the same' },
      max: {
        kind: 'rate-limit',
        words: 'each key has its rate as often as there are pods, at most',
        absent: '6',
        byDefault: 6,
      },
      cpu: { cannotLoosen: 'it says when there are more pods' },
    },
  },
  cpu: { cannotLoosen: 'it says how much work is done at a time' },
  memory: { cannotLoosen: 'it says how much work is done at a time' },
};
