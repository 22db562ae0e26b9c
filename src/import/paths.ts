import type { PathPattern, PatternSegment } from '../policy/pattern.ts';
import type { ParameterType } from '../policy/segment.ts';
import { type Machine, machineOf, representatives, type Together } from './machine.ts';
import { ALL_BYTES, type ByteSet, literalBytes, type Regex, without } from './regex.ts';

const byteSet = (text: string): ByteSet => new Set(Buffer.from(text, 'latin1'));
const DIGITS = '0123456789';
const HEX = `${DIGITS}abcdefABCDEF`;
const CONTROLS = new Set([...Array.from({ length: 32 }, (_, byte) => byte), 127]);
const SEGMENT = without(without(ALL_BYTES, CONTROLS), byteSet('/\\%?#'));

/** Bytes that a decoded segment of a type may hold: for some types a few more than real values have, never fewer. */
const DECODED: Readonly<Record<ParameterType, ByteSet>> = {
  int: byteSet(DIGITS),
  hex: byteSet(HEX),
  uuid: byteSet(`${HEX}-`),
  slug: new Set([...ALL_BYTES].filter((byte) => /[A-Za-z0-9._-]/.test(String.fromCharCode(byte)))),
  segment: SEGMENT,
  encodedPath: new Set([...SEGMENT, 0x2f]),
  encodedText: without(ALL_BYTES, CONTROLS),
};

const SLASH = literalBytes('/');
const many = (bytes: ByteSet): Regex => ({
  kind: 'repeat',
  part: { kind: 'bytes', bytes },
  least: 1,
  most: Number.POSITIVE_INFINITY,
});

function decodedSegment(segment: PatternSegment): readonly Regex[] {
  switch (segment.kind) {
    case 'literal':
      return literalBytes(decoded(segment.text));
    case 'choice':
      return [{ kind: 'choice', parts: segment.values.map((value) => sequence(literalBytes(decoded(value)))) }];
    case 'parameter':
      return [many(DECODED[segment.type])];
    case 'rest': {
      const one = many(DECODED[segment.type]);
      const more: Regex = { kind: 'repeat', part: sequence([...SLASH, one]), least: 0, most: Number.POSITIVE_INFINITY };
      return [one, more];
    }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function sequence(parts: readonly Regex[]): Regex {
  return { kind: 'sequence', parts };
}

/** Returns a machine for the decoded paths of a pattern, because servers decode a path before they decide. */
function decodedPaths({ segments }: PathPattern): Machine | undefined {
  const parts = segments.flatMap((segment) => [...SLASH, ...decodedSegment(segment)]);
  return machineOf(sequence([{ kind: 'start' }, ...parts, { kind: 'end' }]));
}

/** Most pairs of states that are visited. Patterns that need more are reported as unknown. */
const MOST_STATES = 20_000;

/**
 * Calls `visit` with the numbers of the machines that accept a path of the pattern: once for each combination that some
 * path has, until `visit` returns `enough`.
 * @returns false where there were too many states to see all combinations
 */
export function visitPaths(
  pattern: PathPattern,
  machines: Together,
  visit: (accepting: readonly number[]) => 'more' | 'enough',
): boolean {
  const own = decodedPaths(pattern);
  if (!own) return false;
  const bytes = representatives(own.marks, machines.classes);
  const told = new Set<string>();
  const seen = new Set<string>();
  const queue: (readonly [own: number, others: number])[] = [];
  const enter = (at: number, others: number) => {
    const key = `${at} ${others}`;
    if (own.isDead(at) || seen.has(key)) return;
    seen.add(key);
    queue.push([at, others]);
  };
  enter(0, 0);
  for (const [at, others] of queue) {
    if (seen.size > MOST_STATES) return false;
    if (own.accepts(at)) {
      const accepting = machines.accepts(others);
      const key = accepting.join();
      if (!told.has(key) && visit(accepting) === 'enough') return true;
      told.add(key);
    }
    for (const byte of bytes) {
      const next = own.next(at, byte);
      if (!own.isDead(next)) enter(next, machines.next(others, byte));
    }
  }
  return true;
}

/** Returns the numbers of the machines that accept a decoded path. */
export function acceptedBy(machines: Together, path: string): readonly number[] {
  return machines.accepts([...Buffer.from(path, 'utf8')].reduce((state, byte) => machines.next(state, byte), 0));
}
