import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As much of GitLab's API as the plugin of Vault calls: it makes tokens of each kind, and ends them. */
export interface GitlabApi {
  readonly url: string;
  /** The token that the plugin itself shows. */
  readonly token: string;
  /** All that were made, in their order. */
  readonly made: readonly MadeToken[];
  /** Version that it says it is. */
  version: string;
  /** Text of the next token, by what it is called; where it says nothing, a new one each time. */
  textOf: (name: string) => string | undefined;
  /** Whether it makes no more tokens. */
  isBroken: boolean;
  stop(): Promise<void>;
}

export interface MadeToken {
  readonly id: number;
  readonly text: string;
  readonly name: string;
  /** What was asked for, such as `groups/partners/access_tokens`. */
  readonly at: string;
  readonly body: Readonly<Record<string, unknown>>;
  isRevoked: boolean;
}

/** Where tokens are made, and below which path one is ended. */
const MAKERS: readonly { readonly at: RegExp; readonly endedAt?: string }[] = [
  { at: /^(?:groups|projects)\/[^/]+\/(?:access_tokens|deploy_tokens|triggers)$/ },
  { at: /^users\/\d+\/personal_access_tokens$/, endedAt: 'personal_access_tokens' },
  {
    at: /^(?:groups|projects)\/[^/]+\/service_accounts\/\d+\/personal_access_tokens$/,
    endedAt: 'personal_access_tokens',
  },
];

type Said = readonly [status: number, body: unknown];

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Inside extends GitlabApi {
  readonly made: MadeToken[];
}

export async function startGitlabApi(): Promise<GitlabApi> {
  const server = createServer((request, response) => void answer(api, request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const api: Inside = {
    url: `http://127.0.0.1:${port}`,
    token: 'glpat-of-the-plugin-itself',
    made: [],
    version: '18.11.0-ee',
    textOf: () => undefined,
    isBroken: false,
    stop: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return api;
}

async function answer(api: Inside, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const sent = Buffer.concat(chunks).toString();
  const [status, body] = saidTo(api, {
    method: request.method ?? '',
    path: (request.url ?? '').replace(/^\/api\/v4\//, ''),
    token: String(request.headers['private-token'] ?? ''),
    body: sent === '' ? {} : JSON.parse(sent),
  });
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(status === 204 ? undefined : JSON.stringify(body));
}

function saidTo(api: Inside, asked: Asked): Said {
  const { method, path, token } = asked;
  const own = api.made.find(({ text, isRevoked }) => text === token && !isRevoked);
  if (token !== api.token && !own) return [401, { message: '401 Unauthorized' }];
  if (path === 'personal_access_tokens/self') {
    if (method === 'DELETE') return revoked(own);
    return [200, infoOf({ id: 1000, name: 'vault', text: token, scopes: ['api'] })];
  }
  if (path === 'metadata') return [200, { version: api.version, revision: 'abc', enterprise: true, kas: {} }];
  const [, user] = /^users\?username=(.+)$/.exec(path) ?? [];
  if (user !== undefined) return [200, [{ id: 7, username: decodeURIComponent(user) }]];
  if (/^users\/\d+$/.test(path)) return [200, { id: 7, username: 'vault' }];
  if (method === 'GET' && /^(?:projects|groups)\/[^/]+$/.test(path)) return [200, { id: 42, name: path }];
  if (method === 'POST' && MAKERS.some(({ at }) => at.test(path))) return make(api, asked);
  if (method === 'DELETE') return revoked(api.made.find((one) => endOf(one) === path));
  return [404, { message: `404 Not Found: ${method} ${path}` }];
}

function make(api: Inside, { path, body }: Asked): Said {
  if (api.isBroken) return [400, { message: 'this GitLab is ill' }];
  const id = 1 + api.made.length;
  const name = String(body['name'] ?? body['description'] ?? '');
  const text = api.textOf(name) ?? `glpat-issued-by-the-plugin-${api.made.length + 1}`;
  api.made.push({ id, name, text, at: path, body, isRevoked: false });
  const scopes = (body['scopes'] ?? []) as readonly string[];
  const more = path.endsWith('/deploy_tokens') ? { username: `gitlab+deploy-token-${id}` } : {};
  const { access_level = 30, expires_at } = body;
  return [201, { ...infoOf({ id, name, text, scopes, expires: expires_at }), access_level, ...more }];
}

function endOf({ id, at }: MadeToken): string {
  const endedAt = MAKERS.find((maker) => maker.at.test(at))?.endedAt ?? at;
  return `${endedAt}/${id}`;
}

function revoked(made: MadeToken | undefined): Said {
  if (!made || made.isRevoked) return [404, { message: '404 Not Found' }];
  made.isRevoked = true;
  return [204, undefined];
}

interface Info {
  readonly id: number;
  readonly name: string;
  readonly text: string;
  readonly scopes: readonly string[];
  readonly expires?: unknown;
}

function infoOf({ id, name, text, scopes, expires = '2999-01-01' }: Info): object {
  const times = { created_at: new Date().toISOString(), expires_at: expires };
  return { id, user_id: 7, name, token: text, scopes, active: true, revoked: false, ...times };
}
