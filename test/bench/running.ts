import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePort } from '../../src/verify/ports.ts';
import { startServer } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { engine } from '../engines/engine.ts';
import type { ConfigFile } from './contenders.ts';
import { route } from './specs.ts';

/** Requests for the first route of a spec, for the last one that is read with GET, and for a path that none has. */
export function casesOfRoutes(routes: number): { readonly name: string; readonly request: string }[] {
  const last = routes - 1 - ((routes - 1) % 4 === 3 ? 1 : 0);
  return [
    { name: 'first', request: route(0).request },
    { name: 'last', request: route(last).request },
    { name: 'miss', request: 'GET /api/v4/nothing/like/this' },
  ];
}

/** Requests of a spec with so many routes: for one that its shadow has too, and for one that the shadow has not. */
export function casesOfShadow(routes: number): { readonly name: string; readonly request: string }[] {
  return [
    { name: 'allowed', request: route(0).request },
    { name: 'refused', request: route(routes - 2).request },
  ];
}

export async function programOf(name: Parameters<typeof engine>[0]): Promise<string> {
  const found = await engine(name);
  if ('missing' in found) throw new Error(`${name}: ${found.missing}`);
  return found.path;
}

export async function unpack(files: readonly ConfigFile[], scope: Scope): Promise<string> {
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  await chmod(folder.path, 0o711);
  for (const { path, text } of files) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), text);
  }
  return folder.path;
}

/** An upstream that answers 200 at once, also to long requests, in a process of its own. */
export async function startUpstream(scope: Scope): Promise<number> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${name}_temp;`)
    .join(' ');
  const server = `server { listen 127.0.0.1:${port}; large_client_header_buffers 4 32k; keepalive_requests 1000000; location / { default_type application/json; return 200 '{"id":1}'; } }`;
  const text = `pid nginx.pid; error_log stderr crit; worker_processes 1; events {} http { access_log off; ${temporary} ${server} }`;
  const folder = await unpack([{ path: 'nginx/nginx.conf', text }], scope);
  const cwd = join(folder, 'nginx');
  const running = await startServer({
    command: await programOf('nginx'),
    args: ['-p', `${cwd}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
    cwd,
    ready: { port },
  });
  scope.defer(() => running.stop());
  return port;
}
