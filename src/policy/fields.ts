import { canonical } from '../source/value.ts';
import type { HeaderFields } from './request.ts';
import type { ApiKey, DomainRewrite, Forwarding, Proxy, Upstream } from './types.ts';

/**
 * The effect of a difference on access. `unclear`: it may allow more, and the spec does not say whether it does; a gate
 * must treat it as widening. `neutral`: nobody can do more or less.
 */
export type Effect = 'widening' | 'narrowing' | 'unclear' | 'neutral';

/** One way in which a field of a record differs between two versions. */
export interface Difference {
  readonly effect: Effect;
  /** What differs, as the end of a sentence about the record: `takes WebSocket upgrades now`. */
  readonly words: string;
  /** Headers that a request needs so that the two versions decide it differently. */
  readonly headers?: HeaderFields;
}

/** Why a change of a field is not reported. */
export interface Harmless {
  readonly cannotLoosen: string;
}

/** Kinds of change that are named after a field. */
export type FieldKind =
  | 'client-address'
  | 'content-types'
  | 'cors'
  | 'headers'
  | 'health'
  | 'hosts'
  | 'key-header'
  | 'listen'
  | 'max-body'
  | 'public-url'
  | 'request-head'
  | 'rate-limit'
  | 'response-headers'
  | 'rewrite'
  | 'tls'
  | 'token'
  | 'upstream'
  | 'websocket';

/**
 * How two versions of a field are compared: by a function of the two values; by comparing decisions on requests or
 * names (`decided`); or not at all, because the field tells one record from another (`identity`).
 */
type Compare<Row> = (before: Row, after: Row) => readonly Difference[];

interface FieldBase<Row> {
  /** Name of the field in a sentence. */
  readonly words: string;
  /** How the evaluator shows a difference: by a refusal, or in what is forwarded. */
  readonly shownBy?: 'refusal' | 'forwarding';
  /** Returns the value in a form that is equal for equal meanings; absent if the value itself is. */
  readonly normal?: (row: Row) => unknown;
}

/** The declaration of one field of a record. */
export type Field<Row> = FieldBase<Row> &
  (
    | { readonly compare: Compare<Row>; readonly kind: FieldKind }
    | { readonly compare: 'decided' | 'identity' | Harmless; readonly kind?: undefined }
  );

/**
 * The meaning of each field of a record, for identity, conflicts, access diff and explanation. A field without an entry
 * does not compile.
 */
export type FieldTable<Row> = { readonly [Name in keyof Required<Row>]: Field<Row> };

type NamedField<Row> = Field<Row> & { readonly name: keyof Row & string };

const fieldLists = new WeakMap<object, unknown>();

function fieldsOf<Row>(table: FieldTable<Row>): readonly NamedField<Row>[] {
  // Safe: only this function writes to `fieldLists`, and Object.entries loses the type of the names.
  const list = (fieldLists.get(table) ??
    Object.entries<Field<Row>>(table).map(([name, field]) => ({ name, ...field }))) as readonly NamedField<Row>[];
  fieldLists.set(table, list);
  return list;
}

function valueOf<Row>(row: Row, { name, normal }: NamedField<Row>): string {
  return canonical(normal ? normal(row) : row[name]);
}

function sameIn<Row>(a: Row, b: Row, field: NamedField<Row>): boolean {
  return (!field.normal && a[field.name] === b[field.name]) || valueOf(a, field) === valueOf(b, field);
}

/**
 * Returns the picked fields of a record as text. Two records have equal texts if these fields are equal, and only then.
 */
export function identityOf<Row>(table: FieldTable<Row>, row: Row, picks: (field: Field<Row>) => boolean): string {
  return JSON.stringify(
    fieldsOf(table)
      .filter(picks)
      .map((field) => valueOf(row, field)),
  );
}

/** Returns the name of the first field in which two records differ. */
export function firstDifference<Row>(table: FieldTable<Row>, a: Row, b: Row): string | undefined {
  if (a === b) return undefined;
  return fieldsOf(table).find((field) => !sameIn(a, b, field))?.words;
}

export interface FieldDifference<Row> extends Difference {
  readonly kind: FieldKind;
  readonly field: NamedField<Row>;
}

/** Returns the differences between two versions of a record, in the fields that are compared by a function. */
export function differencesOf<Row>(table: FieldTable<Row>, before: Row, after: Row): FieldDifference<Row>[] {
  const told = new Set<Compare<Row>>();
  return fieldsOf(table).flatMap((field): FieldDifference<Row>[] => {
    if (field.kind === undefined) return [];
    const { kind, compare } = field;
    // Fields with the same function share a sentence: scheme, host and port are reported once, as a URL.
    if (told.has(compare) || sameIn(before, after, field)) return [];
    told.add(compare);
    return compare(before, after).map((difference) => ({ ...difference, kind, field }));
  });
}

/**
 * Checks at compile time that a record was taken apart completely. A field added to it later does not compile here:
 * `const { upstream, auth, ...rest } = forwarding; nothingElse(rest);`
 */
export function nothingElse(_: Readonly<Record<string, never>>): void {}

type Says<Row> = { readonly [Name in keyof Required<Row>]: string };

/**
 * How an engine enforces each field of the policy, in a few words: the name of what it writes, or why it writes
 * nothing. A missing field does not compile.
 */
export interface Enforcement {
  readonly forwarding: Says<Forwarding>;
  readonly proxy: Says<Proxy>;
  readonly apiKey: Says<ApiKey>;
  readonly upstream: Says<Upstream>;
  readonly rewrite: Says<DomainRewrite>;
}
