import { ok, type Result } from '../../diagnostics/diagnostic.ts';
import type { SecretReference } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import type { RenderedFile, SecretsInput } from '../target.ts';
import { layOut } from './layout.ts';
import { lookup } from './lookup.ts';

/**
 * Who is calling and what the upstream gets, in two files because they rotate apart. The alphabets of keys and
 * tokens hold neither braces nor quotes, so none of them can become anything but text.
 */
export function secrets({ policy, values }: SecretsInput): Result<readonly RenderedFile[]> {
  if (policy.apiKeys.length === 0) return ok([]);
  const valueOf = ({ text }: SecretReference): string[] => {
    const value = values.get(text) ?? '';
    if (value !== '' && !/^[A-Za-z0-9._~+/=-]+$/.test(value)) throw new Error(`the value of ${text} was not checked`);
    return value === '' ? [] : [value];
  };
  const keys = policy.apiKeys.flatMap(({ id, keys }) => keys.flatMap(valueOf).map((key) => [key, id] as const));
  const tokens = policy.apiKeys.flatMap(({ id, token }) => valueOf(token).map((value) => [id, value] as const));
  const files = {
    keys: lookup({ source: '{key.given}', destination: 'key.id', entries: keys }),
    tokens: lookup({ source: '{http.vars.key}', destination: 'key.token', entries: tokens }),
  };
  return ok(
    Object.entries(files).map(([name, tables]) => ({
      path: `caddy/secrets/${name}`,
      text: layOut(renderTemplate('caddy', 'secrets.njk', { tables })),
      comment: '#' as const,
    })),
  );
}
