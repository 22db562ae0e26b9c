export const IMAGE = `nginxinc/nginx-unprivileged@sha256:${'0123456789abcdef'.repeat(4)}`;

/** What a test says of its own. */
export interface Parts {
  readonly proxy?: string;
  readonly options?: string;
  readonly nginx?: string;
  /** Options of Caddy, which then is what the pods run. */
  readonly caddy?: string;
  readonly port?: number;
  readonly name?: string;
  readonly rate?: string;
  /** A key of the spec, with its value. */
  readonly rewrite?: string;
}

/** A proxy for clusters. */
export const specOf = ({
  proxy = 'health: /healthz',
  options = 'clientAddress: cluster',
  caddy,
  nginx = '{ writable: /run/postern, accessLog: stdout }',
  port = 8080,
  name = 'access',
  rate = '',
  rewrite = '',
}: Parts) => `version: 1
name: ${name}
ipRanges: { partners: [203.0.113.0/24, "2001:db8::/48", 127.0.0.0/8] }
upstreams:
  gitlab: { url: https://gitlab.example.com, servers: [10.0.0.1:8443] }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys: { p: { key: env:K, token: env:T${rate} } }
proxies: { api: { listen: ${port}, ipRanges: ["@partners"], ${proxy} } }
${rewrite}
targets:
  ${caddy === undefined ? `nginx: ${nginx}` : `caddy: ${caddy}`}
  kubernetes: { image: "${IMAGE}", ${caddy === undefined ? '' : 'engine: caddy, '}${options} }
`;

export const CADDY = '{ writable: /run/postern, accessLog: stdout }';

const trusted = 'health: /healthz, clientIp: { trustedProxies: [10.7.0.0/16]';
/** Each way in which addresses of clients reach the pods, by name. */
export const FORMS: Readonly<Record<string, Parts>> = {
  cluster: {},
  caddy: { caddy: CADDY, options: 'clientAddress: localTrafficPolicy, provider: eks' },
  eks: { options: 'clientAddress: localTrafficPolicy, provider: eks' },
  aks: { options: 'clientAddress: localTrafficPolicy, provider: aks, internal: false' },
  gke: { options: 'clientAddress: localTrafficPolicy, provider: gke' },
  'proxy-protocol': {
    proxy: `${trusted}, proxyProtocol: true }`,
    options: 'clientAddress: proxyProtocol, provider: eks',
  },
  header: {
    proxy: `${trusted} }`,
    options: 'clientAddress: header, replicas: { min: 1, max: 1 }, cpu: 50m, memory: 1Gi',
  },
  hosts: { proxy: 'hosts: [a.example.com], health: /healthz', options: 'clientAddress: cluster, secret: other' },
};
