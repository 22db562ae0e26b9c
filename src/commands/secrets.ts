import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Diagnostic, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { obstructions, placed, systemProblem } from '../output/disk.ts';
import { exclusively, writeAll } from '../output/write.ts';
import { basicTokens } from '../policy/apiKeys.ts';
import { isKeyShaped } from '../policy/key.ts';
import type { ApiKey, Policy, SecretReference } from '../policy/types.ts';
import { readBytes } from '../source/read.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import type { RenderedFile, SecretsInput, Target } from '../targets/target.ts';
import { commandCodes, secretCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument, outputFolder } from './spec.ts';
import { count } from './validate.ts';

export interface SecretsArguments {
  readonly action: 'render' | 'check';
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly format: Format;
}

/** Follows the references of a spec: `check` only looks, `render` writes the files that engines read. */
export function secrets({ action, spec: argument, out, format }: SecretsArguments, io: Io): Status {
  if (action === 'check' && out !== undefined) {
    const diagnostics = [commandCodes.report('no-meaning', [], { option: '--out', mode: 'check' })];
    return print({ command: 'secrets check', status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io);
  const report = { command: `secrets ${action}`, document };
  if (!source || !policy || !spec || hasError(diagnostics)) {
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  const { values, diagnostics: found } = secretValues(policy, { env: io.env, folder: source.folder });
  const rendered = hasError(found) ? { files: [], diagnostics: [] } : renderSecrets(spec, { policy, values });
  const all = [...diagnostics, ...found, ...rendered.diagnostics];
  if (action === 'check') {
    const summary = `${count(values.size, 'secret')} found`;
    const status = hasError(all) ? 1 : values.size === 0 ? 2 : 0;
    return print({ ...report, status, diagnostics: all, asked: 'diagnostics', summary }, format, io);
  }
  const folder = outputFolder(out, source);
  const failures = hasError(all) ? [] : writeSecrets(rendered.files, folder);
  const failed = hasError(all) || failures.length > 0;
  const files = rendered.files.map(({ path }) => join(folder, path));
  const summary = failed ? 'nothing was written' : `written: ${files.join(', ') || 'nothing'}`;
  return print(
    { ...report, status: failed ? 2 : 0, diagnostics: [...all, ...failures], asked: 'changes', summary },
    format,
    io,
  );
}

function renderSecrets(spec: Spec, input: SecretsInput & { readonly policy: Policy }) {
  const files: RenderedFile[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const target of targets.filter(({ name }) => spec.targets?.[name] !== undefined)) {
    const { value, diagnostics: problems } = secretsOf(target, input);
    files.push(...(value ?? []));
    diagnostics.push(...problems);
  }
  if (files.length === 0 && !hasError(diagnostics))
    diagnostics.push(secretCodes.report('nothing-to-do', ['targets'], {}));
  return { files, diagnostics };
}

/** What a target makes of the secrets. */
export function secretsOf(target: Target, input: SecretsInput): Result<readonly RenderedFile[]> {
  try {
    return target.secrets?.(input) ?? ok([]);
  } catch (error) {
    throw withoutWords(error, target.name);
  }
}

/** A bug, met with secrets at hand: where it happened is told, and nothing of what the error says. */
function withoutWords(error: unknown, target: string): Error {
  const bug = new Error(`${target} failed on the secrets`);
  const { message = '', stack = '' } = error instanceof Error ? error : {};
  bug.stack = `${bug.name}: ${bug.message}${stack.slice(stack.indexOf(message) + message.length)}`;
  return bug;
}

/** Nobody but the owner may read them, and version control must not take them in. */
function writeSecrets(files: readonly RenderedFile[], folder: string): Diagnostic[] {
  const paths = files.map(({ path }) => path);
  const obstacles = obstructions(folder, paths);
  if (obstacles.length > 0) return obstacles;
  const exposed = files.flatMap(({ path }) => {
    const problem = exposedToGit(join(folder, path));
    return problem === undefined
      ? []
      : [secretCodes.report('not-ignored', [], { problem }, placed(join(folder, path)))];
  });
  if (exposed.length > 0) return exposed;
  const written = exclusively(folder, () => writeAll(files, { folder, modes: { file: 0o600, folder: 0o700 } }));
  return [...(written.value ?? []), ...written.diagnostics];
}

interface SecretValues {
  /** By reference text. */
  readonly values: ReadonlyMap<string, string>;
  readonly diagnostics: readonly Diagnostic[];
}

interface Sources {
  readonly env: Io['env'];
  /** Of the spec. */
  readonly folder: string;
}

const TOKEN = /^[A-Za-z0-9._~+/=-]+$/;

/** Follows every reference of a policy and checks what it finds. This is the only place that does. */
function secretValues(policy: Policy, sources: Sources): SecretValues {
  const values = new Map<string, string>();
  const problems: Diagnostic[] = [];
  const take = (reference: SecretReference) => {
    const found = values.get(reference.text) ?? follow(reference, sources);
    if (typeof found === 'string') values.set(reference.text, found);
    else problems.push(found);
  };
  for (const key of policy.apiKeys) [...key.keys, key.token].forEach(take);
  for (const reference of basicTokens(policy)) {
    const value = values.get(reference);
    if (value !== undefined) values.set(reference, basicCredential(value));
  }
  const diagnostics = [...problems, ...checkShapes(policy, values), ...checkSame(policy.apiKeys, values)];
  return { values, diagnostics };
}

/** `user:password` as Basic sends it, in base64; what is base64 already holds no colon. */
function basicCredential(value: string): string {
  return value.includes(':') ? Buffer.from(value).toString('base64') : value;
}

function isBasicCredential(value: string): boolean {
  const decoded = Buffer.from(value, 'base64');
  return decoded.toString('base64') === value && decoded.includes(':');
}

function follow({ scheme, text, origin }: SecretReference, { env, folder }: Sources): string | Diagnostic {
  const name = text.slice(text.indexOf(':') + 1);
  switch (scheme) {
    case 'env':
      return env[name] || secretCodes.report('unset', origin, { reference: text });
    case 'file':
      return readSecret(resolve(folder, name), { text, origin });
    case 'vault':
      return secretCodes.report('not-here', origin, { reference: text });
  }
}

function readSecret(file: string, { text, origin }: Pick<SecretReference, 'text' | 'origin'>): string | Diagnostic {
  try {
    // Editors and `echo` end a file with a line feed that is no part of the secret.
    const found = readBytes(file);
    if ('problem' in found) return secretCodes.report('unreadable', origin, { reference: text, ...found });
    const value = Buffer.from(found.bytes)
      .toString('utf8')
      .replace(/\r?\n$/, '');
    return value || secretCodes.report('unset', origin, { reference: text });
  } catch (error) {
    return secretCodes.report('unreadable', origin, { reference: text, problem: systemProblem(error) });
  }
}

function checkShapes(policy: Policy, values: ReadonlyMap<string, string>): Diagnostic[] {
  const basics = basicTokens(policy);
  const wrong = (reference: SecretReference, fits: (value: string) => boolean) => {
    const value = values.get(reference.text);
    return value !== undefined && !fits(value);
  };
  return policy.apiKeys.flatMap(({ keys, token }) => [
    ...keys
      .filter((key) => wrong(key, isKeyShaped))
      .map((key) => secretCodes.report('bad-key', key.origin, { reference: key.text })),
    ...(wrong(token, (value) => TOKEN.test(value))
      ? [secretCodes.report('bad-token', token.origin, { reference: token.text })]
      : []),
    ...(basics.has(token.text) && wrong(token, isBasicCredential)
      ? [secretCodes.report('bad-basic', token.origin, { reference: token.text })]
      : []),
  ]);
}

/** A key that two callers share, or that is somebody's token, makes the one pass for the other. */
function checkSame(apiKeys: readonly ApiKey[], values: ReadonlyMap<string, string>): Diagnostic[] {
  const tokens = new Map(apiKeys.map(({ token }) => [values.get(token.text), token.text]));
  const owners = new Map<string, string>();
  return apiKeys.flatMap(({ id, keys }) =>
    keys.flatMap(({ text: reference, origin }) => {
      const value = values.get(reference);
      if (value === undefined) return [];
      const owner = owners.get(value);
      const other = tokens.get(value);
      owners.set(value, owner ?? id);
      return [
        ...(owner === undefined ? [] : [secretCodes.report('same-key', origin, { reference, key: owner })]),
        ...(other === undefined ? [] : [secretCodes.report('key-is-token', origin, { reference, other })]),
      ];
    }),
  );
}

/** Why a file would end up in version control; `undefined` where it would not. */
function exposedToGit(path: string): string | undefined {
  const file = resolve(path);
  const tree = workTreeAbove(dirname(file));
  if (tree === undefined) return undefined;
  // Variables of an outer git, as in a hook, would make it look at another work tree.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')));
  const { status, error } = spawnSync('git', ['check-ignore', '-q', '--', file], { cwd: tree, env, stdio: 'ignore' });
  if (status === 0) return undefined;
  if (status === 1) return 'git does not ignore it';
  return error
    ? 'it is in a git work tree, and git cannot be started to ask whether it is ignored'
    : 'git cannot tell whether it is ignored';
}

function workTreeAbove(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : workTreeAbove(parent);
}
