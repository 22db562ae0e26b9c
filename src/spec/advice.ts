import * as z from 'zod';
import { alternativesOf, constantsOf, fieldsOf, isMapping, isOptional, type Shape, shapeOf } from './shape.ts';

type Fits = (edited: unknown) => boolean;

/** Whether an edited value would do. An edit is only proposed where what it makes fits. */
function fitting(shape: Shape): Fits {
  return (edited) => z.safeParse(shape, edited, { error: () => '' }).success;
}

/** A value of the wrong type. */
interface Misfit {
  readonly shape: Shape;
  readonly value: unknown;
  /** How it is written: `1.30` is the number 1.3. */
  readonly written: string;
  /** Whether it may be a secret, which no advice repeats. */
  readonly hidden: boolean;
}

/** What to do about a value of the wrong type. */
export function adviceFor({ shape, value, written, hidden }: Misfit): string | undefined {
  const fits = fitting(shape);
  const branches = alternativesOf(shape);
  if (value === null || value === undefined)
    return fits({}) ? 'write {} to set nothing, or take the key out' : 'give it a value, or take it out';
  const advice = Array.isArray(value)
    ? adviceForList(value, fits)
    : isMapping(value)
      ? adviceForMapping(value, branches, { fits, hidden })
      : typeof value === 'string'
        ? adviceForText(value, branches, fits)
        : adviceForNumber(written, { value, shape, fits });
  if (advice !== undefined) return advice;
  if (!Array.isArray(value) && fits([value])) return 'put it into brackets to make it a list: [ … ]';
  const keys = [...new Set(branches.flatMap((branch) => [...fieldsOf(branch).keys()]))];
  return keys.length === 0 || isMapping(value) ? undefined : `keys of the mapping: ${keys.join(', ')}`;
}

const YES: Readonly<Record<string, boolean>> = { yes: true, on: true, true: true, no: false, off: false, false: false };
/** What people write for everybody or everything where a list belongs. */
const EVERYTHING = /^(?:\*|any|all|everyone|everybody)$/i;
/** What people write for a request that gets through. */
const PASSES = /^(?:ok|pass(?:ed)?|permit(?:ted)?|accept(?:ed)?|allowed|success|2xx)$/i;

function adviceForText(value: string, branches: readonly Shape[], fits: Fits): string | undefined {
  const truth = YES[value.toLowerCase()];
  if (truth !== undefined && fits(truth)) return `write ${truth} without quotes`;
  if (value !== '' && fits(Number(value))) return 'take the quotes away';
  if (/^(?:deny|denied|refused?|block(?:ed)?)$/i.test(value) && branches.some(({ _zod }) => _zod.def.type === 'number'))
    return 'write the status of the refusal, such as 403';
  if (PASSES.test(value) && fits('allow')) return 'write allow';
  if (EVERYTHING.test(value)) {
    if (fits('any')) return 'write any';
    return fits(['x']) ? 'list what is meant, or take the key out where absent means all' : undefined;
  }
  const parts = value.split(/[\s,]+/).filter((part) => part !== '');
  if (value.includes(',') && parts.length > 1 && fits(parts)) return `write it as a list: [${parts.join(', ')}]`;
  if (fits({ [value]: {} })) return `write { ${value}: {} }`;
  if (fits([value])) return undefined;
  const only = onlyNeeded(branches).find((name) => fits({ [name]: value }));
  return only === undefined ? undefined : `write it as the value of ${only}: { ${only}: … }`;
}

/** Keys that are all that a mapping needs. */
function onlyNeeded(branches: readonly Shape[]): string[] {
  return branches.flatMap((branch) => {
    const [name, ...others] = [...fieldsOf(branch)].filter(([, field]) => !isOptional(field)).map(([key]) => key);
    return name === undefined || others.length > 0 ? [] : [name];
  });
}

/** Units that a bare number may have lost. */
const UNITS = ['s', '/s', 'MB'];

interface NumberMisfit {
  readonly value: unknown;
  readonly shape: Shape;
  readonly fits: Fits;
}

function adviceForNumber(written: string, { value, shape, fits }: NumberMisfit): string | undefined {
  const text = fits(written) ? written : String(value);
  if (fits(text))
    return `write it as "${text}"; without quotes it is a ${typeof value === 'boolean' ? 'truth value' : 'number'}`;
  const unit = UNITS.find((one) => fits(text + one));
  if (unit !== undefined) return `write it with its unit, such as ${text}${unit}`;
  const words = alternativesOf(shape).flatMap((branch) => {
    const issue =
      branch._zod.def.type === 'string' ? z.safeParse(branch, text, { error: () => '' }).error?.issues[0] : undefined;
    return issue?.message ? [issue.message] : [];
  });
  return words[0] && `it ${words[0]}`;
}

function adviceForList(list: readonly unknown[], fits: Fits): string | undefined {
  const [only] = list;
  if (list.length === 0 && fits({})) return 'write {} to set nothing, or take the key out';
  if (list.length === 1 && fits(only)) return 'take the brackets or the dash away';
  if (list.every((one) => typeof one === 'string') && fits(Object.fromEntries(list.map((one) => [one, {}]))))
    return `write { ${list.map((one) => `${one}: {}`).join(', ')} }`;
  if (!list.every(isMapping)) return undefined;
  if (fits(Object.assign({}, ...list))) return 'write "key: value" lines without dashes';
  const label = ['name', 'id', 'key'].find((key) => fits(labelled(list, key)));
  return label && `write the ${label} of each before it, without dashes: "NAME: { … }"`;
}

/** `[{ name: a, … }]` → `{ a: { … } }`, as other tools would have it; nothing where an entry has no such key. */
function labelled(list: readonly Readonly<Record<string, unknown>>[], key: string): unknown {
  const named = list.map(({ [key]: name, ...rest }) => [name, rest] as const);
  return named.every(([name]) => typeof name === 'string') ? Object.fromEntries(named) : undefined;
}

function adviceForMapping(
  value: Readonly<Record<string, unknown>>,
  branches: readonly Shape[],
  { fits, hidden }: { readonly fits: Fits; readonly hidden: boolean },
): string | undefined {
  if (hidden) return 'write it as one word, such as env:NAME';
  if ('file' in value && fits(['@set']))
    return 'put the file into a named set under ipRanges at the top, and write ["@name"] here';
  const entries = Object.entries(value);
  const pair = branches.map(pairOf).find((two) => two !== undefined);
  if (pair && fits(entries.map(([first, second]) => ({ [pair[0]]: first, [pair[1]]: second }))))
    return `write a list, with each as { ${pair[0]}: …, ${pair[1]}: … }`;
  const names = entries.map(([name]) => name);
  const isRequests = entries.some(([, one]) => typeof one === 'string' && one.startsWith('/'));
  if (isRequests && fits(['GET /'])) return 'write a list of texts such as "GET /path"';
  if (names.length > 0 && fits(names)) return `write a list: [${names.join(', ')}]`;
  return fits(JSON.stringify(value)) && names.length > 0 ? 'write it as one text, in quotes' : undefined;
}

/** The two keys that the entries of a list need. */
function pairOf(branch: Shape): readonly [string, string] | undefined {
  const { def } = branch._zod;
  if (def.type !== 'array') return undefined;
  const needed = [...fieldsOf(shapeOf(def.element))].filter(([, field]) => !isOptional(field)).map(([key]) => key);
  const [first, second, third] = needed;
  return first !== undefined && second !== undefined && third === undefined ? [first, second] : undefined;
}

const SIZES: Readonly<Record<string, string>> = { k: 'kB', m: 'MB', g: 'GB' };
const TIMES: readonly (readonly [RegExp, string])[] = [
  [/^m(?:illi)?s(?:ec(?:ond)?s?)?$/, 'ms'],
  [/^s(?:ec(?:ond)?s?)?$/, 's'],
  [/^m(?:in(?:ute)?s?)?$/, 'm'],
  [/^h(?:(?:ou)?rs?)?$/, 'h'],
];

/** What a text may have been meant as: `1MiB` is `1MB` here, `10r/s` is `10/s`, `X_Key:` is `X-Key`. */
function* spellings(text: string): Generator<string> {
  const plain = text.trim();
  yield plain;
  const [, amount = '', unit = ''] = /^(\d+) *([A-Za-z]+)$/.exec(plain) ?? [];
  const word = unit.toLowerCase();
  const size = SIZES[/^([kmg])(?:i?b)?$/.exec(word)?.[1] ?? ''];
  if (size !== undefined) yield `${amount}${size}`;
  for (const [long, short] of TIMES) if (long.test(word)) yield `${amount}${short}`;
  const [, rate, period] = /^(\d+) *(?:r(?:eq(?:uests?)?)?)? *(?:\/|per) *([sm])[a-z]*$/i.exec(plain) ?? [];
  if (rate !== undefined && period !== undefined) yield `${rate}/${period.toLowerCase()}`;
  if (/^\w+$/.test(plain)) yield `application/${plain.toLowerCase()}`;
  yield plain.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const path = plain.replace(/^[A-Z]+ +/, '');
  yield path.startsWith('/') ? path : `/${path}`;
  yield plain.replace(/^v/i, '');
  yield plain.replaceAll('/', '-');
  yield plain.replace(/:.*$/, '').replaceAll('_', '-');
  yield plain.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  yield plain
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/** The nearest text that fits, for one that does not. */
export function nearText(text: unknown, shape: Shape): string | undefined {
  // Further than this nobody has mistaken a spelling.
  if (typeof text !== 'string' || text.length > 80) return undefined;
  // Blanks are no spelling of anything.
  if (text.trim() === '') return undefined;
  const fits = fitting(shape);
  for (const one of spellings(text)) if (one !== '' && one !== text && fits(one)) return one;
  return undefined;
}

/** The only value that a schema takes. */
export function onlyValue(schema: z.core.$ZodType | undefined): unknown {
  const [only, ...others] = schema ? constantsOf(shapeOf(schema)) : [];
  return others.length === 0 ? only : undefined;
}
