import { KEY_MAX_LENGTH, KEY_MIN_LENGTH } from '../../policy/key.ts';
import { type Draft, replaceField, withField, withoutField } from '../draft.ts';
import type { Workshop } from './base.ts';

const swapCase = (text: string) =>
  text.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));

/** Values of a key header made from good keys, most of them not good any more. */
function valuesFrom(key: string, { random }: Workshop): string {
  const index = random.below(key.length);
  const char = key[index] ?? '';
  return random.pick([
    swapCase(key),
    key.toLowerCase(),
    key.toUpperCase(),
    key.slice(0, index) + swapCase(char) + key.slice(index + 1),
    key.slice(0, index) + (char === 'x' ? 'y' : 'x') + key.slice(index + 1),
    key.slice(0, -1),
    key.slice(1),
    `${key}x`,
    `x${key}`,
    `${key},`,
    `${key},evil`,
    `${key} , ${key}`,
    `,${key}`,
    `evil,${key}`,
    `${key};`,
    `"${key}"`,
    `Bearer ${key}`,
    `${key} x`,
    `${key}\tx`,
    `\t ${key} \t`,
    `${key}%00`,
    `${key}\xff`,
    '',
    ',',
    '*',
    '~',
    '~.*',
    'default',
    '{env.HOME}',
    `{http.request.header.X}`,
    '$http_x',
    'x'.repeat(KEY_MIN_LENGTH - 1),
    'x'.repeat(KEY_MIN_LENGTH),
    'x'.repeat(KEY_MAX_LENGTH),
    'x'.repeat(KEY_MAX_LENGTH + 1),
    'x'.repeat(7_000),
    // Only its end is that of a good key, where an engine looks keys up by their end.
    'x'.repeat(Math.max(1, key.length - 8)) + key.slice(-8),
    key.slice(0, 8) + 'x'.repeat(Math.max(1, key.length - 8)),
  ]);
}

/** Another caller, no caller, or somebody who nearly is one. */
export function mutateKey(draft: Draft, workshop: Workshop): Draft {
  const { ground, random } = workshop;
  const { apiKeyHeader } = ground.proxy;
  const bare = withoutField(draft, apiKeyHeader);
  if (ground.callers.length === 0) return withField(bare, apiKeyHeader, 'x'.repeat(KEY_MIN_LENGTH));
  const anyKey = () => random.pick(ground.secrets.keysOf(random.pick(ground.callers).id));
  const key = anyKey();
  const twin = (name: string) => withField(bare, name, key);
  return random.pick<() => Draft>([
    () => bare,
    () => withField(bare, apiKeyHeader, key),
    () => withField(bare, apiKeyHeader, key),
    () => withField(bare, apiKeyHeader, valuesFrom(key, workshop)),
    () => withField(bare, apiKeyHeader, valuesFrom(key, workshop)),
    () => withField(bare, apiKeyHeader, valuesFrom(key, workshop)),
    () => withField(withField(bare, apiKeyHeader, anyKey()), apiKeyHeader, key),
    () => withField(withField(bare, apiKeyHeader, key), apiKeyHeader, 'evil'),
    () => withField(withField(bare, apiKeyHeader, 'evil'), apiKeyHeader, key),
    () => withField(withField(bare, apiKeyHeader, ''), apiKeyHeader, key),
    () => twin(apiKeyHeader.toLowerCase()),
    () => twin(apiKeyHeader.toUpperCase()),
    () => twin(apiKeyHeader.replaceAll('-', '_')),
    () => twin(apiKeyHeader.replaceAll('-', '.')),
    () => twin(`X-${apiKeyHeader}`),
    () => withField(twin(apiKeyHeader.replaceAll('-', '_')), apiKeyHeader, 'x'.repeat(30)),
    () => withField(bare, 'Authorization', `Bearer ${key}`),
    () => replaceField(bare, 'Cookie', `private_token=${key}`),
  ])();
}
