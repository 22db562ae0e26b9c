/** What the caller of the tests' spec sends. */
export const KEY = 'kV3yMuch-Random_and.Not~Guessed+0';

interface Parts {
  readonly token: string;
  readonly key?: string;
  readonly targets?: string;
  readonly upstream?: string;
  readonly listen?: string;
  readonly from?: string;
}

/** One caller, whose token is what the tests are about. */
export function secretSpec({
  token,
  key = 'env:PARTNER_KEY',
  targets = 'caddy: {}',
  upstream = 'https://gitlab.example.com',
  listen = '8080',
  from = '192.0.2.7',
}: Parts): string {
  return `version: 1
name: secrets
upstreams: { gitlab: { url: "${upstream}" } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys: { partner: { key: ${key}, token: ${token} } }
proxies: { api: { listen: "${listen}", ipRanges: [${from}] } }
targets: { ${targets} }
`;
}
