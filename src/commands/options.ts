import { parseJson } from '../source/value.ts';
import type { Shard } from '../verify/probes/generate.ts';
import type { Format } from './print.ts';

function splitList(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(','));
}

/** Returns the reader of a share in percent: `30%` or `30`. */
function percentage(name: string) {
  return (value: unknown): number => {
    const [, number] = /^(\d{1,3}(?:\.\d+)?)%?$/.exec(oneOf(name, value)) ?? [];
    if (number === undefined || Number(number) > 100) throw new Error(`--${name} takes a percentage, such as 80%`);
    return Number(number);
  };
}

function wholeNumber(name: string) {
  return (value: unknown): number => {
    const number = oneOf(name, value);
    if (!/^\d{1,15}$/.test(number)) throw new Error(`--${name} takes a whole number, such as 10000`);
    return Number(number);
  };
}

export const LAST_PORT = 65_535;

/** Returns the reader of a port. */
function port(name: string) {
  const read = wholeNumber(name);
  return (value: unknown): number => {
    const number = read(value);
    if (number < 1 || number > LAST_PORT) throw new Error(`--${name} takes a port, from 1 to ${LAST_PORT}`);
    return number;
  };
}

/** Returns the reader of a revision: `git:origin/main`. */
function revision(name: string) {
  return (value: unknown): string => {
    const [, found] = /^git:(.+)$/s.exec(oneOf(name, value)) ?? [];
    if (found === undefined) throw new Error(`--${name} takes a revision, such as git:origin/main`);
    return found;
  };
}

/** Returns the reader of a part: `2/5` is the second of five. */
function part(name: string) {
  return (value: unknown): Shard => {
    const [, index, of] = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/.exec(oneOf(name, value)) ?? [];
    if (index === undefined || of === undefined || Number(index) > Number(of))
      throw new Error(`--${name} takes a part and their number, such as 2/5`);
    return { part: Number(index), of: Number(of) };
  };
}

export interface Program {
  readonly program: string;
  readonly args: readonly string[];
}

/** Returns the reader of a program with its arguments. They are a JSON list, because no shell splits them. */
function programIn(name: string) {
  return (value: unknown): Program => {
    const [program, ...args] = listOf(oneOf(name, value)) ?? [];
    if (program === undefined)
      throw new Error(`--${name} takes a JSON list of words, such as '["systemctl","reload","proxy"]'`);
    return { program, args };
  };
}

function listOf(text: string): readonly string[] | undefined {
  const found = parseJson(text);
  return Array.isArray(found) && found.every((word) => typeof word === 'string' && word !== '') ? found : undefined;
}

function oneOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new Error(`--${name} is given more than once`);
  return value;
}

const text = { type: 'string', requiresArg: true } as const;
// Without `nargs`, a list option would take every word up to the next option as its value, also the spec.
const list = { ...text, array: true, nargs: 1 } as const;
// Without `nargs`, "--check=yes" would mean no, and "--check false" would take the spec as its value.
const flag = { type: 'boolean', nargs: 0 } as const;

/** The options of all commands, in one place so that one name means one thing. */
export const options = {
  format: {
    choices: ['text', 'json', 'sarif', 'junit', 'github', 'gitlab', 'markdown'] as const satisfies readonly Format[],
    default: 'text' as const,
    requiresArg: true,
    describe: 'how results are written',
  },
  out: { ...text, describe: 'output folder; "generated" beside the spec where absent' },
  target: { ...list, coerce: splitList, describe: 'only these targets, separated by commas' },
  base: {
    ...text,
    describe: 'compare access with another version: a spec or its folder, or git:REV for this one at a revision',
  },
  'changed-since': {
    ...text,
    coerce: revision('changed-since'),
    describe: 'only specs of which a file has changed since a revision, committed or not: git:REV',
  },
  certificate: {
    ...text,
    describe:
      'write to this file what the files of nginx or Caddy decide, for check-certificate.js in templates/nginx or caddy',
  },
  live: { ...list, describe: 'compare with what runs: TARGET=FILE, or TARGET=- for standard input' },
  'fail-on': {
    choices: ['any', 'widening'] as const,
    requiresArg: true,
    describe: 'with --base: exit 1 on any change (default), or only where somebody may do more',
  },
  reviewed: {
    ...list,
    // A change without labels is one that nobody has looked at.
    coerce: (values: readonly string[]) => splitList(values).filter((label) => label !== ''),
    describe:
      'with --base: labels of the change; one that ends in the digest of the spec and of what would exit 1 lets it pass',
  },
  'max-changes': {
    ...text,
    coerce: percentage('max-changes'),
    describe: 'exit 1 only where more than this share of the lines differs, such as 30%',
  },
  accept: {
    ...list,
    coerce: splitList,
    describe: 'findings to live with, by code and separated by commas: listed, but no reason to exit 1',
  },
  explain: { ...text, describe: 'print the page of a finding, such as form-body: what, why, a bad and a good example' },
  check: { ...flag, describe: 'write nothing; exit 1 where something would change' },
  to: {
    ...text,
    describe: 'with rotate: reference of the new key, such as env:NAME; made from the old one where absent',
  },
  log: {
    ...text,
    describe: 'with retire: access log since the new key was handed out, also gzip, or - for standard input',
  },
  keys: {
    ...flag,
    describe: "only the files of callers' keys: something else, such as a Vault Agent, brings the tokens",
  },
  watch: { ...flag, describe: 'go on, and write anew when something changes' },
  reload: {
    ...text,
    coerce: programIn('reload'),
    describe: `with --watch: a program and its arguments as a JSON list, run after each write, such as '["systemctl","reload","proxy"]'`,
  },
  'dry-run': { ...flag, describe: 'write nothing; say what would change' },
  force: { ...flag, describe: 'overwrite files that postern did not write' },
  'allow-expired': { ...flag, describe: 'take keys that have expired for a warning' },
  nginx: { ...text, describe: 'configuration of nginx to start on loopback: its folder, or what "nginx -T" prints' },
  against: { ...text, describe: 'a proxy on this machine instead, such as http://127.0.0.1:8080' },
  upstream: {
    ...text,
    coerce: port('upstream'),
    describe: 'with --against: port of 127.0.0.1 that it forwards to',
  },
  operations: { ...text, describe: 'file of operations, "METHOD /path" a line' },
  tag: { ...list, coerce: splitList, describe: 'with openapi: only operations with one of these tags' },
  method: { ...list, coerce: splitList, describe: 'with openapi: only these methods' },
  path: { ...list, describe: 'with openapi: only paths that fit one of these globs, such as "/api/v4/projects/**"' },
  within: { ...text, describe: 'learn nothing beyond this spec' },
  unused: { ...text, describe: 'list what of this spec no line used, instead' },
  'access-log': { ...text, describe: 'start from the requests that an access log shows' },
  openapi: { ...text, describe: 'OpenAPI description: what there is, or what may be learned at most' },
  environments: { ...flag, describe: 'start with two environments, three teams and what must never happen' },
  access: { ...flag, describe: 'show who may do what instead of the spec' },
  preset: { ...text, describe: 'show a fragment that comes with postern, such as gitlab/read-only@1' },
  coverage: { ...flag, describe: 'list the requests that no test touches' },
  'fail-under': { ...text, coerce: percentage('fail-under'), describe: 'least coverage in percent' },
  engine: { ...list, coerce: splitList, describe: 'only the engines of these targets' },
  confirm: { ...flag, describe: 'try differences on the engines of this machine' },
  seed: { ...text, describe: 'another seed makes other requests' },
  shard: { ...text, coerce: part('shard'), describe: 'only this part of the requests that are made up, such as 2/5' },
  patience: { ...flag, describe: 'also wait for the ends of half heads and half bodies, which takes two minutes' },
  spec: { ...text, describe: 'spec, its folder, or - for standard input' },
  key: { ...text, describe: 'id of the key that is sent' },
  from: { ...text, describe: 'client address; one that is admitted where absent' },
  at: { ...text, describe: 'UTC date or moment of the request; now where absent' },
  proxy: { ...text, describe: 'proxy that is asked, where there are several' },
  header: { ...list, describe: 'further request header, "Name: value"' },
  type: { ...text, describe: 'with dns: type of the records that are asked for, such as AAAA or HTTPS' },
  node: { ...text, describe: 'with pull or job: only nodes of this target, such as containerd; all where absent' },
  requests: { ...text, describe: 'file of requests, one JSON object a line, or - for standard input' },
} as const;

/** `--requests` of `verify`: a number of requests. That of `explain` is a file. */
export const probes = {
  ...text,
  default: '10000',
  coerce: wholeNumber('requests'),
  describe: 'how many requests are made up',
} as const;

/** `--format` of `show`. Its result is not a list of findings, but Markdown can show it. */
export const pageFormat = {
  choices: ['text', 'json', 'markdown'] as const,
  requiresArg: true,
  describe: 'how it is written; text where absent',
} as const;

/** `--format` of commands whose result is not a list of findings, such as `explain`. */
export const answerFormat = {
  choices: ['text', 'json'] as const,
  requiresArg: true,
  describe: 'how the answer is written; text where absent',
} as const;

/** `--fail-on` of `lint`: a severity. That of `diff` is a kind of change. */
export const gravity = {
  choices: ['error', 'warning', 'note'] as const,
  requiresArg: true,
  describe: 'exit 1 only from this severity on; warning where absent',
} as const;

/** `--out` of `report`: one file. That of other commands is a folder. */
export const pageFile = { ...text, default: 'report.html', describe: 'file of the page' } as const;

/** `--prove` of `report`. That of `generate` refuses. */
export const proofs = {
  ...flag,
  describe: 'also prove that the files decide so, which takes a while',
} as const;
