import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { startEngine } from '../../src/verify/engines.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { type Answer, type Recorded, startRecorder } from '../../src/verify/recorder.ts';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { proxyEngines, writeGenerated } from './generated.ts';

const KEY = 'client-key-0123456789abcdef0123456789';
const TOKEN = 'glpat-upstream-0123456789';
const script = fileURLToPath(new URL('../../examples/gitlab-flow/autoMergeRequest.sh', import.meta.url));

const { test, engines } = await engineSuite('GitLab Flow through the allowlist', ['caddy', 'nginx']);

for (const engine of proxyEngines) {
  test(
    `the script opens one merge request through ${engine}, and no second one`,
    scoped(async (scope) => {
      const opened: string[] = [];
      const answer = ({ method, body }: Recorded): Answer => {
        if (method !== 'POST') return { body: `[${opened.join(',')}]` };
        opened.push(JSON.stringify(JSON.parse(body.toString())));
        return { status: 201, body: '{"iid":1}' };
      };
      const gitlab = await startRecorder({ answer });
      scope.defer(() => gitlab.close());
      const port = await freePort();
      const spec = {
        include: [{ preset: 'gitlab/gitlab-flow@1' }],
        upstreams: { gitlab: { url: `http://127.0.0.1:${gitlab.port}` } },
        apiKeys: { pipelines: { key: 'env:POSTERN_KEY', token: 'env:POSTERN_TOKEN', routes: ['gitlab-flow'] } },
        proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: ['127.0.0.0/8'], routes: ['gitlab-flow'] } },
        targets: { [engine]: {} },
      };
      const generated = await writeGenerated(spec, { 'env:POSTERN_KEY': KEY, 'env:POSTERN_TOKEN': TOKEN }, scope);
      const server = await startEngine(proxyTarget(engine), {
        program: engines[engine].path,
        folder: generated.path,
        ready: () => accepts(port),
      });
      scope.defer(() => server.stop());
      const env = {
        ...process.env,
        CI_PROJECT_URL: `http://127.0.0.1:${port}/group/app`,
        CI_PROJECT_ID: '7',
        CI_COMMIT_REF_NAME: 'feature/one',
        TARGET_BRANCH: 'main',
        GITLAB_USER_MAILINGLIST_ID: '3',
        PRIVATE_TOKEN: KEY,
      };
      assert.match(await mustRun('bash', [script], { env }), /Opened a new merge request: Deployment to main/);
      assert.match(await mustRun('bash', [script], { env }), /No new merge request opened/);
      assert.equal(
        gitlab.requests.map(({ method, target }) => `${method} ${target}`),
        [
          'GET /api/v4/projects/7/merge_requests?state=opened',
          'POST /api/v4/projects/7/merge_requests',
          'GET /api/v4/projects/7/merge_requests?state=opened',
        ],
      );
      assert.ok(gitlab.requests.every((request) => request.field('private-token') === TOKEN));
      const call = (method: string, path: string) =>
        fetch(`http://127.0.0.1:${port}/api/v4${path}`, { method, headers: { 'PRIVATE-TOKEN': KEY } });
      assert.is((await call('PUT', '/projects/7/merge_requests/1/merge')).status, 404);
      assert.is((await call('GET', '/projects/7/variables')).status, 404);
      assert.is(gitlab.requests.length, 3);
    }),
  );
}
test.run();
