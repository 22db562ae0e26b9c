import { isDeepStrictEqual } from 'node:util';
import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Effect, Harmless } from '../policy/fields.ts';
import { setReferences } from '../spec/references.ts';
import type { AccessChange, ChangeKind } from './types.ts';

/** An option whose change is reported with its two values, because no evaluator decides what the option allows. */
export interface Told {
  readonly kind: ChangeKind;
  /** The start of a sentence that ends in the value; gets the path of the option. */
  readonly words: string | ((path: SpecPath) => string);
  /** The words for an absent value. */
  readonly absent: string;
  /** The value that has the effect of an absent one. To write it out changes nothing. */
  readonly byDefault?: unknown;
  /** Returns the effect of two values, `undefined` for absent. Without this function, every change is `unclear`. */
  readonly effect?: (before: unknown, after: unknown) => Effect;
  /** Set if the value names a file, whose content counts as part of the value. */
  readonly isFile?: true;
}

/** The mappings among the alternatives of a type, through lists. */
type Mappings<Value> = Value extends readonly (infer Item)[] ? Mappings<Item> : Value extends object ? Value : never;

type Inner<Mapping> = string extends keyof Mapping
  ? { readonly each: Touch<Mapping[keyof Mapping]> }
  : { readonly fields: Touches<Mapping> };

/**
 * How an option touches access. `decided`: comparing the two policies shows the effect of a change more exactly. An
 * option with inner options may leave the answer to these, with `fields` or `each`.
 */
export type Touch<Value> = Harmless | Told | ([Mappings<Value>] extends [never] ? 'decided' : Inner<Mappings<Value>>);

/** The answer for each option. A missing one does not compile. */
export type Touches<Mapping> = { readonly [Name in keyof Mapping]-?: Touch<NonNullable<Mapping[Name]>> };

/** A `Touch` without the type of its value. */
type AnyTouch =
  | Harmless
  | Told
  | 'decided'
  | { readonly each: AnyTouch }
  | { readonly fields: Readonly<Record<string, AnyTouch>> };

export type AnyTouches = Readonly<Record<string, AnyTouch>>;

/** Returns the effect of an option that only grants: adding it widens, removing it narrows. */
export function byPresence(before: unknown, after: unknown): Effect {
  if (before === undefined) return 'widening';
  return after === undefined ? 'narrowing' : 'unclear';
}

/** Two versions of one option. */
interface Pair {
  readonly before: unknown;
  readonly after: unknown;
  readonly path: SpecPath;
}

/** What a version says of the names in its options. */
export interface Named {
  /** Returns the text of a file; `undefined` where it cannot be read. */
  readonly file: (path: string) => string | undefined;
  /** Returns the addresses of a set, as a text; `undefined` where there is no such set. */
  readonly addresses: (set: string) => string | undefined;
}

/** Both versions of what is named. */
export interface Names {
  readonly before: Named;
  readonly after: Named;
}

/**
 * Stands for an option without a declaration. No schema accepts such an option; if one did, its change would be
 * reported.
 */
const UNKNOWN: Told = { kind: 'target', words: 'an option of its own is', absent: 'not there' };

/** Returns the changes of options, as each declares. `path` is the place of the options in the spec. */
export function diffDeclared(touches: AnyTouches, pair: Pair, names: Names): AccessChange[] {
  const [left, right] = [entriesOf(pair.before), entriesOf(pair.after)];
  return namesOf(left, right).flatMap((name) => {
    const inner = { before: left.get(name), after: right.get(name), path: [...pair.path, name] };
    return diffOne(touches[name] ?? UNKNOWN, inner, names);
  });
}

function diffOne(touch: AnyTouch, pair: Pair, names: Names): AccessChange[] {
  if (touch === 'decided' || 'cannotLoosen' in touch) return [];
  if ('fields' in touch) return diffDeclared(touch.fields, pair, names);
  if ('words' in touch) return told(touch, pair, names);
  const [left, right] = [entriesOf(pair.before), entriesOf(pair.after)];
  return namesOf(left, right).flatMap((name) =>
    diffOne(touch.each, { before: left.get(name), after: right.get(name), path: [...pair.path, name] }, names),
  );
}

function told(
  { kind, words, absent, byDefault, effect, isFile }: Told,
  { before, after, path }: Pair,
  names: Names,
): AccessChange[] {
  const text = (value: unknown, { file }: Named) => (isFile && typeof value === 'string' ? file(value) : '');
  const sets = (value: unknown, { addresses }: Named) => setReferences([value]).map(({ name }) => addresses(name));
  const same = isDeepStrictEqual(before ?? byDefault, after ?? byDefault);
  const another =
    text(before, names.before) !== text(after, names.after)
      ? 'another text of it'
      : isDeepStrictEqual(sets(before, names.before), sets(after, names.after))
        ? undefined
        : 'other addresses in it';
  if (same && another === undefined) return [];
  const start = typeof words === 'string' ? words : words(path);
  const [old, now] = [shown(before, absent), shown(after, absent)];
  const alike = old === now && !same;
  const was = same ? another : alike && before !== undefined ? JSON.stringify(before) : old;
  const is = alike && after !== undefined ? JSON.stringify(after) : now;
  const version = after === undefined ? 'before' : 'after';
  return [
    {
      kind,
      effect: effect?.(before, after) ?? 'unclear',
      message: `${start} ${is} (before: ${was}) under ${path.slice(0, 2).join('.')}`,
      at: { version, path },
      proxies: [],
      keys: [],
    },
  ];
}

function shown(value: unknown, absent: string): string {
  if (value === undefined) return absent;
  if (Array.isArray(value)) return value.map((item) => shown(item, absent)).join(', ');
  const parts = [...entriesOf(value)].map(([name, part]) => `${name} ${shown(part, absent)}`);
  return typeof value === 'object' && value !== null ? parts.join(', ') || 'the defaults' : String(value);
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  return new Map(isMapping ? Object.entries(value).filter(([, part]) => part !== undefined) : []);
}

function namesOf(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...left.keys(), ...right.keys()])].sort();
}
