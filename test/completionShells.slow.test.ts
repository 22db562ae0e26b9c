import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

// What somebody gets who presses TAB, from the shells themselves.

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const COMMAND = `'${process.execPath}' --import '${import.meta.resolve('tsx')}' '${cli}'`;

/** A line that ends where TAB is pressed, with what it becomes. */
const LINES = [
  ['postern keys rotate pa', 'postern keys rotate partner'],
  ['postern explain GET /a --key=pa', 'postern explain GET /a --key=partner'],
  ['postern generate --prov', 'postern generate --prove'],
  ['postern generate --target bottlerocket,cor', 'postern generate --target bottlerocket,coredns'],
  ['postern learn --within oth', 'postern learn --within other.yaml'],
  ['postern validate --allow-expired oth', 'postern validate --allow-expired other.yaml'],
] as const;

const inShell = (work: (workspace: Workspace) => void) =>
  inWorkspace(async (workspace) => {
    workspace.write('other.yaml', workspace.read('postern.yaml'));
    for (const shell of ['bash', 'zsh', 'fish'])
      workspace.write(`script.${shell}`, (await workspace.run(`completion ${shell}`)).stdout);
    work(workspace);
  });

const run = (program: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', env: { ...process.env, ...env }, timeout: 120_000 });

const { test, engines } = await engineSuite('completion', ['zsh', 'fish']);

test('by fish', () =>
  inShell(({ path, write }) => {
    const own = join(dirname(engines.fish.path), 'root/usr/share/fish/functions');
    const functions = existsSync(own) ? `set -p fish_function_path '${own}'\n` : '';
    const asked = LINES.map(([line]) => `complete -C '${line}'; echo .\n`).join('');
    write('ask.fish', `${functions}function postern; ${COMMAND} $argv; end\nsource script.fish\n${asked}`);
    const offered = run(engines.fish.path, ['--no-config', 'ask.fish'], path, { HOME: path, XDG_CONFIG_HOME: path });
    assert.equal(
      offered
        .split('.\n')
        .slice(0, -1)
        .map((words) => words.replace(/\t.*/g, '').trim()),
      LINES.map(([, whole]) => whole.split(' ').at(-1)),
    );
  }));

// One shell reads the script, the other finds it as a file on fpath, where its first TAB has to work too.
for (const [how, load] of [
  ['read at start', 'source ./script.zsh'],
  ['on fpath', 'mkdir -p f; cp script.zsh f/_postern; fpath+=($PWD/f); compinit -u -D'],
] as const)
  test(`by zsh, ${how}`, () =>
    inShell(({ path, write }) => {
      const own = join(dirname(engines.zsh.path), 'root/usr');
      const modules = existsSync(own)
        ? `module_path=('${own}'/lib/*/zsh/*(/)); zmodload zsh/zle zsh/complete zsh/compctl; setopt zle; fpath=('${own}'/share/zsh/functions/**/(/N));`
        : '';
      const postern = `postern() { if [[ $1 == --complete ]]; then ${COMMAND} "$@"; else print -r -- "RAN postern $*"; fi }`;
      write(
        'start.zsh',
        `${modules} PS1='> '; autoload -Uz compinit; compinit -u -D; ${postern}; ${load}; echo READY\n`,
      );
      const press = LINES.map(
        ([line]) => `zpty -w -n z '${line}'$'\\t\\n'; zpty -r z out '*RAN *\n'; print -r -- "$out"\n`,
      ).join('');
      const begin = `${modules} zmodload zsh/zpty; zpty z '${engines.zsh.path}' -f -i; zpty -w z 'source ./start.zsh'; zpty -r z out '*READY*'\n`;
      write('ask.zsh', `${begin}${press}`);
      const said = run(engines.zsh.path, ['-f', 'ask.zsh'], path, { HOME: path, TERM: 'dumb' });
      assert.equal(
        [...said.matchAll(/^RAN (.*?)\s*$/gm)].map(([, line]) => line),
        LINES.map(([, whole]) => whole),
      );
    }));

test('by bash', () =>
  inShell(({ path, write }) => {
    const asked = LINES.map(([line]) => {
      // What bash makes of a line before it asks: "=" is a word.
      const words = line.replace('=', ' = ').split(' ').filter(Boolean);
      return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _postern; echo "\${COMPREPLY[*]}"\n`;
    }).join('');
    write('ask.bash', `postern() { ${COMMAND} "$@"; }; . ./script.bash\n${asked}`);
    assert.equal(
      run('bash', ['ask.bash'], path).split('\n').slice(0, -1),
      // Files are offered by bash itself.
      ['partner', 'partner', '--prove', 'bottlerocket,coredns', '', ''],
    );
  }));

test.run();
