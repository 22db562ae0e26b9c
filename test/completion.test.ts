import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EXAMPLES } from '../src/commands/examples.ts';
import { inWorkspace } from './support/workspace.ts';

const completes = suite('completion');

completes('ids of the spec, codes and kinds', () =>
  inWorkspace(async ({ runArgs, write, read }) => {
    const offered = async (...words: string[]) => {
      const { status, stdout } = await runArgs(['--complete', 'postern', ...words]);
      assert.is(status, 0);
      return stdout.trim().split('\n');
    };
    assert.equal(await offered('explain', 'GET', '/a', '--key', ''), ['partner']);
    assert.equal(await offered('explain', 'GET', '/a', '--proxy', 'a'), ['api']);
    assert.equal(await offered('generate', '--target', ''), ['bottlerocket', 'coredns']);
    assert.equal(await offered('keys', 'rotate', ''), ['partner']);
    assert.equal(await offered('ranges', 'update', ''), ['partner']);
    assert.ok((await offered('lint', '--explain', '')).includes('rule/form-body'));
    assert.ok((await offered('import', '')).includes('caddyfile'));
    assert.ok((await offered('show', '--preset', '')).includes('gitlab/read-only@1'));
    write('other.yaml', read('postern.yaml').replaceAll('partner: { key', 'other: { key'));
    assert.equal(await offered('explain', 'GET', '/a', '--spec', 'other.yaml', '--key', ''), ['other']);
    write('postern.yaml', ': : broken');
    assert.equal(await offered('explain', 'GET', '/a', '--key', ''), ['']);
  }),
);

completes('commands, options, choices and parts of a list; nothing where a file may be', () =>
  inWorkspace(async ({ runArgs }) => {
    const offered = async (...words: string[]) =>
      (await runArgs(['--complete', 'postern', ...words])).stdout.trim().split('\n');
    assert.ok((await offered('')).includes('generate'));
    assert.equal(await offered('-'), ['--help', '--version']);
    assert.equal(await offered('test', '--'), [
      ...['--changed-since', '--coverage', '--fail-under', '--format'],
      ...['--help', '--version'],
    ]);
    assert.equal(await offered('lint', '--fail-on', ''), ['error', 'warning', 'note']);
    assert.equal(await offered('lint', '--fail-on='), ['--fail-on=error', '--fail-on=warning', '--fail-on=note']);
    assert.equal(await offered('lint', '--fail-on', '=', 'w'), ['error', 'warning', 'note']);
    assert.equal(await offered('generate', '--target', 'coredns,'), ['coredns,bottlerocket', 'coredns,coredns']);
    assert.equal(await offered('keys', ''), ['rotate', 'retire']);
    assert.ok((await offered('explain', '--key', 'partner', '')).includes('GET'));
    for (const words of [['validate'], ['import', 'nginx'], ['learn', '--within'], ['generate', '--watch'], ['nosuch']])
      assert.equal(await offered(...words, ''), [''], words.join(' '));
  }),
);

for (const [shell, check] of [
  ['bash', ['bash', '-n']],
  ['zsh', ['zsh', '-n']],
  ['fish', ['fish', '--no-execute']],
] as const)
  completes(`the script for ${shell} asks for the words, and the shell takes it where it is here`, () =>
    inWorkspace(async ({ run, write, path }) => {
      const { status, stdout } = await run(`completion ${shell}`);
      assert.is(status, 0);
      assert.match(stdout, /postern --complete /);
      write('script', stdout);
      const [program, option] = check;
      const done = spawnSync(program, [option, `${path}/script`], { encoding: 'utf8' });
      if (done.error === undefined) assert.is(done.status, 0, done.stderr);
    }),
  );

completes('bash offers what fits', () =>
  inWorkspace(async ({ run, write, path }) => {
    write('script', (await run('completion bash')).stdout);
    const asked =
      'postern() { printf "partner\\nother\\n"; }; . ./script; COMP_WORDS=(postern explain --key pa); COMP_CWORD=3; _postern; echo "${COMPREPLY[*]}"';
    const { stdout, error } = spawnSync('bash', ['-c', asked], { cwd: path, encoding: 'utf8' });
    if (error === undefined) assert.is(stdout.trim(), 'partner');
  }),
);

completes('each command has an example, and each example is a command with options that it has', () =>
  inWorkspace(async ({ runArgs }) => {
    const { log } = console;
    let help = '';
    const helpOf = async (...line: string[]) => {
      help = '';
      console.log = (words: string) => {
        help += `${words}\n`;
      };
      await runArgs([...line, '--help']).finally(() => {
        console.log = log;
      });
      return help;
    };
    const names = [...(await helpOf()).matchAll(/^ {2}postern ([\w-]+)/gm)].map(([, name = '']) => name);
    assert.equal(Object.keys(EXAMPLES).sort(), names.sort());
    for (const [name, examples] of Object.entries(EXAMPLES)) {
      const text = await helpOf(name);
      for (const [line, what] of examples) {
        assert.ok(line.startsWith(`postern ${name}`), line);
        assert.ok(text.replace(/\s+/g, ' ').includes(what), `${name}: ${what}`);
        for (const [, option] of line.matchAll(/ (--[\w-]+)/g))
          assert.match(text.replace(/\nExamples:[\s\S]*/, ''), new RegExp(`^ +${option}\\b`, 'm'), line);
      }
    }
  }),
);

completes.run();
