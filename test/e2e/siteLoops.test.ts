import * as assert from 'uvu/assert';
import { freePorts } from '../../src/verify/ports.ts';
import { openConnection } from '../../src/verify/raw.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { policyOf } from '../support/policy.ts';
import { scoped } from '../support/scoped.ts';
import { runCaddy } from '../targets/caddy/engine.ts';
import { runNginx } from '../targets/nginx/engine.ts';
import type { ProxyEngine } from './generated.ts';

const { test, engines } = await engineSuite('sites that lead to each other', ['nginx', 'caddy']);

interface Site {
  readonly name: string;
  readonly engine: ProxyEngine;
  readonly port: number;
  readonly next: number;
}

/** Starts a site whose upstream is another one. */
async function start({ name, engine, port, next }: Site, scope: Scope): Promise<void> {
  const policy = policyOf({
    name,
    upstreams: { gitlab: { url: 'http://gitlab.example.com', servers: [`127.0.0.1:${next}`] } },
    domainRewrites: [{ from: 'gitlab.example.com', to: 'gitlab.private.example.com', upstream: 'gitlab' }],
  });
  const given = { policy, options: { sites: { listen: port, tls: 'off' } }, ports: [port] };
  if (engine === 'nginx') await runNginx({ ...given, program: engines.nginx.path }, scope);
  else await runCaddy({ ...given, program: engines.caddy.path }, scope);
}

for (const chain of [
  ['nginx', 'caddy'],
  ['caddy', 'nginx'],
  ['caddy', 'caddy', 'nginx'],
  ['nginx', 'nginx', 'caddy'],
] as const) {
  test(
    `${chain.join(' to ')} and back ends`,
    scoped(async (scope) => {
      const ports = await freePorts(chain.length);
      const [first = 0] = ports;
      for (const [index, engine] of chain.entries()) {
        const [port = 0, next = first] = ports.slice(index);
        await start({ name: `site-${index}`, engine, port, next }, scope);
      }
      const connection = await openConnection({ port: first });
      scope.defer(async () => connection.close());
      const response = await connection.send('GET / HTTP/1.1\r\nHost: gitlab.private.example.com\r\n\r\n');
      assert.is(response.status, 508);
    }),
  );
}

test.run();
