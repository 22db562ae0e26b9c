import { readdirSync, readFileSync } from 'node:fs';
import { chdir, cwd } from 'node:process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommandLine } from '../src/commands/commandLine.ts';
import { compile } from '../src/compile.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { recordingIo } from './support/captured.ts';
import { demoRanges, demoSpec } from './support/demo.ts';

interface Asked {
  /** The exit status; what is said of a misuse counts as written to standard error. */
  readonly status: 0 | 1 | 2;
  readonly text: string;
}

/** Runs a command line in this process, because there are hundreds. */
async function ask(line: readonly string[], input = ''): Promise<Asked> {
  const { io, said } = recordingIo(input);
  const result = await runCommandLine(line, io);
  const { out, err } = said();
  return typeof result === 'object' ? { status: 2, text: result.misuse } : { status: result, text: out + err };
}

/** yargs writes help itself. */
async function helpOf(...line: string[]): Promise<string> {
  const { log } = console;
  let text = '';
  console.log = (words: string) => {
    text += `${words}\n`;
  };
  try {
    await ask([...line, '--help']);
  } finally {
    console.log = log;
  }
  return text;
}

interface Option {
  readonly name: string;
  readonly isFlag: boolean;
  readonly isList: boolean;
  readonly choice: string | undefined;
}

interface Command {
  readonly name: string;
  readonly takesSpec: boolean;
  readonly options: readonly Option[];
}

/** What yargs was told, as it says itself. */
async function commandsOf(): Promise<Command[]> {
  const names = [...(await helpOf()).matchAll(/^ {2}postern (\w+)/gm)].map(([, name = '']) => name);
  const commands: Command[] = [];
  for (const name of names.filter((one) => one !== 'completion')) {
    const help = await helpOf(name);
    const [, about = ''] = /\nOptions:\n(.*)$/s.exec(help) ?? [];
    const entries = about.split(/^ +(?:-\w, )?--/m).slice(1);
    const options = entries.map((entry) => ({
      name: /^[\w-]+/.exec(entry)?.[0] ?? '',
      isFlag: entry.includes('[boolean]'),
      isList: entry.includes('[array]'),
      choice: /\[choices: "(\w+)"/.exec(entry)?.[1],
    }));
    const takesSpec = /[[<](?:spec|words)/.test(help);
    commands.push({ name, takesSpec, options: options.filter((one) => !['help', 'version'].includes(one.name)) });
  }
  return commands;
}

/** A value that fits; an option that is not here takes any word. */
const VALUES: Readonly<Record<string, string>> = {
  'max-changes': '30%',
  'fail-under': '80',
  live: 'coredns=live.txt',
  header: 'Accept: text/plain',
  accept: 'rule/unused',
  target: 'coredns',
  engine: 'coredns',
  at: '2027-06-30',
  from: '192.0.2.1',
  type: 'A',
  reload: '["true"]',
  shard: '1/2',
  'changed-since': 'git:HEAD',
  upstream: '8080',
};
/** What an option has no meaning without. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  'fail-on': ['--base', 'git:HEAD'],
  reviewed: ['--base', 'git:HEAD'],
  reload: ['--watch'],
};
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  type: ['dns', 'a.example'],
  node: ['pull', 'a'],
  requests: [],
};

/** A command with all that it needs, and one option with its value. */
function begun({ name }: Command, option?: Option): { line: string[]; given: string[] } {
  const start = {
    secrets: ['secrets', 'render'],
    import: ['import', 'nginx', 'nginx.conf'],
    learn: ['learn', 'access.log'],
    ranges: ['ranges', 'update', 'partner', 'new.txt'],
    shadow: ['shadow', 'report'],
    keys: ['keys', option?.name === 'to' ? 'rotate' : 'retire', 'partner'],
    explain: ['explain', ...(QUESTIONS[option?.name ?? ''] ?? ['GET', '/api/v4/user'])],
  };
  const line = Object.entries(start).find(([key]) => key === name)?.[1] ?? [name];
  if (option === undefined) return { line, given: [] };
  const number = name === 'verify' && option.name === 'requests' ? '10' : undefined;
  const value = option.choice ?? number ?? VALUES[option.name] ?? 'any';
  const beside = name === 'lint' ? [] : (BESIDE[option.name] ?? []);
  return { line, given: [`--${option.name}`, ...(option.isFlag ? [] : [value]), ...beside] };
}

const commands = await commandsOf();
const pairs = commands.flatMap((command) =>
  command.options.map((option) => ({ command, option, ...begun(command, option) })),
);

/** Runs in a folder with a spec, in which nothing may have been written in the end. */
async function inFolder(work: () => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  await folder.write('postern.yaml', demoSpec);
  await folder.write('partner.txt', demoRanges);
  const before = cwd();
  chdir(folder.path);
  try {
    await work();
    assert.equal(readdirSync('.').sort(), ['partner.txt', 'postern.yaml']);
    assert.is(readFileSync('postern.yaml', 'utf8'), demoSpec);
  } finally {
    chdir(before);
    await folder.remove();
  }
}

async function refuses(line: readonly string[], words: RegExp): Promise<void> {
  const { status, text } = await ask(line);
  assert.is(status, 2, `${line.join(' ')}: ${text}`);
  assert.match(text, words, line.join(' '));
}

const given = suite('what is given is not ignored');

given('commands and options are found in the help', () => {
  assert.ok(commands.length >= 11 && pairs.length >= 38, `${commands.length} commands, ${pairs.length} options`);
});

given('an option with an empty value, as of a variable that is not set', () =>
  inFolder(async () => {
    // A change without labels is one that nobody has looked at, so that no labels are an answer.
    const hasValue = ({ option }: (typeof pairs)[number]) => !option.isFlag && option.name !== 'reviewed';
    for (const { line, option } of pairs.filter(hasValue)) {
      await refuses([...line, `--${option.name}`, ''], /is empty|takes/);
      await refuses([...line, `--${option.name}=`], /is empty|takes|needs a value/);
    }
    for (const list of [',', 'coredns,', ',coredns', 'coredns,,bottlerocket']) {
      for (const line of ['generate --target', 'diff --target', 'verify --engine', 'lint --accept'])
        await refuses([...line.split(' '), list], /is empty or has an empty part/);
    }
  }),
);

given('an empty spec, folder or argument', () =>
  inFolder(async () => {
    for (const command of commands.filter(({ takesSpec }) => takesSpec))
      await refuses([...begun(command).line, ''], /is empty; is a variable not set/);
    await refuses(['init', ''], /the folder is empty/);
    await refuses(['explain', '', '/'], /an argument is empty/);
    await refuses(['', 'validate'], /name a command/);
  }),
);

given('a URL where something is written', () =>
  inFolder(async () => {
    const url = 'https://me:hunter2@example.com/x';
    for (const line of [
      'generate --out',
      'diff --out',
      'prove --certificate',
      'secrets render --out',
      'report --out',
      'init',
    ])
      await refuses([...line.split(' '), url], /is a URL(?!.*hunter2)/s);
  }),
);

given('an option that is given twice', () =>
  inFolder(async () => {
    for (const { line, given: words } of pairs.filter(({ option }) => !option.isFlag && !option.isList))
      await refuses([...line, ...words, ...words.slice(0, 2)], /is given more than once/);
  }),
);

given('an option without its value', () =>
  inFolder(async () => {
    for (const { line, option } of pairs.filter((pair) => !pair.option.isFlag)) {
      await refuses([...line, `--${option.name}`], /needs a value/);
      await refuses([...line, `--${option.name}`, '--format', 'text'], /needs a value|takes one of/);
    }
  }),
);

given('a flag with a value', () =>
  inFolder(async () => {
    for (const { line, option } of pairs.filter((pair) => pair.option.isFlag)) {
      for (const value of ['yes', 'no', 'true', 'false', ''])
        await refuses([...line, `--${option.name}=${value}`], /takes no value/);
      await refuses(
        [...line, `--${option.name}`, 'false', 'postern.yaml'],
        /one argument too many|cannot read the spec/,
      );
    }
  }),
);

given('an option in a spelling that yargs makes up', () =>
  inFolder(async () => {
    for (const { line, option } of pairs) {
      await refuses([...line, `--no-${option.name}`], /has no option/);
      await refuses([...line, `--${option.name}.x=1`], /has no option/);
    }
  }),
);

given('a spec before, behind or instead of an option, or behind two dashes', () =>
  inFolder(async () => {
    const nowhere =
      /nowhere\.yaml.*cannot read the spec: no such file|named twice: nowhere|nowhere\.yaml has no meaning/;
    for (const { command, option, line, given: words } of pairs) {
      if (!command.takesSpec) continue;
      await refuses([...line, ...words, 'nowhere.yaml'], nowhere);
      await refuses([...line, 'nowhere.yaml', ...words], nowhere);
      if (option.name !== 'spec') await refuses([...line, ...words, '--', 'nowhere.yaml'], nowhere);
      await refuses([...line, ...words, 'postern.yaml', 'nowhere.yaml'], /too many|explain takes|nowhere/);
      await refuses([...line, ...words, 'postern.yaml', '--', 'nowhere.yaml'], /too many|explain takes|nowhere/);
    }
    await refuses(['validate', '--', '--format'], /--format.*no such file/);
  }),
);

given('standard input where it is not read, or read already', () =>
  inFolder(async () => {
    const inputs = ['spec', 'base', 'requests', 'live', 'log', 'within', 'unused', 'operations'];
    for (const { line, option } of pairs.filter(({ option }) => !option.isFlag && !inputs.includes(option.name)))
      await refuses([...line, `--${option.name}`, '-'], /cannot be standard input|takes/);
    await refuses(['init', '-'], /cannot be standard input/);
    const once = /standard input can be read only once/;
    await refuses(['diff', '-', '--base', '-'], once);
    await refuses(['diff', '-', '--live', 'coredns=-'], once);
    await refuses(['diff', '--live', 'coredns=-', '--live', 'bottlerocket=-'], once);
    await refuses(['keys', 'retire', 'partner', '-', '--log', '-'], once);
    await refuses(['explain', '--requests', '-', '-'], once);
    await refuses(['explain', '--requests', '-', '--spec', '-'], once);
  }),
);

given('options that have no meaning beside each other, and values that are none', () =>
  inFolder(async () => {
    for (const line of [
      'generate --check --dry-run',
      'generate --check --force',
      'secrets check --out elsewhere',
      'diff --fail-on any',
      'diff --live coredns=postern.yaml --target coredns',
      'diff --base postern.yaml --max-changes 3%',
      'explain --requests postern.yaml --format json',
      'explain --requests postern.yaml --key partner',
    ])
      await refuses(line.split(' '), /no meaning|mutually exclusive/);
    for (const share of ['many', '101', '1e1', '-3%', '%'])
      for (const line of ['diff --max-changes', 'test --fail-under'])
        await refuses([...line.split(' '), share], /takes a percentage, such as 80%|needs a value/);
    for (const number of ['-5', '1.5', '0x10', '1e3', 'many'])
      await refuses(['verify', '--requests', number], /takes a whole number|needs a value/);
    await refuses(['explain', 'GET', '/', '--format', 'junit'], /--format takes one of: text, json/);
  }),
);

given('a command under another name', () =>
  inFolder(async () => {
    for (const [line, words] of [
      ['gen', /did you mean "postern generate"/],
      ['plan', /did you mean "postern generate --dry-run"/],
      ['check', /did you mean "postern validate"/],
      ['help', /did you mean "postern --help"/],
      ['expalin', /did you mean "postern explain"/],
      ['zzz', /there are validate, test/],
      ['--check generate', /name a command first/],
      ['validate --from 1.2.3.4', /no option --from; it is one of "postern explain"/],
      ['validate -x', /no option -x; see "postern validate --help"/],
      ['generate --chek', /did you mean --check/],
    ] as const)
      await refuses(line.split(' '), words);
    const help = await helpOf('validate');
    assert.match(help, /-h, --help/);
  }),
);

given.run();

const nothing = suite('nothing was looked at, so that nobody could tell');

/** A spec that has nothing in it that a command could look at. */
const EMPTY = 'version: 1\nname: empty\n';
const NO_ROUTES = `version: 1
name: names
domainRewrites: [{ from: a.example.com, to: b.example.com }]
tests: [{ resolve: a.example.com, expect: b.example.com }]
`;

async function inSpec(text: string, asked: readonly (readonly [string, RegExp])[]): Promise<void> {
  const folder = await temporaryFolder();
  const file = await folder.write('postern.yaml', text);
  const empty = await folder.write('empty.jsonl', '');
  for (const [line, words] of asked) {
    await refuses(line.replace('SPEC', file).replace('EMPTY', empty).split(' '), words);
  }
  assert.equal(readdirSync(folder.path).sort(), ['empty.jsonl', 'postern.yaml']);
  await folder.remove();
}

nothing('of a spec with nothing in it', () =>
  inSpec(EMPTY, [
    ['test SPEC', /the spec has no tests/],
    ['test SPEC --fail-under 0', /the spec has no tests/],
    ['test SPEC --coverage', /the spec has no tests/],
    ['generate SPEC', /no target/],
    ['generate SPEC --check', /no target/],
    ['generate SPEC --dry-run', /no target/],
    ['generate SPEC --target nginx', /no target/],
    ['diff SPEC', /no target/],
    ['diff SPEC --max-changes 100%', /no target/],
    ['diff SPEC --live nginx=EMPTY', /no target/],
    ['verify SPEC', /engine/],
    ['secrets check SPEC', /needs a secret|no secret/],
    ['explain GET / SPEC', /no proxy/],
    ['explain --requests EMPTY SPEC', /no request/],
  ]),
);

nothing('of coverage where there are no routes', () =>
  inSpec(NO_ROUTES, [
    ['test SPEC --fail-under 80', /no requests, so there is no coverage/],
    ['test SPEC --fail-under 0', /no requests, so there is no coverage/],
  ]),
);

nothing('by the library, where no known target is named', () => {
  for (const targets of [[], ['nginxx'], ['nginx '], ['']]) {
    const { files, diagnostics } = compile(demoSpec, { file: 'postern.yaml', read: () => demoRanges, targets });
    assert.is(files, undefined);
    assert.match(diagnostics.map(({ code }) => code).join(), /compile\/(?:unknown-target|no-target)/);
  }
});

nothing.run();
