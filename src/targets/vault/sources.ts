import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { referencesOf } from '../../policy/apiKeys.ts';
import type { Policy, VaultRole } from '../../policy/types.ts';
import { issuerOf } from '../../policy/vaultTokens.ts';
import { vaultCodes } from './codes.ts';
import type { VaultOptions } from './options.ts';

/** What a `vault:` reference means in Vault. */
export interface VaultSource {
  /** Path as the API has it, with `data/` in a key-value store of version 2. */
  readonly path: string;
  /** Path as the reference has it, by which External Secrets asks a store. */
  readonly name: string;
  /** The field in the data of the answer, from the outermost name to the innermost. */
  readonly field: readonly string[];
  /** The role that issues the secret; absent for one of a key-value store. */
  readonly role?: VaultRole;
  readonly isVersioned: boolean;
}

const PLAIN_PATH = /^[A-Za-z0-9_.@-]+(?:\/[A-Za-z0-9_.@-]+)*$/;

/** Returns what each `vault:` reference of the spec means, and reports those that cannot be expressed. */
export function sourcesOf(
  policy: Policy,
  { stores = {} }: VaultOptions,
  problems: Diagnostic[],
): ReadonlyMap<string, VaultSource> {
  const sources = new Map<string, VaultSource>();
  for (const { text, origin, scheme } of referencesOf(policy)) {
    if (scheme !== 'vault') continue;
    const [path = '', field = ''] = text.slice('vault:'.length).split('#');
    if (!PLAIN_PATH.test(path) || !PLAIN_PATH.test(field)) {
      const problem = 'a policy or a template would read more into it than a path';
      problems.push(vaultCodes.report('odd-reference', origin, { reference: text, problem }));
      continue;
    }
    const inside = field.split('/');
    const role = issuerOf(policy, text);
    const store = Object.entries(stores)
      .toSorted(([a], [b]) => b.length - a.length)
      .find(([mount]) => path.startsWith(`${mount}/`));
    if (role) sources.set(text, { path, name: path, field: inside, role, isVersioned: false });
    else if (!store) problems.push(vaultCodes.report('unknown-store', origin, { reference: text }));
    else sources.set(text, stored(store, path, inside));
  }
  return sources;
}

function stored([mount, version]: readonly [string, 1 | 2], path: string, field: readonly string[]): VaultSource {
  if (version === 1) return { path, name: path, field, isVersioned: false };
  const rest = path.slice(mount.length + 1).replace(/^data\//, '');
  return { path: `${mount}/data/${rest}`, name: `${mount}/${rest}`, field, isVersioned: true };
}
