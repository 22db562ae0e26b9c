import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../policy/segment.ts';
import { either, type Language, settled, stateAfter, without } from './language.ts';
import { lazily } from './lazily.ts';
import { wholly } from './matching.ts';

/** The types of segments, the narrowest first. */
export const TYPES = lazily((): readonly Way<ParameterType>[] =>
  PARAMETER_TYPES.map((type) => ({ own: wholly(`/${segmentSource(type)}`), to: type })),
);
const NOTHING = lazily(() => without(wholly(''), wholly('')));
export const SLASH = '/'.charCodeAt(0);
/** The kind of segments that no type takes, whatever follows. */
export const DEAD = 0;
/** The kind of a segment that has just begun. */
export const START = 1;

/** More than there are kinds of segments. */
export const MOST_KINDS = 65_536;

/** All bytes but NUL; those that read well come first. */
export const BYTES: readonly number[] = [
  ...new Set([...'aA0z9-._~/'].map((character) => character.charCodeAt(0)).concat([...Array(256).keys()].slice(1))),
];

let columns: readonly number[] | undefined;

/** Returns a number for each byte, the same for bytes that all types treat alike. */
export function columnsOfTypes(): readonly number[] {
  if (columns) return columns;
  const ids = new Map<string, number>();
  columns = Array.from({ length: 256 }, (_, byte) => {
    const key =
      byte === SLASH
        ? '/'
        : TYPES()
            .map(({ own }) => own.columnOf[byte])
            .join();
    const id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    return id;
  });
  return columns;
}

/** Segments and where they lead. */
interface Way<T> {
  /** With a slash in front. */
  readonly own: Language;
  readonly to: T;
}

/** Returns the disjoint ways that segments of a state take by their types. */
export function waysOf(parameters: Readonly<Partial<Record<ParameterType, number>>>): readonly Way<number>[] {
  const found = new Map<number, Language>();
  let narrower = NOTHING();
  for (const { to: type, own } of TYPES()) {
    const next = parameters[type];
    if (next !== undefined) found.set(next, either(found.get(next) ?? NOTHING(), without(own, narrower)));
    narrower = either(narrower, own);
  }
  return [...found].map(([to, own]) => ({ own, to }));
}

/** Ways of segments, walked all at once. */
export class Kinds<T> {
  private readonly ways: readonly Way<T>[];
  private readonly vectors: (readonly number[])[];
  private readonly ids: Map<string, number>;
  private readonly known: number[][] = [];

  constructor(ways: readonly Way<T>[]) {
    const start = ways.map(({ own }) => stateAfter(own, '/'));
    this.ways = ways;
    this.vectors = [[], start];
    this.ids = new Map([[start.join(), START]]);
  }

  next(kind: number, byte: number): number {
    if (kind === DEAD) return DEAD;
    const row = this.known[kind] ?? [];
    this.known[kind] = row;
    const to = row[byte] ?? this.find(kind, String.fromCharCode(byte));
    row[byte] = to;
    return to;
  }

  private find(kind: number, character: string): number {
    const vector = this.ways.map(({ own }, index) => stateAfter(own, character, this.vectors[kind]?.[index]));
    if (vector.every((state, index) => this.ways[index] && settled(this.ways[index].own, state) === false)) return DEAD;
    const key = vector.join();
    const id = this.ids.get(key) ?? this.vectors.push(vector) - 1;
    this.ids.set(key, id);
    return id;
  }

  /** The first way that takes the segment. */
  end(kind: number): T | undefined {
    const vector = this.vectors[kind] ?? [];
    return this.ways.find(({ own }, index) => own.accepts[vector[index] ?? -1] === 1)?.to;
  }
}
