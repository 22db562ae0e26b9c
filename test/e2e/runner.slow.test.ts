import * as assert from 'uvu/assert';
import { startEngine } from '../../src/verify/engines.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { type Answer, type Recorded, type Recorder, startRecorder } from '../../src/verify/recorder.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { exampleSpec } from './exampleSpec.ts';
import { type ProxyEngine, proxyEngines, writeGenerated } from './generated.ts';

const { test, engines } = await engineSuite("a runner's API", ['caddy', 'nginx']);

const STORAGE = 'https://objects.example.net/artifacts/1?signature=x';

/** GitLab's answers to a runner that has one job. */
const answers: Readonly<Record<string, Answer>> = {
  'POST /api/v4/jobs/request': { status: 201, fields: [['X-GitLab-Last-Update', 'abc']], body: '{"id":1}' },
  'PATCH /api/v4/jobs/1/trace?debug_trace=false': {
    status: 202,
    fields: [
      ['Job-Status', 'running'],
      ['Range', '0-11'],
      ['X-GitLab-Trace-Update-Interval', '3'],
    ],
    body: '202',
  },
  'POST /api/v4/jobs/1/artifacts?artifact_format=zip&artifact_type=archive': { status: 201 },
  'GET /api/v4/jobs/1/artifacts?direct_download=true': { status: 302, fields: [['Location', STORAGE]], body: '' },
  'PUT /api/v4/jobs/1': { status: 200, body: '200' },
};

const keyOf = ({ method, target }: Recorded) => `${method} ${target}`;

async function start(engine: ProxyEngine, scope: Scope): Promise<{ url: string; gitlab: Recorder }> {
  const gitlab = await startRecorder({ answer: (request) => answers[keyOf(request)] ?? { status: 404 } });
  scope.defer(() => gitlab.close());
  const port = await freePort();
  const spec = exampleSpec('runner');
  spec.upstreams['gitlab'] = { url: 'http://gitlab.example.com', servers: [`127.0.0.1:${gitlab.port}`] };
  const clientIp = { trustedProxies: ['127.0.0.1'] };
  spec.proxies['runners'] = { ...spec.proxies['runners'], listen: `127.0.0.1:${port}`, clientIp };
  const generated = await writeGenerated({ ...spec, targets: { [engine]: {} } }, {}, scope);
  const ready = () => accepts(port);
  const server = await startEngine(proxyTarget(engine), {
    program: engines[engine].path,
    folder: generated.path,
    ready,
  });
  scope.defer(() => server.stop());
  return { url: `http://127.0.0.1:${port}`, gitlab };
}

const JOB = { 'JOB-TOKEN': 'glcbt-64_0123456789' };
const TRACE = { ...JOB, 'Content-Type': 'text/plain', 'Content-Range': '0-11' };
const ARTIFACT = 20 * 1024 * 1024;

for (const engine of proxyEngines) {
  test(
    `one job from the request to its end, through ${engine}`,
    scoped(async (scope) => {
      const { url, gitlab } = await start(engine, scope);
      const ask = async (line: string, headers: Readonly<Record<string, string>>, body?: string | FormData) => {
        const [method = '', target = ''] = line.split(' ');
        // The load balancer in front says who is asking, and a runner has no business with Sudo.
        const all = { ...headers, 'X-Forwarded-For': '198.51.100.17', Sudo: 'root' };
        const given = { method, headers: all, redirect: 'manual' as const, ...(body === undefined ? {} : { body }) };
        const response = await fetch(`${url}${target}`, given);
        assert.is(response.status, answers[line]?.status, line);
        for (const [name, value] of answers[line]?.fields ?? []) assert.is(response.headers.get(name), value);
      };
      const json = { 'Content-Type': 'application/json' };
      const token = { 'RUNNER-TOKEN': 'glrt-0123456789' };
      await ask('POST /api/v4/jobs/request', { ...json, ...token }, '{"token":"glrt-0123456789"}');
      await ask('PATCH /api/v4/jobs/1/trace?debug_trace=false', TRACE, 'hello, world');
      const form = new FormData();
      form.set('file', new Blob([Buffer.alloc(ARTIFACT)]), 'artifacts.zip');
      await ask('POST /api/v4/jobs/1/artifacts?artifact_format=zip&artifact_type=archive', JOB, form);
      await ask('GET /api/v4/jobs/1/artifacts?direct_download=true', JOB);
      await ask('PUT /api/v4/jobs/1', json, '{"state":"success"}');
      const { requests } = gitlab;
      assert.equal(requests.map(keyOf), Object.keys(answers));
      assert.equal(
        requests.map((request) => request.field('sudo')),
        Array(5).fill(undefined),
      );
      const [request, trace, artifact] = requests;
      assert.is(request?.field('runner-token'), 'glrt-0123456789');
      for (const [name, value] of Object.entries(TRACE)) assert.is(trace?.field(name), value);
      assert.is(trace?.body.toString(), 'hello, world');
      assert.ok((artifact?.body.length ?? 0) > ARTIFACT);
      assert.is(artifact?.field('x-forwarded-for'), '198.51.100.17');
    }),
  );
}

test.run();
