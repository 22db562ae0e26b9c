import { sign, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';

// GitLab as registries and their clients know it: tokens at /jwt/auth, and the Dependency Proxy of group grp with the
// image alpine. Prints each request as a line of JSON. A program, because it has to run inside a namespace.

const option = { type: 'string', default: '' } as const;
const { values } = parseArgs({
  options: { port: option, cert: option, key: option, issuerCert: option, issuerKey: option, image: option },
});
const [cert, key] = [readFileSync(values.cert), readFileSync(values.key)];
const PULLER = `Basic ${Buffer.from('deploy:let-me-in').toString('base64')}`;
const REALM = 'Bearer realm="https://gitlab.example.com/jwt/auth",service="dependency_proxy"';

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as GitLab signs it for the registry, which finds the key by the certificate in its header. */
function token(service: string, scopes: readonly string[]): string {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes.map((scope) => {
    const [type, name, actions = ''] = scope.split(':');
    return { type, name, actions: actions.split(',') };
  });
  const times = { iat: now, nbf: now - 5, exp: now + 300 };
  const claims = { iss: 'gitlab-issuer', aud: service, sub: 'deploy', jti: String(now), ...times, access };
  const header = {
    typ: 'JWT',
    alg: 'RS256',
    x5c: [new X509Certificate(readFileSync(values.issuerCert)).raw.toString('base64')],
  };
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), readFileSync(values.issuerKey)).toString('base64url')}`;
}

function authorize(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
  const service = query.get('service') ?? '';
  // GitLab answers POST with 404, and clients then try GET.
  if (request.method !== 'GET' || !['container_registry', 'dependency_proxy'].includes(service))
    response.writeHead(404).end();
  else if (request.headers.authorization !== PULLER) response.writeHead(401).end();
  else {
    const scopes = query.getAll('scope').flatMap((scope) => scope.split(' '));
    response
      .writeHead(200, { 'Content-Type': 'application/json' })
      .end(JSON.stringify({ token: token(service, scopes) }));
  }
}

function dependencyProxy({ method, headers }: IncomingMessage, response: ServerResponse, path: string): void {
  const version = { 'Docker-Distribution-Api-Version': 'registry/2.0' };
  if (!headers.authorization?.startsWith('Bearer ')) {
    response.writeHead(401, { ...version, 'Www-Authenticate': REALM }).end();
    return;
  }
  if (path === '/v2/') return void response.writeHead(200, version).end('{}');
  const index = JSON.parse(readFileSync(join(values.image, 'index.json'), 'utf8'));
  const [{ mediaType, digest: latest }] = index.manifests;
  const [, kind, name = ''] =
    /^\/v2\/grp\/dependency_proxy\/containers\/alpine\/(manifests|blobs)\/(.+)$/.exec(path) ?? [];
  const digest = name === 'latest' ? latest : name;
  const file = join(values.image, 'blobs', digest.replace(':', '/'));
  if (kind === undefined || !/^sha256:[0-9a-f]{64}$/.test(digest) || !existsSync(file))
    return void response.writeHead(404).end();
  const type = kind === 'manifests' ? mediaType : 'application/octet-stream';
  const content = readFileSync(file);
  response.writeHead(200, {
    ...version,
    'Content-Type': type,
    'Content-Length': content.length,
    'Docker-Content-Digest': digest,
  });
  response.end(method === 'HEAD' ? undefined : content);
}

createServer({ cert, key }, (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '', 'https://gitlab.example.com');
  response.on('finish', () => {
    const { method, url, socket, headers } = request;
    const serverName = socket instanceof TLSSocket ? socket.servername : undefined;
    console.log(JSON.stringify({ method, url, status: response.statusCode, host: headers.host, serverName }));
  });
  if (pathname === '/jwt/auth') authorize(request, response, searchParams);
  else if (pathname.startsWith('/v2/')) dependencyProxy(request, response, pathname);
  else response.writeHead(404).end();
}).listen(Number(values.port), '127.0.0.1');
