import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { freePorts } from '../../src/verify/ports.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { runCaddy } from '../targets/caddy/engine.ts';
import { runNginx } from '../targets/nginx/engine.ts';
import { policyOf } from './policy.ts';

/** The upstream's name, and that of its site. */
export const NAME = 'git.example.com';
export const PRIVATE = 'git.internal.example.com';

interface Behind {
  readonly engine: 'nginx' | 'nginx-newest' | 'caddy';
  readonly program: string;
  /** Speaks for the upstream on each of its connections. */
  readonly serve: (socket: Socket) => void;
  /** What the spec says of the proxy beside its address. */
  readonly proxy?: object;
}

/** Ports by what stands in front of the upstream. */
export type Ports = Readonly<Record<'proxy' | 'site', number>>;

/** Starts an engine with a proxy and a site in front of one upstream, until the scope ends. */
export async function proxyAndSite(behind: Behind, scope: Scope): Promise<Ports> {
  const { engine, program, serve, proxy: given = {} } = behind;
  const upstream = createServer((socket) => {
    socket.on('error', () => undefined);
    scope.defer(async () => void socket.destroy());
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  scope.defer(() => new Promise<void>((resolve) => upstream.close(() => resolve())));
  const address = upstream.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const [proxy = 0, site = 0] = await freePorts(2);
  const policy = policyOf({
    upstreams: { git: { url: `http://${NAME}`, servers: [`127.0.0.1:${port}`] } },
    routes: { all: { upstream: 'git', auth: 'passthrough', allow: ['GET,POST /{rest*}'] } },
    proxies: { api: { listen: `127.0.0.1:${proxy}`, ipRanges: 'any', ...given } },
    domainRewrites: [{ from: NAME, to: PRIVATE, upstream: 'git' }],
  });
  const options = { sites: { listen: site, tls: 'off' } };
  await (engine === 'caddy' ? runCaddy : runNginx)({ policy, program, options, ports: [proxy, site] }, scope);
  return { proxy, site };
}
