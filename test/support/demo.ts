/** A small spec with one of everything that commands ask about; the targets need no secrets. */
export const demoSpec = `version: 1
name: demo
ipRanges:
  partner: { file: partner.txt }
upstreams:
  gitlab: { url: https://gitlab.example.com, servers: ["10.30.0.10:443"] }
routes:
  read:
    upstream: gitlab
    allow:
      - GET /api/v4/user
      - GET /api/v4/projects/{project:encodedPath}
  runner: { upstream: gitlab, auth: passthrough, allow: [POST /api/v4/jobs/request] }
apiKeys:
  partner: { key: env:DEMO_KEY, token: file:token.txt, expires: 2090-06-30 }
proxies:
  api: { listen: 8080, ipRanges: ["@partner"] }
domainRewrites:
  - { from: gitlab.example.com, to: gitlab.privatelink.example.com, upstream: gitlab }
  - { from: registry.example.com, to: r.privatelink.example.com, containerRegistry: true }
targets:
  coredns: { form: corefile }
  bottlerocket: {}
tests:
  - { request: GET /api/v4/projects/group%2Fapp, apiKey: partner, expect: allow }
  - { request: GET /api/v4/user?private_token=x, apiKey: partner, expect: 400 }
  - { request: GET /api/v4/user, apiKey: partner, at: 2090-06-30, expect: 403 }
  - { resolve: gitlab.example.com, expect: gitlab.privatelink.example.com }
  - { pull: "registry.example.com/app:v1", expect: r.privatelink.example.com }
`;

export const demoRanges = '# the partner\n192.0.2.0/24\n';
