import * as z from 'zod';
import { type Diagnostic, failed, ok, type Result, type SpecPath } from '../diagnostics/diagnostic.ts';
import type { LocatedDocument } from '../source/span.ts';
import { adviceFor, nearText, onlyValue } from './advice.ts';
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
  const written = (at: SpecPath) => {
    const { text, start, end } = document.locate(at);
    return text.slice(start, end);
  };
  const diagnostics = explainIssues(parsed.error.issues, { schema, value, at: [], written });
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
  /** How the value at a path is written. */
  readonly written: (at: SpecPath) => string;
}

/** The value that one issue of zod's is about, with the part of the schema that it had to match. */
interface Found {
  readonly shape: Shape;
  readonly value: unknown;
  readonly at: SpecPath;
  readonly written: Subject['written'];
}

/** Keeps zod's own messages out: an issue has a message only where our schema gives one. */
const noZodMessages = { error: () => '' } as const;

function explainMismatch(subject: Subject): Diagnostic[] {
  const parsed = z.safeParse(subject.schema, subject.value, noZodMessages);
  return parsed.success ? [] : explainIssues(parsed.error.issues, subject);
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
      if (unknownKeys.get(path.slice(0, -1).join('\0'))?.some((other) => meantBy(other, [key]) !== undefined))
        return [];
      return [explainMissing(shapeAt(subject.schema, path.slice(0, -1), subject.value), key, at.slice(0, -1))];
    }
    const shape = shapeAt(subject.schema, path, subject.value);
    // The message of a kind of schema that this file does not know is shown as it is.
    if (shape === undefined)
      return [
        specCodes.report('bad-value', at, { found: 'this', problem: issue.message || 'does not fit', near: undefined }),
      ];
    return explainIssue(issue, { ...subject, shape, value: path.reduce(childOf, subject.value), at });
  });
}

function explainMissing(parent: Shape | undefined, key: string, at: SpecPath): Diagnostic {
  const schema = parent && fieldsOf(parent).get(key);
  const only = onlyValue(schema);
  if (only !== undefined) return specCodes.report('missing-key', at, { key, only }, { part: 'key' });
  const meaning = (schema as z.ZodType | undefined)?.description;
  return specCodes.report('missing-key', at, { key, meaning }, { part: 'key' });
}

function explainIssue(issue: z.core.$ZodIssue, found: Found): Diagnostic[] {
  const { shape, value, at } = found;
  if (!isSecret(shape)) return explainOpenly(issue, found);
  if (isScalar(value)) return [explainSecret(value, at)];
  return explainOpenly(issue, found).map((diagnostic) => ({ ...diagnostic, secret: true }));
}

function explainOpenly(issue: z.core.$ZodIssue, { shape: whole, value, at, written }: Found): Diagnostic[] {
  // Where one alternative of a union fits best, zod reports the issue of that alternative and not of the union.
  const shape = issue.code === 'invalid_union' ? whole : (branchesFor(whole, value)[0] ?? whole);
  const found = wordsFor(value);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => explainUnknownKey({ key, shape, value: childOf(value, key), at }));
    case 'invalid_union':
      return explainUnion({ shape, value, at, written });
    case 'invalid_key':
      return [badName(issue, { shape: whole, at })];
    case 'invalid_value':
      return [explainConstant({ shape, value, at, written })];
    case 'too_small':
    case 'too_big':
      return [specCodes.report('bad-size', at, { found, limit: limitOf(issue) })];
    case 'invalid_type':
      return [explainType({ shape, value, at, written })];
    default:
      return [badValue(issue, { shape, value, at, written })];
  }
}

/** Reports the mistake in the alternative that was meant; where that is none of them, what all of them expect. */
function explainUnion({ shape, value, at, written }: Found): Diagnostic[] {
  const branches = branchesFor(shape, value);
  const [only, ...others] = branches;
  if (only === undefined) return [explainType({ shape, value, at, written })];
  if (others.length === 0) return explainMismatch({ schema: only, value, at, written });
  const keys = branches.map((branch) => [...fieldsOf(branch)].find(([, field]) => !isOptional(field))?.[0]);
  const needed = keys.filter((key) => key !== undefined && !(isMapping(value) && Object.hasOwn(value, key)));
  if (needed.length < branches.length) return explainMismatch({ schema: only, value, at, written });
  return [specCodes.report('missing-one-of', at, { keys: needed.map(String) })];
}

function badName(issue: z.core.$ZodIssueInvalidKey, { shape, at }: Pick<Found, 'shape' | 'at'>): Diagnostic {
  const name = String(at.at(-1));
  const record = alternativesOf(shape).find(({ _zod }) => _zod.def.type === 'record');
  const near = record?._zod.def.type === 'record' ? nearText(name, shapeOf(record._zod.def.keyType)) : undefined;
  const problem = issue.issues[0]?.message || 'is not allowed';
  return specCodes.report('bad-name', at, { name, problem, near }, { part: 'key' });
}

function badValue(issue: z.core.$ZodIssue, { shape, value, at }: Found): Diagnostic {
  const problem = issue.message || 'does not fit here';
  return specCodes.report('bad-value', at, { found: wordsFor(value), problem, near: nearText(value, shape) });
}

function explainType({ shape, value, at, written }: Found): Diagnostic {
  const advice = adviceFor({ shape, value, written: written(at), hidden: isSecret(shape) });
  return specCodes.report('wrong-type', at, { expected: expectation(shape), found: wordsFor(value), advice });
}

function explainConstant({ shape, value, at }: Found): Diagnostic {
  if (at.length === 1 && at[0] === 'version')
    return specCodes.report('unsupported-version', at, { found: wordsFor(value) });
  const allowed = constantsOf(shape).map(String);
  const like = typeof value === 'string' ? suggest(value, allowed) : undefined;
  // The text "true" where the truth value is meant: nothing would be told by suggesting the same word.
  const near = like === value ? `${like} without quotes` : like && `"${like}"`;
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
  const near = note === undefined ? meantBy(key, allowed) : undefined;
  const params = { key, near, allowed, ...(note === undefined ? {} : { note }) };
  return specCodes.report('unknown-key', path, params, {
    part: 'key',
    ...(holdsSecret(shape) ? { secret: true } : {}),
  });
}

/** What other tools call a key. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  ipRanges: ['allowlist', 'whitelist', 'allowedips', 'allowedcidrs', 'sourceranges', 'cidrs', 'sources', 'ips', 'from'],
  listen: ['port', 'bind', 'address', 'ports'],
  request: ['path', 'route', 'url', 'endpoint'],
  url: ['host', 'origin', 'address', 'target', 'endpoint', 'baseurl'],
  hosts: ['hostname', 'servername', 'domain', 'domains', 'names'],
  certFile: ['cert', 'crt', 'certificate', 'certificatefile'],
  keyFile: ['key', 'privatekey', 'certkey'],
  caFile: ['ca', 'cacert', 'cabundle', 'cafilepath'],
  expires: ['expiry', 'validuntil', 'expiresat', 'until', 'notafter'],
  owner: ['contact', 'email'],
  reason: ['comment', 'description', 'note', 'why'],
  rateLimit: ['limit', 'rate', 'ratelimits', 'throttle'],
  maxBody: ['bodysize', 'maxbodysize', 'clientmaxbodysize'],
  servers: ['endpoints', 'backends', 'hosts', 'pool'],
  from: ['source', 'name'],
  to: ['dest', 'destination', 'target'],
  apiKeyHeader: ['keyheader', 'header'],
  health: ['healthcheck', 'healthz', 'healthpath'],
};

/** The allowed key that an unknown one was meant as. */
function meantBy(key: string, allowed: readonly string[]): string | undefined {
  const near = suggest(key, allowed);
  if (near !== undefined) return near;
  const word = key.toLowerCase().replace(/[_-]/g, '');
  return allowed.find((name) => ELSEWHERE[name]?.includes(word));
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
  if (allowed.includes('allow') && /^(?:deny|block|except|exclude)$/i.test(key))
    return 'take it out: what no group allows is refused';
  if (allowed.includes('version') && /^(?:vars?|variables|env|environment)$/i.test(key))
    return 'a spec has no variables; what differs between environments stands in a spec of each, which includes the rest';
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
