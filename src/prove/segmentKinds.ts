import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../policy/segment.ts';
import { settled, stateAfter } from './language.ts';
import { wholly } from './matching.ts';

export const TYPES = PARAMETER_TYPES.map((type) => ({ type, own: wholly(`/${segmentSource(type)}`) }));
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
    const key = byte === SLASH ? '/' : TYPES.map(({ own }) => own.columnOf[byte]).join();
    const id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    return id;
  });
  return columns;
}

/** The types of segments, walked all at once. */
export class Kinds {
  private readonly vectors: (readonly number[])[] = [[], TYPES.map(({ own }) => stateAfter(own, '/'))];
  private readonly ids = new Map<string, number>([[this.vectors[START]?.join() ?? '', START]]);
  private readonly known: number[][] = [];

  next(kind: number, byte: number): number {
    if (kind === DEAD) return DEAD;
    const row = this.known[kind] ?? [];
    this.known[kind] = row;
    const to = row[byte] ?? this.find(kind, String.fromCharCode(byte));
    row[byte] = to;
    return to;
  }

  private find(kind: number, character: string): number {
    const vector = TYPES.map(({ own }, index) => stateAfter(own, character, this.vectors[kind]?.[index]));
    if (vector.every((state, index) => TYPES[index] && settled(TYPES[index].own, state) === false)) return DEAD;
    const key = vector.join();
    const id = this.ids.get(key) ?? this.vectors.push(vector) - 1;
    this.ids.set(key, id);
    return id;
  }

  /** The narrowest type that takes the segment. */
  type(kind: number): ParameterType | undefined {
    const vector = this.vectors[kind] ?? [];
    return TYPES.find(({ own }, index) => own.accepts[vector[index] ?? -1] === 1)?.type;
  }
}
