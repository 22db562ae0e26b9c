import { once } from 'node:events';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { freePorts } from '../../../src/verify/ports.ts';
import { startRecorder } from '../../../src/verify/recorder.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { runCaddy } from './engine.ts';

const { test, engines } = await engineSuite('caddy: patience', ['caddy']);

/** Seconds until the other side ends the connection, and what it said. */
async function waited(port: number, text: string): Promise<{ seconds: number; answer: string }> {
  const started = performance.now();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return { seconds: (performance.now() - started) / 1000, answer };
}

test(
  'half a head and half a body end, of whoever sends them',
  scoped(async (scope) => {
    const upstream = await startRecorder();
    scope.defer(() => upstream.close());
    const [api = 0, closed = 0, site = 0] = await freePorts(3);
    const policy = policyOf({
      upstreams: {
        up: { url: 'http://up.example.com', servers: [`127.0.0.1:${upstream.port}`], timeouts: { send: '12s' } },
      },
      routes: { all: { upstream: 'up', auth: 'passthrough', maxBody: '64kB', allow: ['POST /in'] } },
      proxies: {
        api: { listen: `127.0.0.1:${api}`, ipRanges: 'any', answer: [{ request: 'POST /own', status: 200 }] },
        closed: { listen: `127.0.0.1:${closed}`, ipRanges: ['10.0.0.0/8'] },
      },
      domainRewrites: [{ from: 'up.example.com', to: 'up.internal', upstream: 'up' }],
    });
    const options = { sites: { listen: site, tls: 'off' } };
    await runCaddy({ policy, program: engines.caddy.path, options, ports: [api, closed, site] }, scope);
    const bodies = ['Content-Length: 20\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n14\r\nhalf'];
    const cases: (readonly [name: string, port: number, text: string, most: number])[] = bodies.flatMap((body) => [
      ['of a refused address', closed, `POST /in HTTP/1.1\r\nHost: x\r\n${body}`, 12],
      ['of an unknown path', api, `POST /none HTTP/1.1\r\nHost: x\r\n${body}`, 12],
      ['of what is answered here', api, `POST /own HTTP/1.1\r\nHost: x\r\n${body}`, 12],
      ['of what is forwarded', api, `POST /in HTTP/1.1\r\nHost: x\r\n${body}`, 16],
      ['for no site', site, `POST /in HTTP/1.1\r\nHost: x\r\n${body}`, 12],
    ]);
    const heads = [api, closed, site].map((port) => ['half a head', port, 'GET / HTTP/1.1\r\nHost: x', 12] as const);
    await Promise.all(
      [...cases, ...heads].map(async ([name, port, text, most]) => {
        const { seconds } = await waited(port, text);
        assert.ok(seconds < most, `${name} ${text}: ${seconds} s`);
      }),
    );
  }),
);

test.run();
