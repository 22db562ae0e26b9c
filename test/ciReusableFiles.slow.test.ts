import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, loadAll } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { expecting, inRepository, LIVE, labelIn, SPEC, withoutInstall } from './support/ciRepository.ts';

// What others name instead of copying it: the action for GitHub, the component for GitLab, the hooks of pre-commit.

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface Input {
  readonly default?: string;
  readonly description?: string;
}

interface Step {
  readonly name: string;
  readonly run: string;
  readonly if?: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, Input>>;
  readonly runs: { readonly steps: readonly Step[] };
}

const actionText = read('.github/actions/postern/action.yml');
const action = load(actionText) as Action;

/** The lines of the steps that run with these inputs, each with its variables, as the runner makes them. */
function actionLines(given: Readonly<Record<string, string>>): string[] {
  const inputs = (text: string) =>
    text.replace(
      /\$\{\{ inputs\.([\w-]+) \}\}/g,
      // Where there is no pull request, an expression has no value.
      (_, name: string) => given[name] ?? action.inputs[name]?.default?.replace(/^\$\{\{.*/, '') ?? '',
    );
  const runs = ({ if: condition = '' }: Step) =>
    !(condition.includes("inputs.base != ''") && (given['base'] ?? '') === '');
  const [install, ...steps] = action.runs.steps;
  assert.match(install?.run ?? '', 'npm install');
  return steps.filter(runs).map(({ run, env }) => {
    const variables = Object.entries(env).map(([name, value]) => `export ${name}=${JSON.stringify(inputs(value))}`);
    return `(\n${[...variables, run].join('\n')})`;
  });
}

const [header, jobs] = loadAll(read('templates/postern.yml')) as [
  { readonly spec: { readonly inputs: Readonly<Record<string, Input>> } },
  Readonly<Record<string, { readonly script: readonly string[] }>>,
];
const componentLines = (...names: string[]) =>
  names
    .flatMap((name) => withoutInstall(jobs[name]?.script ?? []))
    .map((line) => line.replaceAll('$POSTERN_SPEC', '.'));

const reusable = suite('what others name');

const WIDER = SPEC.replace('- GET /api/v4/user', '- GET,PUT /api/v4/user');
for (const [system, lines] of [
  ['the action for GitHub', actionLines({ base: 'origin/main' })],
  ['the action for GitHub, with proofs', actionLines({ base: 'origin/main', prove: 'true' })],
  ['the component for GitLab', componentLines('postern:files', 'postern:access')],
  [
    'the component for GitLab, with proofs',
    ['export POSTERN_PROVE=true', ...componentLines('postern:files', 'postern:access')],
  ],
] as const)
  reusable(`${system}: green in sync, red on a hand edit, on a widening and where nothing can be told`, () =>
    inRepository(({ run, write, read: text }) => {
      const expected = expecting(run, lines);
      expected(0);
      write(LIVE, text(LIVE).replace('cache 30', 'cache 60'));
      expected(1, /edited by hand/);
      write('postern.yaml', WIDER);
      run(['postern generate --force']);
      expected(1, /newly allowed: PUT \/api\/v4\/user/);
      write('postern.yaml', SPEC.replace('version: 1', 'version: 2'));
      expected(1, /version/);
    }),
  );

reusable('the action passes a widening that somebody has looked at, and compares nothing without a base', () =>
  inRepository(({ run, write, read: text }) => {
    write('postern.yaml', WIDER);
    run(['postern generate']);
    const lines = actionLines({ base: 'origin/main' });
    assert.is(run(lines).status, 1);
    const reviewed = run(actionLines({ base: 'origin/main', labels: labelIn(text('../summary.md')) }));
    assert.is(reviewed.status, 0, reviewed.text);
    assert.match(text('../summary.md'), /newly allowed: PUT \/api\/v4\/user/);
    assert.is(run(actionLines({ base: '' })).status, 0);
  }),
);

reusable('no expression of either is put into a shell line, and each names inputs that there are', () => {
  for (const { run } of action.runs.steps) assert.not.match(run, /\$\{\{/);
  for (const { script } of Object.values(jobs)) for (const line of script ?? []) assert.not.match(line, /\$\[\[/);
  const named = (text: string) => new Set([...text.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name));
  assert.equal([...named(actionText)].sort(), Object.keys(action.inputs).sort());
  assert.equal([...named(read('templates/postern.yml'))].sort(), Object.keys(header.spec.inputs).sort());
  for (const { description, default: absent } of [
    ...Object.values(action.inputs),
    ...Object.values(header.spec.inputs),
  ])
    assert.ok(description ?? absent);
});

reusable('each hook is a command that passes in sync', () =>
  inRepository(({ run }) => {
    const hooks = load(read('.pre-commit-hooks.yaml')) as readonly { readonly entry: string }[];
    assert.is(hooks.length, 4);
    run(['postern fmt', 'postern generate']);
    for (const { entry } of hooks) {
      const { status, text } = run([entry]);
      assert.is(status, entry.startsWith('postern lint') ? 1 : 0, `${entry}\n${text}`);
    }
  }),
);

reusable.run();
