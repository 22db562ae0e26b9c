import type { HeaderFields } from '../policy/request.ts';
import type { Forwarding } from '../policy/types.ts';
import type { ChangeKind, Effect } from './types.ts';

export interface FieldDifference {
  readonly kind: ChangeKind;
  readonly effect: Effect;
  /** Follows the request in a sentence. */
  readonly words: string;
  /** What the example request needs to show the difference. */
  readonly headers?: HeaderFields;
}

/** What differs in how two versions forward a request that both forward to the same place. */
export function fieldDifferences(before: Forwarding, after: Forwarding): FieldDifference[] {
  return [
    ...headerDifferences(before.headers, after.headers),
    ...typeDifferences(before.contentTypes, after.contentTypes),
    ...sizeDifferences(before, after),
    ...websocketDifferences(before.websocket, after.websocket),
  ];
}

function headerDifferences(before: readonly string[], after: readonly string[]): FieldDifference[] {
  const added = after.filter((header) => !before.includes(header));
  const removed = before.filter((header) => !after.includes(header));
  const told = (effect: Effect, words: string): FieldDifference => ({ kind: 'headers', effect, words });
  return [
    ...(added.length > 0 ? [told('widening', `lets the request headers ${added.join(', ')} through now`)] : []),
    ...(removed.length > 0
      ? [told('narrowing', `lets the request headers ${removed.join(', ')} through no longer`)]
      : []),
  ];
}

type Types = Forwarding['contentTypes'];

/** Types that people know, for examples. */
const FAMILIAR = ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain', 'application/octet-stream'];

/** A type of `wide` that is not of `narrow`. */
function onlyIn(wide: Types, narrow: Types): string | undefined {
  if (narrow === 'any') return undefined;
  if (wide !== 'any') return wide.find((type) => !narrow.includes(type));
  const familiar = FAMILIAR.find((type) => !narrow.includes(type));
  // Longer than every listed type, so it is none of them.
  return familiar ?? `application/x-${narrow.join('').replace(/[^a-z0-9]/g, '')}`;
}

function typeDifferences(before: Types, after: Types): FieldDifference[] {
  const list = (types: Types) =>
    types === 'any' ? 'of any type' : types.length === 0 ? 'of no type' : types.join(', ');
  const words = `takes bodies ${list(after)} (before: ${list(before)})`;
  const told = (effect: Effect, type: string): FieldDifference => ({
    kind: 'content-types',
    effect,
    words,
    headers: [
      ['Content-Type', type],
      ['Content-Length', '1'],
    ],
  });
  const added = onlyIn(after, before);
  const removed = onlyIn(before, after);
  return [
    ...(added === undefined ? [] : [told('widening', added)]),
    ...(removed === undefined ? [] : [told('narrowing', removed)]),
  ];
}

function sizeDifferences(before: Forwarding, after: Forwarding): FieldDifference[] {
  const [left, right] = [before.maxBody ?? Number.POSITIVE_INFINITY, after.maxBody ?? Number.POSITIVE_INFINITY];
  const type = commonType(before.contentTypes, after.contentTypes);
  // No body passes both, so that the types have told the whole difference.
  if (left === right || type === undefined) return [];
  const size = (bytes: number) => (Number.isFinite(bytes) ? `of up to ${bytes} bytes` : 'of any size');
  return [
    {
      kind: 'max-body',
      effect: right > left ? 'widening' : 'narrowing',
      words: `takes bodies ${size(right)} (before: ${size(left)})`,
      headers: [
        ['Content-Type', type],
        ['Content-Length', String(Math.min(left, right) + 1)],
      ],
    },
  ];
}

function commonType(before: Types, after: Types): string | undefined {
  if (before === 'any') return after === 'any' ? 'application/json' : after[0];
  return after === 'any' ? before[0] : before.find((type) => after.includes(type));
}

function websocketDifferences(before: boolean, after: boolean): FieldDifference[] {
  if (before === after) return [];
  const words = after ? 'takes WebSocket upgrades now' : 'takes WebSocket upgrades no longer';
  return [{ kind: 'websocket', effect: after ? 'widening' : 'narrowing', words }];
}
