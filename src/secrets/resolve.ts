import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { basicTokens } from '../policy/apiKeys.ts';
import type { Policy, SecretReference } from '../policy/types.ts';
import type { SecretScheme } from '../spec/scalars.ts';
import type { Answer, Found, Source, SourceContext } from './found.ts';
import { fromEnvironment, fromFile } from './local.ts';
import { fromKubernetes, fromSops } from './programs.ts';
import { vaultSource } from './vault.ts';

type Sources = Readonly<Record<SecretScheme, Source>>;

/** Returns what follows references, for all passes of one round. */
export function openSources(): Sources {
  return { env: fromEnvironment, file: fromFile, vault: vaultSource(), k8s: fromKubernetes, sops: fromSops };
}

export interface Resolved {
  /** Values by the text of the reference, in the form that targets use. */
  readonly values: ReadonlyMap<string, string>;
  /** What was found for each reference. */
  readonly found: ReadonlyMap<string, Found>;
  /** References that were not followed, because that would have issued a secret. */
  readonly unread: readonly SecretReference[];
  readonly diagnostics: readonly Diagnostic[];
}

export interface ResolveContext extends SourceContext {
  readonly sources: Sources;
}

/** Follows references of a policy. Nothing else follows any. */
export async function resolveSecrets(
  policy: Policy,
  references: readonly SecretReference[],
  { sources, ...context }: ResolveContext,
): Promise<Resolved> {
  const answers = new Map<string, Answer>();
  for (const [scheme, follow] of Object.entries(sources)) {
    const wanted = references.filter((one) => one.scheme === scheme);
    if (wanted.length === 0) continue;
    for (const [text, answer] of await follow(wanted, context)) answers.set(text, answer);
  }
  return sorted(policy, references, answers);
}

function sorted(
  policy: Policy,
  references: readonly SecretReference[],
  answers: ReadonlyMap<string, Answer>,
): Resolved {
  const diagnostics: Diagnostic[] = [];
  const unread: SecretReference[] = [];
  const found = new Map<string, Found>();
  const values = new Map<string, string>();
  const basics = basicTokens(policy);
  for (const reference of references) {
    const answer = answers.get(reference.text) ?? 'unread';
    if (answer === 'unread') unread.push(reference);
    else if (!('value' in answer)) diagnostics.push(answer);
    else {
      if (answer.warning) diagnostics.push(answer.warning);
      found.set(reference.text, answer);
      values.set(reference.text, basics.has(reference.text) ? basicCredential(answer.value) : answer.value);
    }
  }
  return { values, found, unread, diagnostics };
}

/** Returns `user:password` in base64, as Basic sends it. A value without a colon is in base64 already. */
function basicCredential(value: string): string {
  return value.includes(':') ? Buffer.from(value).toString('base64') : value;
}
