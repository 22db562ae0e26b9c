import { ok, type Result } from '../../diagnostics/diagnostic.ts';
import { keyPosition } from '../../plan/log.ts';
import type { SecretReference } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import { ofReferences } from '../references.ts';
import type { RenderedFile, SecretsInput } from '../target.ts';
import { formatCaddyfile } from './layout.ts';
import { lookup } from './table.ts';

/**
 * Returns the file of keys: a table from a key to "id position token". Two tables, for callers and for tokens, would
 * double the look-ups of every request. Keys and tokens hold no blanks, braces or quotes, so that they are always plain
 * text.
 */
export function secrets({ policy, values }: SecretsInput): Result<readonly RenderedFile[]> {
  if (policy.apiKeys.length === 0) return ok([]);
  const valueOf = ({ text }: SecretReference): string[] => {
    const value = values.get(text) ?? '';
    if (value !== '' && !/^[A-Za-z0-9._~+/=-]+$/.test(value)) throw new Error(`the value of ${text} was not checked`);
    return value === '' ? [] : [value];
  };
  const entries = policy.apiKeys.flatMap(({ id, keys, token }) => {
    const [given = ''] = valueOf(token);
    return keys.flatMap((reference, index) =>
      valueOf(reference).map((key) => [key, `${id} ${keyPosition(index)} ${given}`] as const),
    );
  });
  const tables = lookup({ source: '{key.given}', destination: 'key.found', entries });
  const text = formatCaddyfile(renderTemplate('caddy', 'secrets.njk', { tables }));
  return ok([{ path: 'caddy/secrets/keys', text: ofReferences(text, policy, 'both'), comment: '#' }]);
}
