import * as assert from 'uvu/assert';
import { freePorts } from '../../../src/verify/ports.ts';
import { startRecorder } from '../../../src/verify/recorder.ts';
import { engineSuite } from '../../engines/suite.ts';
import { endOf, HALF_BODIES } from '../../support/patience.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { runCaddy } from './engine.ts';

const { test, engines } = await engineSuite('caddy: patience', ['caddy']);

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
    const cases: (readonly [name: string, port: number, text: string, most: number])[] = HALF_BODIES.flatMap((body) => [
      ['of a refused address', closed, `POST /in HTTP/1.1\r\nHost: x\r\n${body}`, 4],
      ['of an unknown path', api, `POST /none HTTP/1.1\r\nHost: x\r\n${body}`, 4],
      ['of what is answered here', api, `POST /own HTTP/1.1\r\nHost: x\r\n${body}`, 4],
      ['of what is forwarded', api, `POST /in HTTP/1.1\r\nHost: x\r\n${body}`, 16],
      ['for no site', site, `POST /in HTTP/1.1\r\nHost: x\r\n${body}`, 4],
    ]);
    const heads = [api, closed, site].map((port) => ['half a head', port, 'GET / HTTP/1.1\r\nHost: x', 12] as const);
    await Promise.all(
      [...cases, ...heads].map(async ([name, port, text, most]) => {
        const { seconds } = await endOf(port, text);
        assert.ok(seconds < most, `${name} ${text}: ${seconds} s`);
      }),
    );
  }),
);

test.run();
