import yargs, { type Argv } from 'yargs';
import { suggest } from '../spec/suggest.ts';
import { toolVersion } from '../version.ts';
import type { Io, Status } from './io.ts';
import { options } from './options.ts';

/** A command line that asks for something that does not exist. */
export interface Misuse {
  readonly misuse: string;
}

interface Context {
  readonly io: Io;
  readonly finish: (status: Status | Promise<Status>) => Promise<void>;
}

const { format, out, target, check, force, coverage } = options;

function withSpec<T>(parser: Argv<T>) {
  return parser.positional('spec', {
    type: 'string',
    describe: 'spec, its folder, or - for standard input; postern.yaml where absent',
  });
}

/** What `explain` calls requests is a file of them; here it is how many to make up. */
const probes = {
  type: 'number',
  requiresArg: true,
  default: 10_000,
  describe: 'how many requests are made up',
} as const;

// Each command is loaded when it runs, because most of the time of a small run is loading.
function addChecks(parser: Argv, { io, finish }: Context): Argv {
  return parser
    .command(
      'validate [spec]',
      'check a spec and run its tests',
      (y) => withSpec(y).options({ format }),
      async (args) => finish((await import('./validate.ts')).validate(args, io)),
    )
    .command(
      'test [spec]',
      'run the tests of a spec',
      (y) => withSpec(y).options({ coverage, 'fail-under': options['fail-under'], format }),
      async (args) => finish((await import('./test.ts')).test(args, io)),
    )
    .command(
      'lint [spec]',
      'find what is legal but unwise',
      (y) => withSpec(y).options({ accept: options.accept, format }),
      async (args) => finish((await import('./lint.ts')).lint(args, io)),
    )
    .command(
      'verify [spec]',
      'start the real engines on what is generated and compare their decisions, request by request',
      (y) => withSpec(y).options({ engine: options.engine, requests: probes, seed: options.seed, format }),
      async (args) => finish((await import('./verify.ts')).verify(args, io)),
    );
}

function addFiles(parser: Argv, { io, finish }: Context): Argv {
  const expired = options['allow-expired'];
  const dryRun = options['dry-run'];
  const { base, live } = options;
  const comparisons = { base, live, 'fail-on': options['fail-on'], 'max-changes': options['max-changes'] };
  return parser
    .command(
      'generate [spec]',
      'write the configuration of every target',
      (y) => withSpec(y).options({ out, target, check, 'dry-run': dryRun, force, 'allow-expired': expired, format }),
      async (args) => finish((await import('./generate.ts')).generate(args, io)),
    )
    .command(
      'diff [spec]',
      'compare what the spec makes with the files on disk, with what runs, or with another version of the spec',
      (y) => withSpec(y).options({ out, target, ...comparisons, format }),
      async (args) => finish((await import('./diff.ts')).diff(args, io)),
    )
    .command(
      'secrets <action> [spec]',
      'follow the secret references of a spec: render the files, or only check',
      (y) =>
        withSpec(y)
          .positional('action', { choices: ['render', 'check'] as const, demandOption: true, describe: 'what to do' })
          .options({ out, format }),
      async (args) => finish((await import('./secrets.ts')).secrets(args, io)),
    );
}

function addQuestions(parser: Argv, { io, finish }: Context): Argv {
  const { spec, key, from, at, proxy, header, requests, type, node } = options;
  const words = { type: 'string', array: true, default: [], describe: 'what is asked, then the spec' } as const;
  return parser.command(
    'explain [words..]',
    'what is decided about METHOD TARGET, dns NAME or pull IMAGE, and why',
    (y) => y.positional('words', words).options({ spec, key, from, at, proxy, header, requests, type, node, format }),
    async (args) => finish((await import('./explain.ts')).explain(args, io)),
  );
}

function addTools(parser: Argv, { io, finish }: Context): Argv {
  const dir = { type: 'string', default: '.', describe: 'folder to put postern.yaml into' } as const;
  return parser
    .command(
      'fmt [spec]',
      'lay a spec out',
      (y) => withSpec(y).options({ check, format }),
      async (args) => finish((await import('./fmt.ts')).fmt(args, io)),
    )
    .command('schema', 'print the JSON Schema of specs', {}, async () =>
      finish((await import('./schema.ts')).schema(io)),
    )
    .command(
      'init [dir]',
      'start a spec',
      (y) => y.positional('dir', dir),
      async (args) => finish((await import('./init.ts')).init(args.dir, io)),
    );
}

/** yargs drops a lone "-" in a position; no real argument can hold a NUL. */
const DASH = '\0-';

function restoreDashes(args: Record<string, unknown>): void {
  const restore = (value: unknown): unknown =>
    value === DASH ? '-' : Array.isArray(value) ? value.map(restore) : value;
  for (const [name, value] of Object.entries(args)) args[name] = restore(value);
}

function emptyParser(words: readonly string[]): Argv {
  return yargs(words.map((word) => (word === '-' ? DASH : word)))
    .scriptName('postern')
    .usage('postern <command> [spec]\n\nCompiles one access spec into configuration that enforces exactly that.')
    .locale('en')
    .version(toolVersion)
    .wrap(110)
    .strict()
    .recommendCommands()
    .demandCommand(1, 'name a command')
    .parserConfiguration({ 'parse-positional-numbers': false, 'duplicate-arguments-array': true })
    .exitProcess(false)
    .showHelpOnFail(false)
    .middleware(restoreDashes)
    .check(checkValues, true)
    .completion('completion', 'print a script for shell completion');
}

/** What yargs would hand on although no command can make sense of it. */
function checkValues(args: Readonly<Record<string, unknown>>): true {
  for (const [name, option] of Object.entries(options)) {
    const value = args[name];
    if (Array.isArray(value) && !('array' in option)) throw new Error(`--${name} is given more than once`);
    const isUsable = typeof value !== 'number' || (value >= 0 && (name !== 'requests' || Number.isSafeInteger(value)));
    if (value === '' || !isUsable) throw new Error(`--${name} has no usable value`);
  }
  return true;
}

/** Runs what a command line asks for. */
export async function runCommandLine(words: readonly string[], io: Io): Promise<Status | Misuse> {
  let status: Status = 0;
  let misuse: string | undefined;
  const finish: Context['finish'] = async (result) => {
    status = await result;
  };
  const parser = emptyParser(words).fail((message: string | null, error: Error | undefined) => {
    if (message !== null) misuse = message;
    // Without a throw yargs would go on and run the command.
    throw error ?? new Error(message ?? undefined);
  });
  for (const add of [addChecks, addFiles, addQuestions, addTools]) add(parser, { io, finish });
  try {
    await parser.parseAsync();
    return status;
  } catch (error) {
    if (misuse === undefined) throw error;
    return { misuse: withSuggestion(misuse) };
  }
}

/** yargs knows which option is wrong, but not which was meant. */
function withSuggestion(misuse: string): string {
  const [, unknown] = /^Unknown arguments?: ([\w-]+)/.exec(misuse) ?? [];
  const meant = unknown === undefined ? undefined : suggest(unknown, Object.keys(options));
  return meant === undefined ? misuse : `${misuse}; did you mean --${meant}?`;
}
