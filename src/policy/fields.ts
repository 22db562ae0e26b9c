import { canonical } from '../source/value.ts';
import type { HeaderFields } from './request.ts';
import type { ApiKey, DomainRewrite, Forwarding, Proxy, Upstream } from './types.ts';

/**
 * Who gains by a difference. `unclear`: more may be possible than before, and no spec says whether it is; a gate must
 * treat it as widening. `neutral`: nobody can do more or less.
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
 * How two versions of a field compare: a function, where the two values tell the difference; `decided`, where comparing
 * the decisions on requests or names finds it; `identity`, where the field tells one record from another.
 */
type Compare<Row> = (before: Row, after: Row) => readonly Difference[];

interface FieldBase<Row> {
  /** Its name in a sentence. */
  readonly words: string;
  /** What shows a difference to the evaluator: that a request is refused, or what is forwarded. */
  readonly shownBy?: 'refusal' | 'forwarding';
  /** The value in a form that is equal exactly where it means the same; absent: the value itself. */
  readonly normal?: (row: Row) => unknown;
}

/** All that the tool has to know of one field of a record. */
export type Field<Row> = FieldBase<Row> &
  (
    | { readonly compare: Compare<Row>; readonly kind: FieldKind }
    | { readonly compare: 'decided' | 'identity' | Harmless; readonly kind?: undefined }
  );

/**
 * The one place that says what each field of a record means to identity, conflicts, access diff and explanation. A
 * field without an entry does not compile.
 */
export type FieldTable<Row> = { readonly [Name in keyof Required<Row>]: Field<Row> };

type NamedField<Row> = Field<Row> & { readonly name: keyof Row & string };

const fieldLists = new WeakMap<object, unknown>();

function fieldsOf<Row>(table: FieldTable<Row>): readonly NamedField<Row>[] {
  // Only this function writes there, and Object.entries forgets that the names are those of the record.
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

/** The picked fields of a record as text: two records have equal texts exactly where these fields are equal. */
export function identityOf<Row>(table: FieldTable<Row>, row: Row, picks: (field: Field<Row>) => boolean): string {
  return JSON.stringify(
    fieldsOf(table)
      .filter(picks)
      .map((field) => valueOf(row, field)),
  );
}

/** The first field in which two records differ, in words. */
export function firstDifference<Row>(table: FieldTable<Row>, a: Row, b: Row): string | undefined {
  if (a === b) return undefined;
  return fieldsOf(table).find((field) => !sameIn(a, b, field))?.words;
}

export interface FieldDifference<Row> extends Difference {
  readonly kind: FieldKind;
  readonly field: NamedField<Row>;
}

/** What differs between two versions of a record, by the fields that compare by a function. */
export function differencesOf<Row>(table: FieldTable<Row>, before: Row, after: Row): FieldDifference<Row>[] {
  const told = new Set<Compare<Row>>();
  return fieldsOf(table).flatMap((field): FieldDifference<Row>[] => {
    if (field.kind === undefined) return [];
    const { kind, compare } = field;
    // Fields that share a function share a sentence: scheme, host and port are told once, as a url.
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
 * How an engine puts each field of the policy into effect, in a few words: the name of what it writes, or why it may do
 * without. An engine that has not been told of a new field does not compile.
 */
export interface Enforcement {
  readonly forwarding: Says<Forwarding>;
  readonly proxy: Says<Proxy>;
  readonly apiKey: Says<ApiKey>;
  readonly upstream: Says<Upstream>;
  readonly rewrite: Says<DomainRewrite>;
}
