import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { four, type Proxies, specOf } from './support/alikeProxies.ts';
import { proof, specFiles, told } from './support/proofs.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

const test = suite('what proxies with the same paths decide');

const DIFFERENT: Proxies = {
  a: { health: '/up' },
  b: { health: { path: '/up', from: ['192.0.2.0/24'] }, methodNotAllowed: 404 },
  c: { health: '/up', publicUrl: 'https://api.example.com' },
  d: { health: '/up', apiKeyHeader: 'X-Key' },
};

const SPEC = specOf(DIFFERENT);

for (const engine of ['nginx', 'caddy'] as const) {
  test(`${engine} decides for each of them as the spec says`, () => {
    const own = specFiles(SPEC, engine);
    for (const index of [0, 1]) assert.is(told(proof(own, index), own), 'proved');
  });

  test(`${engine}: a row that is changed is found for each of them`, () => {
    const own = specFiles(SPEC, engine);
    const [from, to] = engine === 'nginx' ? ['"GET /all" "all";', '"PUT /all" "all";'] : ['GET=all', 'PUT=all'];
    const file = own.files.find(({ path }) => /\.paths(?:\.conf)?$/.test(path) && path.startsWith(engine));
    assert.ok(file?.text.includes(from), from);
    const files = own.files.map((each) => (each === file ? { ...each, text: each.text.replace(from, to) } : each));
    for (const index of [0, 1]) assert.is.not(told(proof({ ...own, files }, index), own), 'proved');
  });
}

test.run();

const REQUESTS = Number(process.env['POSTERN_REQUESTS'] ?? 4_000);

for (const { engine, target } of proxyTargets) {
  const { test: real, engines } = await engineSuite(`proxies with the same paths on ${engine}`, [engine]);

  real('each decides as the spec says', async () => {
    const { targets: _, ...spec } = JSON.parse(
      specOf({ ...DIFFERENT, ...four('some', { routes: ['read', 'all'] }), own: {} }),
    );
    const run = await verified({ spec, target, program: engines[engine].path, requests: REQUESTS });
    assert.is(findings(run), '');
    assert.is(run.disagreements, 0);
  });

  real.run();
}
