import yargs, { type ArgumentsCamelCase, type Argv, type InferredOptionTypes, type Options } from 'yargs';
import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { toolVersion } from '../version.ts';
import { checkValues, literally, restoreWords } from './commandValues.ts';
import { EXAMPLES } from './examples.ts';
import type { Io, Status } from './io.ts';
import { inOurWords, unknownCommand } from './misuse.ts';
import { answerFormat, gravity, options, pageFile, pageFormat, probes, proofs } from './options.ts';
import type { several } from './several.ts';

/** The reason why a command line is not valid, such as an unknown command. */
interface Misuse {
  readonly misuse: string;
}

type Finish = (status: Status | Promise<Status>) => Promise<void>;

type Taken = Readonly<Record<string, Options>>;

export interface Command {
  readonly name: string;
  /** Its positions: `import <kind> <files..>`. */
  readonly usage: string;
  readonly takes: { readonly positionals: Taken; readonly options: Taken };
  readonly add: (parser: Argv, io: Io, finish: Finish) => void;
}

/** Returns a command for yargs: its usage (`name <positional> [positional]`), description, arguments and function. */
function command<P extends Taken, O extends Taken>(
  usage: string,
  describe: string,
  takes: { readonly positionals: P; readonly options: O },
  run: (args: ArgumentsCamelCase<InferredOptionTypes<P & O>>, io: Io) => Promise<Status>,
): Command {
  const name = usage.split(' ', 1)[0] ?? '';
  const builder = (parser: Argv) => {
    for (const [word, { type, array, ...rest }] of Object.entries(takes.positionals))
      parser.positional(word, { ...rest, ...(array && { array }), type: 'string' });
    for (const [line, what] of EXAMPLES[name] ?? []) parser.example(line, what);
    return parser.options(takes.options) as Argv<InferredOptionTypes<P & O>>;
  };
  return {
    name,
    usage,
    takes,
    add: (parser, io, finish) => parser.command(usage, describe, builder, (args) => finish(run(args, io))),
  };
}

const { nginx: configuration } = options;
const { format, out, target, check, force, coverage } = options;
const since = { 'changed-since': options['changed-since'] } as const;
const spec = {
  spec: { type: 'string', describe: 'spec, its folder, or - for standard input; postern.yaml where absent' },
} as const;
const specs = {
  specs: {
    type: 'string',
    array: true,
    describe: 'specs, their folders, patterns such as "envs/**/postern.yaml", or -; postern.yaml where absent',
  },
} as const;
const action = { choices: ['render', 'check', 'keygen'], demandOption: true, describe: 'what to do' } as const;
const step = { choices: ['rotate', 'retire'], demandOption: true, describe: 'which of the two' } as const;
const id = { type: 'string', demandOption: true, describe: 'id of the caller, under apiKeys' } as const;
const act = { choices: ['update'], demandOption: true, describe: 'what to do' } as const;
const set = { type: 'string', demandOption: true, describe: 'name of the set, under ipRanges' } as const;
const download = { type: 'string', demandOption: true, describe: 'what was downloaded, or -' } as const;
const words = { type: 'string', array: true, default: [], describe: 'what is asked, then the spec' } as const;
const topic = { type: 'string', array: true, default: [], describe: 'only pages about this' } as const;
const kind = { type: 'string', demandOption: true, describe: 'what the files are' } as const;
const files = {
  type: 'string',
  array: true,
  demandOption: true,
  describe: 'files or folders, or - for standard input',
} as const;
const logs = {
  type: 'string',
  array: true,
  demandOption: true,
  describe: 'access logs, also gzip, or - for standard input',
} as const;
const shell = { choices: ['bash', 'zsh', 'fish'], demandOption: true, describe: 'which shell' } as const;
const dir = { type: 'string', default: '.', describe: 'folder to put postern.yaml into' } as const;

// Each command is loaded when it runs, because most of the time of a small run is loading.
export const COMMANDS: readonly Command[] = [
  command(
    'validate [specs..]',
    'check a spec and run its tests',
    { positionals: specs, options: { ...since, 'allow-expired': options['allow-expired'], format } },
    async (args, io) => {
      const { validate } = await import('./validate.ts');
      return eachSpec('validate', args, io, (one, own) => validate({ ...args, ...one }, own));
    },
  ),
  command(
    'test [specs..]',
    'run the tests of a spec',
    { positionals: specs, options: { ...since, coverage, 'fail-under': options['fail-under'], format } },
    async (args, io) => {
      const { test } = await import('./test.ts');
      return eachSpec('test', args, io, (one, own) => test({ ...args, ...one }, own));
    },
  ),
  command(
    'lint [specs..]',
    'find what is legal but unwise',
    {
      positionals: specs,
      options: {
        ...since,
        accept: options.accept,
        'allow-expired': {
          ...options['allow-expired'],
          describe: 'live with keys that have expired: listed, but no reason to exit 1',
        },
        'fail-on': gravity,
        explain: options.explain,
        format,
      },
    },
    async (args, io) => {
      const { lint, explainRule } = await import('./lint.ts');
      if (args.explain !== undefined) return explainRule(args.explain, args.specs ?? [], io);
      return eachSpec('lint', args, io, (one, own) => lint({ ...args, ...one, failOn: args['fail-on'] }, own));
    },
  ),
  command(
    'verify [specs..]',
    'start the real engines on what is generated and compare their decisions, request by request',
    {
      positionals: specs,
      options: {
        ...since,
        engine: options.engine,
        requests: probes,
        seed: options.seed,
        shard: options.shard,
        patience: options.patience,
        format,
      },
    },
    async (args, io) => {
      const { verify } = await import('./verify.ts');
      return eachSpec('verify', args, io, (one, own) => verify({ ...args, ...one }, own));
    },
  ),
  command(
    'prove [spec]',
    'show for all requests, names and registries that the files on disk decide what the spec says, or one that they decide otherwise',
    {
      positionals: spec,
      options: {
        out,
        engine: options.engine,
        live: options.live,
        confirm: options.confirm,
        certificate: options.certificate,
        format,
      },
    },
    async (args, io) => (await import('./prove.ts')).prove(args, io),
  ),
  command(
    'generate [specs..]',
    'write the configuration of every target',
    {
      positionals: specs,
      options: {
        ...since,
        out,
        target,
        check,
        'dry-run': options['dry-run'],
        force,
        prove: { ...proofs, describe: 'write only what is proved to decide as the spec does, for all requests' },
        watch: options.watch,
        'allow-expired': options['allow-expired'],
        format,
      },
    },
    async (args, io) => {
      const { generate } = await import('./generate.ts');
      const once = (own: Io) => eachSpec('generate', args, own, (one, each) => generate({ ...args, ...one }, each));
      return args.watch ? (await import('./generateWatch.ts')).watchGenerate(args, once, io) : once(io);
    },
  ),
  command(
    'diff [specs..]',
    'compare what the spec makes with the files on disk, with what runs, or with another version of the spec',
    {
      positionals: specs,
      options: {
        ...since,
        out,
        target,
        base: options.base,
        live: options.live,
        'fail-on': options['fail-on'],
        reviewed: options.reviewed,
        'max-changes': options['max-changes'],
        format,
      },
    },
    async (args, io) => {
      const { diff } = await import('./diff.ts');
      return eachSpec('diff', args, io, (one, own) => diff({ ...args, ...one }, own));
    },
  ),
  command(
    'secrets <action> [spec]',
    'follow the secret references of a spec: render the files, or only check; or print a new key',
    {
      positionals: { action, ...spec },
      options: { out, check, keys: options.keys, watch: options.watch, reload: options.reload, format },
    },
    async (args, io) => (await import('./secrets.ts')).secrets(args, io),
  ),
  command(
    'keys <step> <id> [spec]',
    'the edits of a rotation: a second key for a caller, and the old one taken away when a log shows it unused',
    {
      positionals: { step, id, ...spec },
      options: { to: options.to, log: options.log, format },
    },
    async ({ step: action, ...args }, io) => (await import('./keys.ts')).keys({ ...args, action }, io),
  ),
  command(
    'ranges <act> <set> <download> [spec]',
    'update a published address list that is checked in, from a file that was downloaded; what changes is shown first',
    { positionals: { act, set, download, ...spec }, options: { check, format } },
    async ({ act: action, ...args }, io) => (await import('./ranges.ts')).ranges({ ...args, action }, io),
  ),
  command(
    'shadow <step> [logs..]',
    'what the shadow of a spec would refuse of the requests that access logs show got through',
    {
      positionals: {
        step: { choices: ['report'], demandOption: true, describe: 'what to do' },
        logs: {
          type: 'string',
          array: true,
          describe: 'access logs of the proxies, also gzip, or - for standard input',
        },
      },
      options: { spec: options.spec, format },
    },
    async ({ logs = [], spec: one, format: how }, io) =>
      (await import('./shadow.ts')).shadow({ logs, spec: one, format: how }, io),
  ),
  command(
    'explain [words..]',
    'what is decided about METHOD TARGET, dns NAME, pull IMAGE or job IMAGE, and why',
    {
      positionals: { words },
      options: {
        spec: options.spec,
        key: options.key,
        from: options.from,
        at: options.at,
        proxy: options.proxy,
        header: options.header,
        requests: options.requests,
        type: options.type,
        node: options.node,
        format: answerFormat,
      },
    },
    async (args, io) => (await import('./explain.ts')).explain(args, io),
  ),
  command(
    'show [spec]',
    'print the one flat spec that a spec and its includes are, or who may do what',
    { positionals: spec, options: { access: options.access, preset: options.preset, format: pageFormat } },
    async (args, io) => (await import('./show.ts')).show(args, io),
  ),
  command(
    'report [spec]',
    'write one page for a reviewer: who may do what, from where, until when, what changed; it answers questions offline',
    { positionals: spec, options: { out: pageFile, base: options.base, prove: proofs, format } },
    async (args, io) => (await import('./page.ts')).report(args, io),
  ),
  command('fmt [spec]', 'lay a spec out', { positionals: spec, options: { check, format } }, async (args, io) =>
    (await import('./fmt.ts')).fmt(args, io),
  ),
  command(
    'completion <shell>',
    'print the script that makes a shell complete command lines, with the ids of a spec',
    { positionals: { shell }, options: {} },
    async (args, io) => (await import('./completion.ts')).completion(args, io),
  ),
  command(
    'docs [words..]',
    'print where the pages are that come with postern: guides, examples, the schema',
    { positionals: { words: topic }, options: {} },
    async ({ words: about }, io) => (await import('./docs.ts')).docs(about, io),
  ),
  command('schema', 'print the JSON Schema of specs', { positionals: {}, options: {} }, async (_, io) =>
    (await import('./schema.ts')).schema(io),
  ),
  command(
    'import <kind> <files..>',
    'an existing configuration as a spec, with what could not be carried over',
    {
      positionals: { kind, files },
      options: { tag: options.tag, method: options.method, path: options.path, format: answerFormat },
    },
    async (args, io) => (await import('./import.ts')).importConfiguration(args, io),
  ),
  command(
    'audit',
    'what a proxy really lets through: each finding is a request that arrived at an upstream',
    {
      positionals: {},
      options: {
        nginx: configuration,
        against: options.against,
        upstream: options.upstream,
        operations: options.operations,
        header: options.header,
        format: answerFormat,
      },
    },
    async (args, io) => (await import('./audit.ts')).audit(args, io),
  ),
  command(
    'learn <logs..>',
    'the smallest spec that allows what access logs show, or the grants that nobody used',
    {
      positionals: { logs },
      options: { within: options.within, openapi: options.openapi, unused: options.unused, format: answerFormat },
    },
    async (args, io) => (await import('./learn.ts')).learn(args, io),
  ),
  command(
    'init [dir]',
    'start a spec, or several of them with teams',
    {
      positionals: { dir },
      options: { environments: options.environments, openapi: options.openapi, 'access-log': options['access-log'] },
    },
    async (args, io) => {
      const { init, initEnvironments } = await import('./init.ts');
      if (args.environments) return initEnvironments(args.dir, io);
      const { openapi, 'access-log': accessLog } = args;
      if (openapi === undefined && accessLog === undefined) return init(args.dir, io);
      return (await import('./initFrom.ts')).initFrom(args.dir, { openapi, accessLog }, io);
    },
  ),
];

async function eachSpec(...[command, args, io, run]: Parameters<typeof several>): Promise<Status> {
  return (await import('./several.ts')).several(command, args, io, run);
}

/** Runs the command that a command line names. */
export async function runCommandLine(line: readonly string[], io: Io): Promise<Status | Misuse> {
  const unknown = unknownCommand(line, COMMANDS);
  if (unknown !== undefined) return { misuse: printable(maskSecrets(unknown)) };
  if (line[0] === '--complete') {
    const { wordsFor } = await import('./completionWords.ts');
    io.out(
      wordsFor(line.slice(1), COMMANDS, io)
        .map((word) => `${word}\n`)
        .join(''),
    );
    return 0;
  }
  let status: Status = 0;
  let misuse: string | undefined;
  const parser = emptyParser(line).fail((message: string | null, error: Error | undefined) => {
    if (message !== null) misuse = message;
    // Without a throw yargs would go on and run the command.
    throw error ?? new Error(message ?? undefined);
  });
  for (const { add } of COMMANDS)
    add(parser, io, async (result) => {
      status = await result;
    });
  try {
    await parser.parseAsync();
    return status;
  } catch (error) {
    if (misuse === undefined) throw error;
    return { misuse: printable(maskSecrets(inOurWords(misuse, line, COMMANDS))) };
  }
}

function emptyParser(line: readonly string[]): Argv {
  return yargs(literally(line))
    .scriptName('postern')
    .usage('postern <command> [spec]\n\nCompiles one access spec into configuration that enforces exactly that.')
    .locale('en')
    .version(toolVersion)
    .alias('help', 'h')
    .nargs({ help: 0, version: 0 })
    .wrap(110)
    .strict()
    .demandCommand(1, 'name a command')
    .parserConfiguration({
      'parse-positional-numbers': false,
      'duplicate-arguments-array': true,
      // Each of these gives an option a second spelling, which commands do not know.
      'boolean-negation': false,
      'dot-notation': false,
      'short-option-groups': false,
    })
    .exitProcess(false)
    .showHelpOnFail(false)
    .middleware(restoreWords)
    .check(checkValues, true);
}
