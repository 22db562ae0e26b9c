import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Asked, type Behind, CALLER, type Mood, ODD_TOKEN, type Said } from './behind.ts';
import { PLUGIN } from './plugged.ts';
import { realIssuer } from './realIssuer.ts';

/**
 * What answers as the GitLab plugin does in a real server: a new token and a lease for each read of a role; `pull`
 * issues deploy tokens. With POSTERN_GITLAB_PLUGIN it is the real ones that answer, and what stands in front of them
 * may be ill.
 */
export interface Issuer {
  readonly env: Readonly<Record<string, string>>;
  readonly issued: readonly string[];
  /** Whether a token is one whose lease has not ended. */
  lasts(token: string): boolean;
  mood: Mood;
  /** What happens while a caller waits for its answer. */
  meanwhile: () => Promise<void>;
  /** Seconds of a new lease. */
  lease: number;
  stop(): Promise<void>;
}

export async function startIssuer(): Promise<Issuer> {
  const behind = PLUGIN === undefined ? player() : await realIssuer(PLUGIN);
  const issued: string[] = [];
  const server = createServer((request, response) => void answer({ issuer, behind, issued }, request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const issuer: Issuer = {
    env: {
      VAULT_ADDR: `http://127.0.0.1:${port}`,
      VAULT_TOKEN: CALLER,
      VAULT_CLIENT_TIMEOUT: String(behind.patience),
      VAULT_MAX_RETRIES: '0',
    },
    issued,
    lasts: behind.lasts,
    mood: 'whole',
    meanwhile: async () => {},
    lease: 3600,
    stop: async () => {
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
      await behind.stop();
    },
  };
  return issuer;
}

interface Front {
  readonly issuer: Issuer;
  readonly behind: Behind;
  readonly issued: string[];
}

async function answer(front: Front, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { mood, lease, meanwhile } = front.issuer;
  await meanwhile();
  if (mood === 'slow') return;
  if (mood === 'not-json') return void response.end('<html>maintenance</html>');
  const { url = '', method = '', headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const asked = { path: url, method, token: String(headers['x-vault-token']), body, mood, lease };
  const [status, said] = ILL[mood] ?? (await front.behind.answer(asked));
  const token = (said as { data?: { token?: unknown } }).data?.token;
  if (typeof token === 'string') front.issued.push(token);
  const text = JSON.stringify(said);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  if (mood === 'cut') response.write(text.slice(0, text.length / 2), () => response.destroy());
  else response.end(text);
}

const ILL: Readonly<Partial<Record<Mood, Said>>> = {
  sealed: [503, { errors: ['Vault is sealed'] }],
  failing: [500, { errors: ['internal error'] }],
};

const GITLAB = 'https://gitlab.example.com/api/v4/groups/partners/access_tokens';

/** Plays the plugin. */
function player(): Behind {
  const ends = new Map<string, number>();
  return {
    answer: (asked) => played(asked, ends),
    lasts: (token) => Date.now() < (ends.get(token) ?? 0),
    patience: 1,
    stop: async () => {},
  };
}

/** `ends` tells by token when its lease ends, in milliseconds since 1970. */
function played({ path, token: caller, mood, lease }: Asked, ends: Map<string, number>): Said {
  if (caller !== CALLER) return [403, { errors: ['permission denied'] }];
  if (path === '/v1/auth/token/lookup-self') return [200, { data: { ttl: 0 } }];
  if (path === '/v1/sys/capabilities-self') return [200, { capabilities: ['read'] }];
  if (path.startsWith('/v1/sys/internal/ui/mounts/gitlab/'))
    return [200, { data: { path: 'gitlab/', type: 'vault-plugin-secrets-gitlab', options: null } }];
  const [, role] = /^\/v1\/gitlab\/token\/(.*)$/.exec(path) ?? [];
  if (role === undefined) return [404, { errors: ['no handler for route'] }];
  if (role !== 'partner' && role !== 'pull')
    return [500, { errors: [`1 error occurred:\n\t* role ${role}: not found\n\n`] }];
  if (mood === 'broken') return [500, { errors: [`1 error occurred:\n\t* POST ${GITLAB}: 403 {message: no}\n\n`] }];
  const number = ends.size + 1;
  const token = mood === 'odd-token' ? ODD_TOKEN : `glpat-issued-by-the-plugin-${number}`;
  ends.set(token, Date.now() + lease * 1000);
  const user = role === 'pull' ? { token_type: 'project-deploy', username: `gitlab+deploy-token-${number}` } : {};
  const data = { token, token_id: number, role_name: role, expires_at: '2999-01-01T00:00:00Z', ...user };
  return [200, { lease_id: `gitlab/token/partner/${number}`, renewable: false, lease_duration: lease, data }];
}
