import * as z from 'zod';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { specCodes } from './codes.ts';
import { explainSecret, isSecret } from './secrets.ts';
import { branchesFor, childOf, constantsOf, fieldsOf, isMapping, isOptional, type Shape, shapeAt } from './shape.ts';
import { suggest } from './suggest.ts';
import { explainUnknownKey } from './unknownKey.ts';
import { adviceFor, expectation, wordsFor } from './words.ts';

/** One value with the schema that it was checked against, and where it stands. */
interface Subject {
  readonly schema: z.core.$ZodType;
  readonly value: unknown;
  readonly at: SpecPath;
}

/** What one issue is about. */
interface Found {
  readonly shape: Shape;
  readonly value: unknown;
  readonly at: SpecPath;
}

/** No wording of zod's: where a schema says nothing itself, the message is empty and ours is used. */
export const SILENT = { error: () => '' } as const;

function explainMismatch({ schema, value, at }: Subject): Diagnostic[] {
  const parsed = z.safeParse(schema, value, SILENT);
  return parsed.success ? [] : explainIssues(parsed.error.issues, { schema, value, at });
}

/** What zod found wrong with a value, in our words. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], subject: Subject): Diagnostic[] {
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys');
  const unknownKeys = new Map(unknown.map((issue) => [issue.path.join('\0'), issue.keys]));
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    const at = [...subject.at, ...path];
    const parent = path.slice(0, -1).reduce(childOf, subject.value);
    const key = path.at(-1);
    if (isMapping(parent) && typeof key === 'string' && !Object.hasOwn(parent, key)) {
      // Written with a slip: that is told at the slip.
      if (unknownKeys.get(path.slice(0, -1).join('\0'))?.some((other) => suggest(other, [key]) !== undefined))
        return [];
      return [explainMissing(shapeAt(subject.schema, path.slice(0, -1), subject.value), key, at.slice(0, -1))];
    }
    const shape = shapeAt(subject.schema, path, subject.value);
    // A schema of a kind that this file does not know still gets its own words out.
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
  // Where only one alternative could be meant zod speaks of that one without saying so.
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

/** Told as a mistake in the alternative that was meant; the types of all where none was. */
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
