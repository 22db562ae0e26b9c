import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importers, specText } from '../src/commands/import.ts';
import { compile } from '../src/compile.ts';
import { randomOf } from '../src/verify/random.ts';
import { handWrittenProxy } from './support/handWritten.ts';
import { inWorkspaceHere } from './support/workspace.ts';

const corefile = `.:53 {
  errors
  rewrite stop {
    name suffix .pages.example.com .pages.privatelink.example.com answer auto
  }
  rewrite name exact gitlab.example.com gitlab.privatelink.example.com
  rewrite name regex (.*)\\.a\\.example {1}.b.example
  rewrite type ANY A
  forward . /etc/resolv.conf
}
`;
const SEEDS: Readonly<Record<string, string>> = {
  nginx: Object.values(handWrittenProxy())
    .filter((text) => !/\brewrite \^|PRIVATE_TOKEN/.test(text))
    .slice(0, 3)
    .map((text) => `server { listen 80; allow 192.0.2.1; deny all; ${text} }`)
    .join('\n'),
  openapi: JSON.stringify({
    openapi: '3.0.0',
    servers: [{ url: 'https://a.example.com' }],
    paths: { '/a/{b}': { get: { parameters: [{ name: 'b', in: 'path', schema: { $ref: '#/x' } }] } } },
    x: { type: 'integer' },
  }),
  corefile,
  'gitlab-runner': readFileSync(new URL('targets/gitlabRunner/old.yaml', import.meta.url), 'utf8'),
};

const any = suite('import');

any('names of a Corefile become domain rewrites, and the rest of it is listed', () =>
  inWorkspaceHere(async ({ runArgs, write, run }) => {
    const { status, stdout, stderr } = await runArgs(['import', 'corefile', '-'], { input: corefile });
    assert.is(status, 1, stderr);
    assert.match(stdout, /from: "\*\.pages\.example\.com", to: "\*\.pages\.privatelink\.example\.com"/);
    assert.match(stderr, /<stdin>:7: rewrite: a part of a name is no name/);
    assert.match(stderr, /<stdin>:9: forward: /);
    write('postern.yaml', stdout);
    assert.is((await run('validate')).status, 0);
    assert.is((await run('explain dns gitlab.example.com')).status, 0);
  }),
);

/** What becomes of a text: never an exception, never a spec that is not valid, never longer than a second for 100 KB. */
function survives(kind: string, text: string): void {
  const importer = importers().find((one) => one.kind === kind);
  const start = performance.now();
  const imported = importer?.read([{ name: 'file', text }]);
  const took = performance.now() - start;
  assert.ok(took < 5_000 + text.length / 20, `${kind}: ${Math.round(took)} ms\n${text.slice(0, 2_000)}`);
  if (!imported || 'problem' in imported) return void assert.ok(imported);
  const { diagnostics } = compile(specText(imported), { file: 'imported.yaml', read: () => undefined });
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  assert.equal(errors, [], `${kind}:\n${text.slice(0, 4_000)}`);
}

for (const [kind, seed] of Object.entries(SEEDS)) {
  any(`${kind}: whatever is broken in a file, a spec or a place comes out`, () => {
    survives(kind, seed);
    for (let round = 0; round < 60; round++) {
      const random = randomOf(`${kind} ${round}`);
      let text = seed;
      for (let count = 0; count <= random.below(4); count++) {
        const at = random.below(text.length + 1);
        const length = random.below(12);
        const more = random.pick([
          '',
          '{',
          '}',
          ';',
          '"',
          '\\',
          '(',
          '.*',
          '\n',
          '$',
          '\0',
          'é',
          '#',
          ':',
          ',',
          '[',
          '1e9',
          text.slice(at, at + 40),
        ]);
        text = text.slice(0, at) + more + text.slice(at + length);
      }
      survives(kind, text);
    }
  });
}

const corpus = fileURLToPath(new URL('../../shared/corpora/corefile/', import.meta.url));
any('every published Corefile ends in a spec or a reason', () => {
  const names = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith('.corefile')) : [];
  for (const name of names) survives('corefile', readFileSync(`${corpus}${name}`, 'utf8'));
});

any.run();
