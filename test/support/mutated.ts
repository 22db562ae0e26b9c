import type { randomOf } from '../../src/verify/random.ts';

export type Random = ReturnType<typeof randomOf>;

const WORDS = ['0.0.0.0/0', 'evil.example.com', 'default', '"~.*"', '1', 'off', '""', '$http_x', '{', '}', '.', 'any'];

/** A line goes, comes twice, changes places with the next, or has another word, one fewer or one more. */
export function mutatedText(text: string, random: Random): string {
  const lines = text.split('\n');
  const at = random.pick(lines.flatMap((line, index) => (/^\s*(?:#|$)/.test(line) ? [] : [index])));
  const line = lines[at] ?? '';
  const words = line.trim().split(/ +/);
  const word = random.below(words.length);
  const indent = /^\s*/.exec(line)?.[0] ?? '';
  const withWords = (changed: readonly string[]) => lines.with(at, indent + changed.join(' ')).join('\n');
  switch (random.below(6)) {
    case 0:
      return lines.toSpliced(at, 1).join('\n');
    case 1:
      return lines.toSpliced(at, 0, line).join('\n');
    case 2:
      return lines.toSpliced(at, 2, lines[at + 1] ?? '', line).join('\n');
    case 3:
      return withWords(words.with(word, random.pick(WORDS) + (/[;{]$/.exec(words[word] ?? '')?.[0] ?? '')));
    case 4:
      return withWords(words.toSpliced(word, 1));
    default:
      return withWords(words.toSpliced(word, 0, random.pick(WORDS)));
  }
}

export type Json = Readonly<Record<string, unknown>>;

/** Somewhere in a value a member goes, comes twice, changes places or is another. */
export function mutatedJson(value: unknown, random: Random): unknown {
  const isDeep = (item: unknown) => typeof item === 'object' && item !== null && Object.keys(item).length > 0;
  if (Array.isArray(value)) {
    const at = random.below(value.length);
    if (isDeep(value[at]) && random.chance(0.8)) return value.with(at, mutatedJson(value[at], random));
    return random.pick([
      () => value.toSpliced(at, 1),
      () => value.toSpliced(at, 0, value[at]),
      () => value.toSpliced(at, 2, ...value.slice(at, at + 2).reverse()),
      () => value.with(at, 'evil.example.com'),
    ])();
  }
  const record = value as Json;
  const name = random.pick(Object.keys(record));
  const { [name]: item, ...others } = record;
  if (isDeep(item) && random.chance(0.9)) return { ...record, [name]: mutatedJson(item, random) };
  return random.pick([
    () => others,
    () => ({ ...record, [name]: typeof item === 'number' ? item + 1 : typeof item === 'string' ? `${item}x` : 'x' }),
    () => ({ ...record, evil: true }),
  ])();
}
