/** Two rewritten names, and runners with these options. */
export const specOf = (options: string, rewrites = '') => `version: 1
name: ci
upstreams: { gitlab: { url: https://gitlab.example.com } }
domainRewrites:
  - { from: gitlab.example.com, to: gitlab.link.example.com, upstream: gitlab }
  - { from: registry.example.com, to: registry.link.example.com, containerRegistry: true }
${rewrites}
targets:
  caddy: {}
  gitlabRunner: { url: https://gitlab.example.com, secret: dev-runner-tokens, image: alpine:3.22${options === '' ? '' : `, ${options}`} }
`;

export const ALL_OPTIONS = specOf(`
    tokenVersion: 2027-01,
    namespace: dev,
    concurrent: 4,
    helperImage: registry.example.com/runner/helper:18.9,
    allowedImages: ["registry.example.com/**", "alpine:*"],
    allowedServices: ["registry.example.com/services/*"],
    serviceAccount: app-deployer,
    certificates: gitlab-ca,
    names: { nameservers: [10.96.0.53, "fd00::53"], searches: [dev.svc.cluster.local] },
    imageBuilders: [containers, buildkit],
    nodeSelector: { k8s.scaleway.com/pool-name: dev },
    tolerations: ["jobs-reserved=true:NoSchedule", spot],
    resources: { build: { cpu: 100m, memoryLimit: 1Gi }, helper: { cpuLimit: "2" }, service: { memory: 128Mi } },
    pollTimeout: 360,
    environment: { FORMAT: '{{.Name}} {{ "x" }}', PLAIN: 'a "quoted" $HOME' },
    secretVolumes: { kubeconfig: { path: /root/.kube, items: { config: config } }, dev-api-key: { path: /root/.config/scw } }`);
