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

/** A spec of every target, those that have forms in one of them each. */
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
    kubernetes: { image: `nginx@sha256:${'0'.repeat(64)}`, clientAddress: 'localTrafficPolicy' },
    vault: { stores: { secret: 2 } },
    coredns: forms['coredns'] === 'nodeLocal' ? { bind: ['169.254.20.10'] } : {},
  };
  const options = (name: string) => ({ ...given[name], form: forms[name] });
  const all = Object.fromEntries(targets.map(({ name }) => [name, options(name)]));
  // Docker can mirror no other registry.
  const spec = demoSpec.replaceAll('registry.example.com', 'docker.io');
  const alive = spec.replace('api: { listen: 8080,', 'api: { listen: 8080, health: /healthz,');
  const stored = alive.replace('file:token.txt', 'vault:secret/data/gitlab#token');
  return stored.replace(/^targets:\n(?: .*\n)+/m, `targets: ${JSON.stringify(all)}\n`);
}

const bottlerocket = bottlerocketOptions.shape.form.unwrap().options;
for (const [index, coredns] of corednsOptions.shape.form.unwrap().options.entries()) {
  const forms = { coredns, bottlerocket: bottlerocket[index % bottlerocket.length] };
  bundle(Object.values(forms).join(', '), () =>
    inWorkspace(async ({ run, read, write }) => {
      const text = specWith(forms);
      const { files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => demoRanges });
      assert.ok(files, JSON.stringify(diagnostics));
      assert.equal(
        [...new Set(files.map((file) => file.target))].sort(),
        [...targets.map(({ name }) => name), 'postern'].sort(),
      );
      write('postern.yaml', text);
      const { status, stderr } = await run('generate');
      assert.is(status, 0, stderr);
      for (const file of files) assert.is(read(`generated/${file.path}`), file.text, file.path);
    }),
  );
}
bundle('it may be run, also after a second build', () => {
  assert.is(statSync(new URL('../dist/cli.js', import.meta.url)).mode & 0o111, 0o111);
});
bundle.run();
