import { statSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/index.ts';
import { bottlerocketOptions } from '../src/targets/bottlerocket/options.ts';
import { corednsOptions } from '../src/targets/coredns/options.ts';
import { targets } from '../src/targets/index.ts';
import { demoRanges, demoSpec } from './support/demo.ts';
import { inWorkspace } from './support/workspace.ts';

// `npm test` runs the command as it is built, in which templates are code; the library reads and compiles them.
const bundle = suite('the command writes what the library makes');

const tls = { certFile: '/etc/postern/tls/sites.pem', keyFile: '/etc/postern/tls/sites.key' };

/** A pod serves no sites and keeps no log file, so that it has a spec of its own. */
const together = targets.filter(({ name }) => name !== 'kubernetes');

/** A spec of all these targets, those that have forms in one of them each. */
function specWith(forms: Readonly<Record<string, string | undefined>>): string {
  const sites = { nginx: { version: '1.30', writable: '/run/postern', sites: { tls } }, caddy: { sites: { tls } } };
  const given: Readonly<Record<string, object>> = {
    ...sites,
    ipRanges: {
      forms: ['lists', 'networkPolicies'],
      open: { api: { sets: ['partner'], ports: [8080], pods: { app: 'x' } } },
    },
    gitlabRunner: {
      url: 'https://gitlab.example.com',
      secret: 'token',
      image: 'alpine',
      imageBuilders: ['containers'],
    },
    vault: { stores: { secret: 2 } },
    coredns: forms['coredns'] === 'nodeLocal' ? { bind: ['169.254.20.10'] } : {},
  };
  const options = (name: string) => ({ ...given[name], form: forms[name] });
  const all = Object.fromEntries(together.map(({ name }) => [name, options(name)]));
  // Docker can mirror no other registry.
  const spec = demoSpec.replaceAll('registry.example.com', 'docker.io');
  const alive = spec.replace('api: { listen: 8080,', 'api: { listen: 8080, health: /healthz,');
  const stored = alive.replace('file:token.txt', 'vault:secret/data/gitlab#token');
  return withTargets(stored, all);
}

function withTargets(spec: string, all: object): string {
  return spec.replace(/^targets:\n(?: .*\n)+/m, `targets: ${JSON.stringify(all)}\n`);
}

/** The pods of an engine. */
function podSpec(engine: 'nginx' | 'caddy'): string {
  const options = { writable: '/run/postern', accessLog: 'stdout', ...(engine === 'nginx' && { version: '1.30' }) };
  const image = `${engine}@sha256:${'0'.repeat(64)}`;
  const kubernetes = { engine, image, clientAddress: 'localTrafficPolicy' };
  const spec = demoSpec.replace('api: { listen: 8080,', 'api: { listen: 8080, health: /healthz,');
  return withTargets(spec.replace(/, upstream: gitlab }/g, ' }'), { [engine]: options, kubernetes });
}

async function areSame(text: string, names: readonly string[]): Promise<void> {
  await inWorkspace(async ({ run, read, write }) => {
    const { files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => demoRanges });
    assert.ok(files, JSON.stringify(diagnostics));
    assert.equal([...new Set(files.map((file) => file.target))].sort(), [...names, 'postern'].sort());
    write('postern.yaml', text);
    const { status, stderr } = await run('generate');
    assert.is(status, 0, stderr);
    for (const file of files) assert.is(read(`generated/${file.path}`), file.text, file.path);
  });
}

const bottlerocket = bottlerocketOptions.shape.form.unwrap().options;
for (const [index, coredns] of corednsOptions.shape.form.unwrap().options.entries()) {
  const forms = { coredns, bottlerocket: bottlerocket[index % bottlerocket.length] };
  const names = together.map(({ name }) => name);
  bundle(Object.values(forms).join(', '), () => areSame(specWith(forms), names));
}
for (const engine of ['nginx', 'caddy'] as const)
  bundle(`${engine} in pods`, () => areSame(podSpec(engine), [engine, 'kubernetes']));

bundle('it may be run, also after a second build', () => {
  assert.is(statSync(new URL('../dist/cli.js', import.meta.url)).mode & 0o111, 0o111);
});
bundle.run();
