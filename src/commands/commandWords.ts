/** Arguments whose value may be "-" for standard input. */
export const INPUTS: readonly string[] = [
  'spec',
  'specs',
  'words',
  'base',
  'requests',
  'live',
  'log',
  'files',
  'logs',
  'within',
  'unused',
  'download',
  'operations',
];

/** Arguments whose value names a file or folder that is written. */
export const OUTPUTS: readonly string[] = ['out', 'certificate', 'dir'];

/** Positional arguments, in the words of messages. */
export const POSITIONS: Readonly<Record<string, string>> = {
  spec: 'the spec',
  specs: 'a spec',
  words: 'an argument',
  logs: 'a log',
  dir: 'the folder',
  files: 'a file',
  download: 'the downloaded file',
  set: 'the set',
};

/** Names of commands in other tools, with the command here. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  plan: 'generate --dry-run',
  apply: 'generate',
  build: 'generate',
  render: 'generate',
  check: 'validate',
  drift: 'diff',
  format: 'fmt',
  help: '--help',
  version: '--version',
};

/** Names of options in other tools, with the option here. `spec` means the spec, which is named without an option. */
export const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  o: 'out',
  output: 'out',
  d: 'out',
  dir: 'out',
  t: 'target',
  f: 'spec',
  file: 'spec',
  c: 'spec',
  config: 'spec',
  spec: 'spec',
  k: 'key',
  apikey: 'key',
  token: 'key',
  ip: 'from',
  client: 'from',
  n: 'dry-run',
  whatif: 'dry-run',
  y: 'force',
  yes: 'force',
  against: 'base',
  since: 'base',
  json: 'format',
  e: 'engine',
};
