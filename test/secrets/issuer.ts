import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the server behaves; `whole` is well. */
export type Mood = 'whole' | 'sealed' | 'slow' | 'cut' | 'broken' | 'not-json' | 'odd-token';

/** What answers as the GitLab plugin does in a real server: a new token and a lease for each read of a role; `pull` issues deploy tokens. */
export interface Issuer {
  readonly env: Readonly<Record<string, string>>;
  readonly issued: readonly string[];
  /** Whether a token is one whose lease has not ended. */
  lasts(token: string): boolean;
  mood: Mood;
  /** Seconds of a new lease. */
  lease: number;
  stop(): Promise<void>;
}

const CALLER = 'token-of-the-caller';

export async function startIssuer(): Promise<Issuer> {
  const issued: string[] = [];
  const ends = new Map<string, number>();
  const server = createServer((request, response) => answer(issuer, request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const issuer = {
    env: {
      VAULT_ADDR: `http://127.0.0.1:${port}`,
      VAULT_TOKEN: CALLER,
      VAULT_CLIENT_TIMEOUT: '1',
      VAULT_MAX_RETRIES: '0',
    },
    issued,
    ends,
    lasts: (token: string) => Date.now() < (ends.get(token) ?? 0),
    mood: 'whole' as Mood,
    lease: 3600,
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return issuer;
}

interface Inside extends Issuer {
  readonly issued: string[];
  /** By token, when its lease ends, in milliseconds since 1970. */
  readonly ends: Map<string, number>;
}

type Said = readonly [status: number, body: unknown];

function answer(issuer: Inside, request: IncomingMessage, response: ServerResponse): void {
  if (issuer.mood === 'slow') return;
  if (issuer.mood === 'not-json') response.end('<html>maintenance</html>');
  else {
    const [status, body] = saidTo(request, issuer);
    const text = JSON.stringify(body);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': text.length });
    if (issuer.mood === 'cut') response.write(text.slice(0, text.length / 2), () => response.destroy());
    else response.end(text);
  }
}

function saidTo({ url = '', headers }: IncomingMessage, { mood, issued, ends, lease }: Inside): Said {
  if (mood === 'sealed') return [503, { errors: ['Vault is sealed'] }];
  if (headers['x-vault-token'] !== CALLER) return [403, { errors: ['permission denied'] }];
  if (url === '/v1/auth/token/lookup-self') return [200, { data: { ttl: 0 } }];
  if (url === '/v1/sys/capabilities-self') return [200, { capabilities: ['read'] }];
  if (url.startsWith('/v1/sys/internal/ui/mounts/gitlab/'))
    return [200, { data: { path: 'gitlab/', type: 'vault-plugin-secrets-gitlab', options: null } }];
  const [, role] = /^\/v1\/gitlab\/token\/(.*)$/.exec(url) ?? [];
  if (role === undefined) return [404, { errors: ['no handler for route'] }];
  if (role !== 'partner' && role !== 'pull')
    return [500, { errors: ['1 error occurred:\n\t* role missing: not found\n\n'] }];
  if (mood === 'broken') return [500, { errors: ['internal error'] }];
  const number = issued.length + 1;
  const token = mood === 'odd-token' ? 'glpat-"with$quotes\nand lines' : `glpat-issued-by-the-plugin-${number}`;
  issued.push(token);
  ends.set(token, Date.now() + lease * 1000);
  const user = role === 'pull' ? { token_type: 'project-deploy', username: `gitlab+deploy-token-${number}` } : {};
  const data = { token, token_id: number, role_name: role, expires_at: '2999-01-01T00:00:00Z', ...user };
  return [200, { lease_id: `gitlab/token/partner/${number}`, renewable: false, lease_duration: lease, data }];
}
