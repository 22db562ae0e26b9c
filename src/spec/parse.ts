import * as z from 'zod';
import { type Diagnostic, failed, ok, type Result, type SpecPath } from '../diagnostics/diagnostic.ts';
import type { LocatedDocument } from '../source/span.ts';
import { specCodes } from './codes.ts';
import { SECRET_FORMS, secretReference } from './scalars.ts';
import {
  alternativesOf,
  branchesFor,
  childOf,
  constantsOf,
  fieldsOf,
  isMapping,
  isOptional,
  type Shape,
  shapeAt,
  shapeOf,
} from './shape.ts';
import { suggest } from './suggest.ts';

/** What one file holds by its schema, or every problem with its shape, in the order of the text. */
export function parseSpec<T>(document: LocatedDocument, schema: z.ZodType<T>): Result<T> {
  const { value } = document;
  const parsed = schema.safeParse(value, noZodMessages);
  if (parsed.success) return ok(parsed.data);
  const diagnostics = explainIssues(parsed.error.issues, { schema, value, at: [] });
  return failed(inTextOrder(diagnostics, document));
}

function inTextOrder(diagnostics: readonly Diagnostic[], document: LocatedDocument): Diagnostic[] {
  const placed = diagnostics.map((diagnostic) => ({
    diagnostic,
    start: document.locate(diagnostic.at, diagnostic.part).start,
  }));
  return placed.sort((a, b) => a.start - b.start).map(({ diagnostic }) => diagnostic);
}

/** A value, the schema that it was checked against, and its path in the spec. */
interface Subject {
  readonly schema: z.core.$ZodType;
  readonly value: unknown;
  readonly at: SpecPath;
}

/** The value that one issue of zod's is about, with the part of the schema that it had to match. */
interface Found {
  readonly shape: Shape;
  readonly value: unknown;
  readonly at: SpecPath;
}

/** Keeps zod's own messages out: an issue has a message only where our schema gives one. */
const noZodMessages = { error: () => '' } as const;

function explainMismatch({ schema, value, at }: Subject): Diagnostic[] {
  const parsed = z.safeParse(schema, value, noZodMessages);
  return parsed.success ? [] : explainIssues(parsed.error.issues, { schema, value, at });
}

/** Turns zod's issues into diagnostics. */
function explainIssues(issues: readonly z.core.$ZodIssue[], subject: Subject): Diagnostic[] {
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys');
  const unknownKeys = new Map(unknown.map((issue) => [issue.path.join('\0'), issue.keys]));
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const at = [...subject.at, ...path];
    const parent = path.slice(0, -1).reduce(childOf, subject.value);
    const key = path.at(-1);
    if (isMapping(parent) && typeof key === 'string' && !Object.hasOwn(parent, key)) {
      // A misspelt key is reported once, as unknown: `rotues` is not also a missing `routes`.
      if (unknownKeys.get(path.slice(0, -1).join('\0'))?.some((other) => suggest(other, [key]) !== undefined))
        return [];
      return [explainMissing(shapeAt(subject.schema, path.slice(0, -1), subject.value), key, at.slice(0, -1))];
    }
    const shape = shapeAt(subject.schema, path, subject.value);
    // The message of a kind of schema that this file does not know is shown as it is.
    if (shape === undefined)
      return [specCodes.report('bad-value', at, { found: 'this', problem: issue.message || 'does not fit' })];
    return explainIssue(issue, { shape, value: path.reduce(childOf, subject.value), at });
  });
}

function explainMissing(parent: Shape | undefined, key: string, at: SpecPath): Diagnostic {
  const schema = parent && fieldsOf(parent).get(key);
  const meaning = (schema as z.ZodType | undefined)?.description;
  return specCodes.report('missing-key', at, { key, meaning }, { part: 'key' });
}

function explainIssue(issue: z.core.$ZodIssue, found: Found): Diagnostic[] {
  const { shape, value, at } = found;
  if (!isSecret(shape)) return explainOpenly(issue, found);
  if (isScalar(value)) return [explainSecret(value, at)];
  return explainOpenly(issue, found).map((diagnostic) => ({ ...diagnostic, secret: true }));
}

function explainOpenly(issue: z.core.$ZodIssue, { shape: whole, value, at }: Found): Diagnostic[] {
  // Where one alternative of a union fits best, zod reports the issue of that alternative and not of the union.
  const shape = issue.code === 'invalid_union' ? whole : (branchesFor(whole, value)[0] ?? whole);
  const found = wordsFor(value);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => explainUnknownKey({ key, shape, value: childOf(value, key), at }));
    case 'invalid_union':
      return explainUnion({ shape, value, at });
    case 'invalid_key':
      return [
        specCodes.report(
          'bad-name',
          at,
          { name: String(at.at(-1)), problem: issue.issues[0]?.message || 'is not allowed' },
          { part: 'key' },
        ),
      ];
    case 'invalid_value':
      return [explainConstant({ shape, value, at })];
    case 'too_small':
    case 'too_big':
      return [specCodes.report('bad-size', at, { found, limit: limitOf(issue) })];
    case 'invalid_type':
      return [explainType({ shape, value, at })];
    default:
      return [specCodes.report('bad-value', at, { found, problem: issue.message || 'does not fit here' })];
  }
}

/** Reports the mistake in the alternative that was meant; where that is none of them, what all of them expect. */
function explainUnion({ shape, value, at }: Found): Diagnostic[] {
  const branches = branchesFor(shape, value);
  const [only, ...others] = branches;
  if (only === undefined) return [explainType({ shape, value, at })];
  if (others.length === 0) return explainMismatch({ schema: only, value, at });
  const keys = branches.map((branch) => [...fieldsOf(branch)].find(([, field]) => !isOptional(field))?.[0]);
  const needed = keys.filter((key) => key !== undefined && !(isMapping(value) && Object.hasOwn(value, key)));
  if (needed.length < branches.length) return explainMismatch({ schema: only, value, at });
  return [specCodes.report('missing-one-of', at, { keys: needed.map(String) })];
}

function explainType({ shape, value, at }: Found): Diagnostic {
  const advice = adviceFor(shape, value);
  return specCodes.report('wrong-type', at, { expected: expectation(shape), found: wordsFor(value), advice });
}

function explainConstant({ shape, value, at }: Found): Diagnostic {
  if (at.length === 1 && at[0] === 'version')
    return specCodes.report('unsupported-version', at, { found: wordsFor(value) });
  const allowed = constantsOf(shape).map(String);
  const near = typeof value === 'string' ? suggest(value, allowed) : undefined;
  return specCodes.report('not-one-of', at, { found: wordsFor(value), allowed, near });
}

function limitOf(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  const [limit, small] = issue.code === 'too_small' ? [issue.minimum, true] : [issue.maximum, false];
  const many = (unit: string) => `${limit} ${unit}${limit === 1 ? '' : 's'}`;
  if (issue.origin === 'array')
    return small ? `must hold at least ${many('item')}` : `must hold ${many('item')} at most`;
  if (issue.origin === 'string')
    return small ? `must have at least ${many('character')}` : `must have ${many('character')} at most`;
  return small ? `must be at least ${limit}` : `must be ${limit} at most`;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

interface UnknownKey {
  readonly key: string;
  readonly value: unknown;
  /** The mapping that holds it. */
  readonly shape: Shape;
  readonly at: SpecPath;
}

function explainUnknownKey({ key, value, shape, at }: UnknownKey): Diagnostic {
  const allowed = [...fieldsOf(shape).keys()].filter((name) => name !== '$schema');
  const path = [...at, key];
  const note = noteFor(key, value, allowed);
  const near = note === undefined ? suggest(key, allowed) : undefined;
  const params = { key, near, allowed, ...(note === undefined ? {} : { note }) };
  return specCodes.report('unknown-key', path, params, {
    part: 'key',
    ...(holdsSecret(shape) ? { secret: true } : {}),
  });
}

/** Keys that nobody meant: what YAML makes of a merge, a stray colon or an unquoted comma, and habits from elsewhere. */
function noteFor(key: string, value: unknown, allowed: readonly string[]): string | undefined {
  if (key === '<<') return 'YAML 1.2 has no merge keys; write the values out, or use named sets and groups';
  if (allowed.includes('request') && /^[A-Z][A-Z,]*$/.test(key) && typeof value === 'string' && value.startsWith('/'))
    return `write ${key} ${value} without the colon`;
  if (/^(?:includes|imports?|extends)$/.test(key) && allowed.includes('include'))
    return 'write "include: [FILE]", with fragments of specs; what they hold is added to this file';
  if (allowed.includes('fragment') && /^(?:name|proxies|targets)$/.test(key))
    return `a fragment has no ${key}: that stands in the spec that includes it`;
  if (value === null && /[\s/]/.test(key))
    return 'inside { } a comma ends a value; put quotes around a text that holds one';
  return undefined;
}

/** Whether a schema takes a reference to a secret; a value that does not match it may be the secret itself. */
function isSecret(schema: z.core.$ZodType): boolean {
  return alternativesOf(shapeOf(schema)).some((shape) => {
    const { def } = shape._zod;
    // `describe` copies a schema, but the copy shares its checks.
    return def.type === 'array'
      ? isSecret(def.element)
      : def.checks !== undefined && def.checks === secretReference._zod.def.checks;
  });
}

/** Whether a mapping has a key that takes a secret: the value of a misspelt key (`tokn: …`) may then be one. */
function holdsSecret(shape: Shape): boolean {
  return [...fieldsOf(shape).values()].some(isSecret);
}

/** Reports a value where a reference to a secret belongs, without any part of the value. */
function explainSecret(value: unknown, at: SpecPath): Diagnostic {
  const begun =
    typeof value === 'string' ? Object.entries(SECRET_FORMS).find(([word]) => value.startsWith(`${word}:`)) : undefined;
  const variable = typeof value === 'string' ? /^\$\{([A-Za-z_]\w{0,63})\}$/.exec(value)?.[1] : undefined;
  if (variable !== undefined) return specCodes.report('variable', at, { variable });
  if (!begun) return specCodes.report('secret-literal', at, {}, { secret: true });
  const [scheme, form] = begun;
  return specCodes.report('bad-secret-reference', at, { scheme, form }, { secret: true });
}

/** What a schema expects, in words: `"any" or a list`. */
function expectation(shape: Shape): string {
  const parts = [...new Set(alternativesOf(shape).flatMap(describe))];
  const last = parts.pop() ?? 'something else';
  return parts.length === 0 ? last : `${parts.join(', ')} or ${last}`;
}

function describe(shape: Shape): string[] {
  switch (shape._zod.def.type) {
    case 'string':
      return ['a text'];
    case 'number':
      return ['a whole number'];
    case 'boolean':
      return ['true or false'];
    case 'array':
      return ['a list'];
    case 'object':
    case 'record':
      return ['a mapping'];
    default:
      return constantsOf(shape).map((value) => JSON.stringify(value));
  }
}

const LONGEST = 80;

/** A value as messages quote it: `"GET /a"`, `a list`, `nothing`. */
function wordsFor(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isMapping(value)) return 'a mapping';
  if (typeof value !== 'string') return String(value);
  const text = value.replaceAll('\n', ' ');
  return text.length <= LONGEST ? `"${text}"` : `"${[...text].slice(0, LONGEST).join('')}…"`;
}

/** What to do about a value of the wrong type. An edit is only proposed where what it makes fits. */
function adviceFor(shape: Shape, value: unknown): string | undefined {
  const fits = (edited: unknown) => z.safeParse(shape, edited, noZodMessages).success;
  const branches = alternativesOf(shape);
  if (value === null || value === undefined)
    return fits({}) ? 'write {} to set nothing, or take the key out' : 'give it a value, or take it out';
  if (Array.isArray(value)) return adviceForList(value, fits);
  if (typeof value === 'string') {
    const advice = adviceForText(value, branches, fits);
    if (advice !== undefined) return advice;
  } else if (!isMapping(value)) {
    const advice = adviceForNumber(value, shape, fits);
    if (advice !== undefined) return advice;
  }
  if (isMapping(value) && 'file' in value && fits(['@set']))
    return 'put the file into a named set under ipRanges at the top, and write ["@name"] here';
  if (fits([value])) return 'put it into brackets to make it a list: [ … ]';
  const keys = [...new Set(branches.flatMap((branch) => [...fieldsOf(branch).keys()]))];
  return keys.length === 0 || isMapping(value) ? undefined : `keys of the mapping: ${keys.join(', ')}`;
}

type Fits = (edited: unknown) => boolean;

const YES: Readonly<Record<string, boolean>> = { yes: true, on: true, true: true, no: false, off: false, false: false };
/** What people write for everybody or everything where a list belongs. */
const EVERYTHING = /^(?:\*|any|all|everyone|everybody)$/i;

function adviceForText(value: string, branches: readonly Shape[], fits: Fits): string | undefined {
  const truth = YES[value.toLowerCase()];
  if (truth !== undefined && fits(truth)) return `write ${truth} without quotes`;
  if (value !== '' && fits(Number(value))) return 'take the quotes away';
  if (value === 'deny' && branches.some((branch) => branch._zod.def.type === 'number'))
    return 'write the status of the refusal, such as 403';
  if (!EVERYTHING.test(value)) return undefined;
  if (fits('any')) return 'write any';
  return fits(['x']) ? 'list what is meant, or take the key out where absent means all' : undefined;
}

/** Units that a bare number may have lost. */
const UNITS = ['s', '/s', 'MB'];

function adviceForNumber(value: unknown, shape: Shape, fits: Fits): string | undefined {
  const text = String(value);
  if (fits(text))
    return `write it as "${text}"; without quotes it is a ${typeof value === 'boolean' ? 'truth value' : 'number'}`;
  const unit = UNITS.find((one) => fits(text + one));
  if (unit !== undefined) return `write it with its unit, such as ${text}${unit}`;
  const words = alternativesOf(shape).flatMap((branch) => {
    const issue =
      branch._zod.def.type === 'string' ? z.safeParse(branch, text, noZodMessages).error?.issues[0] : undefined;
    return issue?.message ? [issue.message] : [];
  });
  return words[0] && `it ${words[0]}`;
}

function adviceForList(list: readonly unknown[], fits: Fits): string | undefined {
  const [only] = list;
  if (list.length === 0 && fits({})) return 'write {} to set nothing, or take the key out';
  if (list.length === 1 && fits(only)) return 'take the brackets or the dash away';
  const named = list.every((one) => typeof one === 'string') && Object.fromEntries(list.map((one) => [one, {}]));
  if (named && fits(named)) return `write { ${list.map((one) => `${one}: {}`).join(', ')} }`;
  const merged: unknown = list.every(isMapping) ? Object.assign({}, ...list) : undefined;
  return merged !== undefined && fits(merged) ? 'write "key: value" lines without dashes' : undefined;
}
