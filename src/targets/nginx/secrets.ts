import { createHash } from 'node:crypto';
import type { Diagnostic, Result } from '../../diagnostics/diagnostic.ts';
import { resultOf } from '../../diagnostics/diagnostic.ts';
import { keyPosition } from '../../plan/log.ts';
import type { ApiKey } from '../../policy/types.ts';
import { renderTemplate } from '../../render/render.ts';
import { ofReferences } from '../references.ts';
import type { RenderedFile, SecretsInput } from '../target.ts';
import { nginxCodes } from './codes.ts';
import { SELECTOR_LENGTH, salt } from './identity.ts';
import type { MapEntry } from './model.ts';
import { LONGEST_TOKEN, literal, mapKey, textProblem } from './quote.ts';

/**
 * Returns the files of keys and tokens. Keys are hashed; tokens are not, because they have to be sent. There are two
 * files, since keys and tokens rotate at different times. A key or token without a value gets no entry, and without its
 * entry no request passes.
 */
export function secretFiles({ policy, values }: SecretsInput): Result<readonly RenderedFile[]> {
  const problems: Diagnostic[] = [];
  const keys: MapEntry[] = [];
  const tokens: MapEntry[] = [];
  const seen = new Map<string, ApiKey>();
  for (const key of policy.apiKeys) {
    for (const [index, { text, origin }] of key.keys.entries()) {
      const secret = values.get(text);
      if (!secret) continue;
      const selector = secret.slice(-SELECTOR_LENGTH);
      const other = seen.get(selector.toLowerCase());
      if (other)
        problems.push(
          nginxCodes.report(
            'selector-collision',
            origin,
            { key: key.id, other: other.id },
            { related: [{ at: other.origin, message: 'the other one' }] },
          ),
        );
      seen.set(selector.toLowerCase(), key);
      keys.push(entry(`hash:${selector}`, hashOf(salt(policy) + secret)), entry(`id:${selector}`, key.id));
      if (index > 0) keys.push(entry(`position:${selector}`, keyPosition(index)));
    }
    const token = values.get(key.token.text);
    if (!token) continue;
    if (textProblem(token) === undefined) tokens.push(entry(key.id, token));
    else
      problems.push(
        nginxCodes.report('long-token', key.token.origin, { reference: key.token.text, limit: LONGEST_TOKEN }),
      );
  }
  const files = [
    {
      path: 'nginx/secrets/keys.conf',
      text: ofReferences(renderTemplate('nginx', 'entries.conf.njk', { entries: keys }), policy, 'keys'),
      comment: '#' as const,
    },
    {
      path: 'nginx/secrets/tokens.conf',
      text: ofReferences(renderTemplate('nginx', 'entries.conf.njk', { entries: tokens }), policy, 'tokens'),
      comment: '#' as const,
    },
  ];
  return resultOf(files, problems);
}

function entry(key: string, value: string): MapEntry {
  return { key: mapKey(key), value: literal(value), comments: [] };
}

/**
 * secure_link_md5 is the only hash of nginx. It only has to resist finding a random key of 20 characters, which MD5
 * does.
 */
function hashOf(text: string): string {
  return createHash('md5').update(text).digest('base64url');
}
