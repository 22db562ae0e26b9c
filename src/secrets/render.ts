import { type Diagnostic, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { fingerprint } from '../policy/shortened.ts';
import type { Policy, SecretReference } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from '../targets/index.ts';
import type { RenderedFile, SecretsInput, Target } from '../targets/target.ts';
import { secretCodes } from './codes.ts';

export interface RenderedSecrets {
  readonly files: readonly RenderedFile[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Returns the files with secrets of all targets of a spec. */
export function renderSecrets(spec: Spec, input: SecretsInput & { readonly policy: Policy }): RenderedSecrets {
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

/**
 * Returns values that stand for secrets not issued yet, so that everything else can be tried first. Each is like no
 * other, and both a key and `user:password` in base64.
 */
export function placeholders(references: readonly SecretReference[]): ReadonlyMap<string, string> {
  const placeholder = (text: string) => Buffer.from(`user:${fingerprint(text, 64)}`).toString('base64');
  return new Map(references.map(({ text }) => [text, placeholder(text)]));
}

/** Placeholder for tokens. It shows which files would hold one. */
const SLOT = 'a-token-of-somebody-else';

/** Returns the files with keys and without tokens, for when something else provides the tokens. */
export function renderKeys(spec: Spec, { policy, values }: SecretsInput): RenderedSecrets {
  const withSlots = new Map([...policy.apiKeys.map(({ token }) => [token.text, SLOT] as const), ...values]);
  const { files, diagnostics } = renderSecrets(spec, { policy, values: withSlots });
  const own = files.filter(({ text }) => !text.includes(SLOT));
  const none = own.length === 0 && !hasError(diagnostics);
  return { files: own, diagnostics: none ? [secretCodes.report('no-key-files', ['targets'], {})] : diagnostics };
}

/** Returns the files with secrets of one target. */
export function secretsOf(target: Target, input: SecretsInput): Result<readonly RenderedFile[]> {
  try {
    return target.secrets?.(input) ?? ok([]);
  } catch (error) {
    throw withoutWords(error, target.name);
  }
}

/**
 * Returns an error for a bug that occurred while secrets were in use: it holds the place, and no message, which may
 * quote a secret.
 */
function withoutWords(error: unknown, target: string): Error {
  const bug = new Error(`${target} failed on the secrets`);
  const { message = '', stack = '' } = error instanceof Error ? error : {};
  bug.stack = `${bug.name}: ${bug.message}${stack.slice(stack.indexOf(message) + message.length)}`;
  return bug;
}
