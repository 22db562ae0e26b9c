import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { SecretReference } from '../policy/types.ts';
import { isRecord, memberOf, parseJson } from '../source/value.ts';
import { secretCodes } from './codes.ts';
import { type Answer, byPath, type Found, fieldOf, partsOf, type SourceContext } from './found.ts';

type ProgramContext = Pick<SourceContext, 'env' | 'folder' | 'patience'>;

/** A program that prints a secret document as JSON. */
interface Program {
  readonly name: string;
  readonly args: (path: string, context: ProgramContext) => readonly string[];
  /** Returns the fields of the printed document. */
  readonly fields: (printed: unknown) => unknown;
  /** Returns why it failed, judging by its messages, in our own words: its messages may quote secrets. */
  readonly problem: (said: string) => string;
  readonly hint: string;
}

/** Follows `sops:FILE#FIELD`. */
export const fromSops = from({
  name: 'sops',
  args: (path, { folder }) => ['decrypt', '--output-type', 'json', resolve(folder, path)],
  fields: (printed) => printed,
  problem: (said) =>
    /no such file|non-existent file/.test(said) ? 'there is no such file' : 'it did not decrypt the file',
  hint: 'see what "sops decrypt FILE" says here; a relative path is relative to the spec',
});

/** Follows `k8s:NAMESPACE/NAME#KEY`. */
export const fromKubernetes = from({
  name: 'kubectl',
  args: (path) => {
    const [namespace = '', name = ''] = path.split('/');
    return ['get', 'secret', name, '--namespace', namespace, '--output', 'json', '--request-timeout', '20s'];
  },
  fields: (printed) => decoded(printed),
  problem: (said) => {
    const [, reason] = /Error from server \((\w+)\)/.exec(said) ?? [];
    return reason === undefined ? 'it did not reach the cluster' : `the cluster answers ${reason}`;
  },
  hint: 'see what "kubectl get secret NAME --namespace NAMESPACE" says here, with the same account',
});

function decoded(printed: unknown): unknown {
  const data = memberOf(printed, 'data');
  if (!isRecord(data)) return undefined;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(String(value), 'base64').toString('utf8')]),
  );
}

/** Milliseconds that a program may take. */
const PATIENCE = 60_000;
const LARGEST = 8 * 2 ** 20;
/** Code of the error where a program printed more than that. */
const TOO_MUCH = 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER';

function from(program: Program) {
  return async (references: readonly SecretReference[], context: ProgramContext) => {
    const found = new Map<string, Answer>();
    let hung: Printed | undefined;
    for (const [path, group] of byPath(references)) {
      // It would hang at each of them.
      const printed = hung ?? (await run(program, program.args(path, context), context));
      if (printed === HANGS) hung = printed;
      for (const reference of group) found.set(reference.text, taken(printed, reference, program));
    }
    return found;
  };
}

const HANGS = { problem: 'it took too long' };

type Printed = { readonly document: unknown } | { readonly missing: true } | { readonly problem: string };

function taken(printed: Printed, reference: SecretReference, { name, fields, hint }: Program): Found | Diagnostic {
  const { text, origin } = reference;
  if ('missing' in printed) return secretCodes.report('no-program', origin, { reference: text, program: name });
  if ('problem' in printed)
    return secretCodes.report('program', origin, { reference: text, program: name, hint, ...printed });
  const document = fields(printed.document);
  const value = fieldOf(document, partsOf(reference).field)?.replace(/\r?\n$/, '');
  return value ? { value } : secretCodes.report('no-field', origin, { reference: text });
}

/** Runs a program without a shell and with a time limit. It has no input, so that it does not wait for a password. */
function run(
  program: Program,
  args: readonly string[],
  { env, patience = PATIENCE }: ProgramContext,
): Promise<Printed> {
  return new Promise((settle) => {
    const limits = { env, timeout: patience, maxBuffer: LARGEST, killSignal: 'SIGKILL' } as const;
    const child = execFile(program.name, args, limits, (error, stdout, stderr) => {
      if (error && 'code' in error && error.code === 'ENOENT') settle({ missing: true });
      else if (error?.code === TOO_MUCH) settle({ problem: 'it printed too much' });
      else if (error?.killed) settle(HANGS);
      else if (error) settle({ problem: program.problem(stderr) });
      else settle(parsed(stdout));
    });
    child.stdin?.end();
  });
}

function parsed(text: string): Printed {
  const document = parseJson(text);
  return document === undefined ? { problem: 'what it printed is not JSON' } : { document };
}
