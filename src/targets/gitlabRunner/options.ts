import * as z from 'zod';
import { byPresence, type Told, type Touches } from '../../accessDiff/declared.ts';
import { parseAddress } from '../../policy/cidr.ts';
import { nameProblem } from '../../policy/domains.ts';

const objectName = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/, {
  error: 'must be the name of a Kubernetes object: lower case letters, digits, "-" and ".", 63 at most',
});
const image = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9./:_@-]{0,250}$/, {
  error: 'must be an image such as registry.example.com/group/app:1.0',
});
/** The runner compares images with such a pattern: `*` stays within a part, `**` does not. */
const imagePattern = z.string().regex(/^[A-Za-z0-9*?./:_@{},[\]-]{1,250}$/, {
  error: 'must be an image in which *, ** and ? stand for anything, such as registry.example.com/group/**',
});
const labelKey = z
  .string()
  .regex(/^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, {
    error: 'must be the key of a label, such as k8s.scaleway.com/pool-name',
  });
const labelValue = z
  .string()
  .regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, { error: 'must be the value of a label' });
const quantity = z.string().regex(/^[1-9][0-9]{0,8}(?:m|k|Ki|M|Mi|G|Gi)?$/, {
  error: 'must be a quantity such as 100m or 128Mi',
});
const folder = z.string().regex(/^(?:\/[A-Za-z0-9._-]+)+$/, {
  error: 'must be an absolute path, of letters, digits, ".", "_", "-" and "/"',
});
const fileName = z.string().regex(/^[A-Za-z0-9._-]{1,253}$/, { error: 'must be a file name' });
const address = z.string().refine((text) => parseAddress(text) !== undefined, { error: 'must be an IP address' });
const hostName = z.string().refine((text) => nameProblem(text) === undefined && text === text.toLowerCase(), {
  error: 'must be a name such as gitlab.example.com',
});

const resources = z
  .strictObject({
    cpu: quantity.optional().describe('CPU that it asks for'),
    memory: quantity.optional().describe('Memory that it asks for'),
    cpuLimit: quantity.optional().describe('CPU that it may have'),
    memoryLimit: quantity.optional().describe('Memory that it may have'),
  })
  .optional();

const IMAGE_BUILDERS = ['buildkit', 'containers'] as const;

export const gitlabRunnerOptions = z
  .strictObject({
    url: z
      .string()
      .regex(/^https:\/\/[a-z0-9.-]+(?::[1-9][0-9]{0,4})?$/, {
        error: 'must be https:// with the name of GitLab, such as https://gitlab.example.com',
      })
      .describe('GitLab by its public name; where a rewrite has a site for it, runner and clones use the private one'),
    secret: objectName.describe('Secret that holds the token of the runner (glrt-…) under the key runner-token'),
    tokenVersion: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,60}$/, { error: 'must be a short word, such as 2027-01' })
      .optional()
      .describe('Another word starts the runner anew, which reads its token only then'),
    namespace: objectName.optional().describe('Namespace of the jobs; that of the release where absent'),
    concurrent: z.int().min(1).max(10_000).optional().describe('How many jobs run at a time; 10 where absent'),
    image: image.describe('Image of jobs that name none'),
    helperImage: image.optional().describe('Image that clones and carries artifacts; that of GitLab where absent'),
    allowedImages: z.array(imagePattern).min(1).optional().describe('Images that jobs may name; any where absent'),
    allowedServices: z
      .array(imagePattern)
      .min(1)
      .optional()
      .describe('Images of services that they may name; any where absent'),
    serviceAccount: objectName
      .optional()
      .describe('Service account of the pods of jobs; that of the namespace where absent'),
    serviceAccountToken: z
      .boolean()
      .optional()
      .describe('Whether jobs may use it at the Kubernetes API; false where absent'),
    privileged: z
      .boolean()
      .optional()
      .describe('Whether jobs are root on their node, as Docker in Docker needs; false where absent'),
    certificates: objectName
      .optional()
      .describe('Secret with the file HOST.crt, for certificates of GitLab that the system does not know'),
    names: z
      .union([
        z.literal('cluster'),
        z.strictObject({
          nameservers: z.array(address).min(1).max(3).describe('Addresses of DNS servers that rewrite'),
          searches: z.array(hostName).max(32).optional().describe('Suffixes to search, such as dev.svc.cluster.local'),
        }),
        z.strictObject({ hosts: z.record(hostName, address).describe('Address of each rewritten name') }),
      ])
      .optional()
      .describe('How jobs find rewritten names. cluster: the DNS of the cluster rewrites them; so it is where absent'),
    imageBuilders: z
      .array(z.enum(IMAGE_BUILDERS))
      .min(1)
      .optional()
      .describe(
        'Tools in jobs that are told about the mirrors; containers: Podman, Buildah, Skopeo. Nodes have targets of their own',
      ),
    nodeSelector: z.record(labelKey, labelValue).optional().describe('Labels of the nodes that jobs run on'),
    tolerations: z
      .array(
        z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9./_-]*(?:=[A-Za-z0-9._-]*)?(?::(?:NoSchedule|PreferNoSchedule|NoExecute))?$/, {
            error: 'must be a taint as kubectl writes it, such as reserved=true:NoSchedule',
          }),
      )
      .min(1)
      .optional()
      .describe(
        'Taints of nodes that jobs run on all the same: KEY=VALUE:EFFECT, without VALUE any, without EFFECT all',
      ),
    resources: z
      .strictObject({
        build: resources.describe('The container of the job'),
        helper: resources.describe('The one that clones and carries artifacts'),
        service: resources.describe('Each service'),
      })
      .optional()
      .describe('What the pods of jobs ask for and may have'),
    pollTimeout: z
      .int()
      .min(1)
      .max(86_400)
      .optional()
      .describe('Seconds that a pod may take to start; 180 where absent'),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be the name of a variable' }), z.string())
      .optional()
      .describe('Variables of all jobs. Every job can print them'),
    secretVolumes: z
      .record(
        objectName,
        z.strictObject({
          path: folder.describe('Folder in the containers of jobs; each key of the Secret is a file in it'),
          items: z.record(fileName, fileName).optional().describe('File by key; all keys where absent'),
        }),
      )
      .optional()
      .describe('Secrets in the pods of jobs. Every job can read them'),
  })
  .describe('Helm values for runners on Kubernetes (chart gitlab/gitlab-runner)');

export type GitlabRunnerOptions = z.infer<typeof gitlabRunnerOptions>;
export type ImageBuilder = (typeof IMAGE_BUILDERS)[number];

const work = { cannotLoosen: 'it says how much work is done at a time' } as const;
const resourcesTouch = { fields: { cpu: work, memory: work, cpuLimit: work, memoryLimit: work } } as const;

/** Touch of a list of what jobs may name; without the list they may name anything. */
const allowed = (words: string): Told => ({
  kind: 'trust',
  words,
  absent: 'any',
  effect: (before, after) => (before === undefined ? 'narrowing' : after === undefined ? 'widening' : 'unclear'),
});

const grant = (words: string): Told => ({
  kind: 'trust',
  words,
  absent: 'false',
  byDefault: false,
  effect: (_, after) => (after === true ? 'widening' : 'narrowing'),
});

/** How each option touches access. */
export const gitlabRunnerAccess: Touches<GitlabRunnerOptions> = {
  url: { kind: 'target', words: 'jobs come from', absent: 'nowhere' },
  secret: { kind: 'key-source', words: 'the token of the runner comes from the Secret', absent: 'none' },
  tokenVersion: { cannotLoosen: 'it says when the same Secret is read again' },
  namespace: { kind: 'target', words: 'jobs run in the namespace', absent: 'of the release' },
  concurrent: work,
  image: { kind: 'trust', words: 'jobs without an image run in', absent: 'none' },
  helperImage: { kind: 'trust', words: 'the image that clones is', absent: 'that of GitLab' },
  allowedImages: allowed('images that jobs may name:'),
  allowedServices: allowed('services that jobs may name:'),
  serviceAccount: { kind: 'trust', words: 'jobs run as the service account', absent: 'of the namespace' },
  serviceAccountToken: grant('jobs use the Kubernetes API:'),
  privileged: grant('jobs are root on their nodes:'),
  certificates: { kind: 'trust', words: 'certificates of GitLab are verified with', absent: 'those of the system' },
  names: {
    fields: {
      nameservers: { kind: 'rewrite', words: 'jobs ask the DNS servers', absent: 'of the cluster' },
      searches: { kind: 'rewrite', words: 'short names in jobs end in', absent: 'nothing' },
      hosts: { each: { kind: 'rewrite', words: (path) => `jobs find "${path.at(-1)}" at`, absent: 'what DNS says' } },
    },
  },
  imageBuilders: { kind: 'rewrite', words: 'tools that are told about mirrors:', absent: 'none' },
  nodeSelector: { each: { kind: 'target', words: (path) => `jobs run on nodes with ${path.at(-1)}`, absent: 'any' } },
  tolerations: { kind: 'target', words: 'jobs run on nodes with the taints', absent: 'none' },
  resources: { fields: { build: resourcesTouch, helper: resourcesTouch, service: resourcesTouch } },
  pollTimeout: work,
  environment: {
    each: { kind: 'target', words: (path) => `the variable ${path.at(-1)} of jobs is`, absent: 'not set' },
  },
  secretVolumes: {
    each: {
      fields: {
        path: {
          kind: 'trust',
          words: (path) => `every job reads the Secret "${path.at(-2)}" in`,
          absent: 'no folder',
          effect: byPresence,
        },
        items: {
          each: { kind: 'trust', words: (path) => `the key "${path.at(-1)}" of it is the file`, absent: 'none' },
        },
      },
    },
  },
};
