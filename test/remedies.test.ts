import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { optionSchemas } from '../src/compile.ts';
import type { Diagnostic, SpecPath } from '../src/diagnostics/diagnostic.ts';
import { resolvePolicy } from '../src/policy/resolve.ts';
import { parseDocument } from '../src/source/document.ts';
import { parseSpec } from '../src/spec/parse.ts';
import { specSchema } from '../src/spec/schema.ts';
import { fullSpec } from './support/fullSpec.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const SCHEMA = specSchema(optionSchemas());

const isMapping = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function problemsOf(spec: Json): readonly Diagnostic[] {
  const { value: document, diagnostics } = parseDocument({ name: 'postern.json', text: JSON.stringify(spec) });
  const parsed = document && parseSpec(document, SCHEMA);
  const resolved = parsed?.value && resolvePolicy(parsed.value, () => undefined);
  const all = [...diagnostics, ...(parsed?.diagnostics ?? []), ...(resolved?.diagnostics ?? [])];
  return all.filter(({ severity }) => severity === 'error');
}

/** The spec with another value, or another key, at a place. */
function edited(value: Json, [step, ...rest]: SpecPath, edit: (value: Json) => Json, rename?: string): Json {
  if (step === undefined) return edit(value);
  if (Array.isArray(value))
    return value.map((item, index) => (index === step ? edited(item, rest, edit, rename) : item));
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== step) return [key, item];
      return rename !== undefined && rest.length === 0 ? [rename, item] : [key, edited(item, rest, edit, rename)];
    }),
  );
}

function at(value: Json, path: SpecPath): Json {
  return path.reduce((inner: Json, step) => (inner as Readonly<Record<string | number, Json>>)[step] ?? null, value);
}

type Remedy = readonly [words: RegExp, edit: (value: Json, match: RegExpExecArray) => Json];

/** Every hint that names an edit, and the edit as somebody makes it who does just that. */
const REMEDIES: readonly Remedy[] = [
  [/^put it into brackets/, (value) => [value]],
  [/^take the brackets or the dash away$/, (value) => (Array.isArray(value) ? (value[0] ?? null) : null)],
  [/^write \{\} to set nothing/, () => ({})],
  [/^take the quotes away$/, Number],
  [/^write it as "(.*)"; without quotes/, (_, [, text = '']) => text],
  [/^write it with its unit, such as (.*)$/, (_, [, text = '']) => text],
  [/^write (true|false) without quotes$/, (_, [, word]) => word === 'true'],
  [/^write any$/, () => 'any'],
  [
    /^write \{ (.*) \}$/,
    (_, [, keys = '']) => Object.fromEntries(keys.split(', ').map((key) => [key.slice(0, -4), {}])),
  ],
  [/^write "key: value" lines without dashes$/, (value) => Object.assign({}, ...(Array.isArray(value) ? value : []))],
  [/^write (env:\w+)/, (_, [, text = '']) => text],
  [/^write it as METHOD.* for example "(.*)"$/, (_, [, text = '']) => text],
  [/^write ([A-Z,]+ \/\S*) without the colon$/, (_, [, text = '']) => text],
  [/^write "version: 1"/, () => 1],
  [/^where that is meant, write "ipRanges: any"$/, () => 'any'],
  [/^write the status of the refusal, such as (\d+)$/, (_, [, status]) => Number(status)],
];

/** What the first problem that names an edit proposes; `undefined` where none does. */
function follow(spec: Json, problems: readonly Diagnostic[]): Json | undefined {
  for (const { at: path, message, hint = '', part } of problems) {
    const [, near] = /did you mean "(.*?)"\?/.exec(message) ?? [];
    if (near !== undefined)
      return part === 'key' ? edited(spec, path, (value) => value, near) : edited(spec, path, () => near);
    for (const [words, edit] of REMEDIES) {
      const match = words.exec(hint);
      if (!match) continue;
      // Of an entry that is a mapping by a stray colon, and of a list that holds everybody, the whole is replaced.
      const whole = /without the colon|ipRanges: any/.test(hint) ? path.slice(0, -1) : path;
      return edited(spec, whole, (value) => edit(value, match));
    }
  }
  return undefined;
}

/** Mistakes that people make with a value of this kind. */
function mistakes(value: Json): Json[] {
  if (typeof value === 'number') return [String(value), [value]];
  if (typeof value === 'boolean') return [value ? 'yes' : 'no', String(value)];
  if (typeof value === 'string') {
    const bare = /^(\d+)(?:s|MB|\/s)$/.exec(value)?.[1];
    return [
      [value],
      ...(/^\d+(?:\.\d+)?$/.test(value) ? [Number(value)] : []),
      ...(bare === undefined ? [] : [Number(bare)]),
      ...(/^[A-Z,]+ \//.test(value)
        ? [
            value.toLowerCase(),
            value.replace(' ', ', POST '),
            value.replace(/^\S+/, '*'),
            Object.fromEntries([value.split(' ')]),
          ]
        : []),
      ...(value.startsWith('env:') ? [`\${${value.slice(4)}}`] : []),
      ...(/^[a-zA-Z]{5,}$/.test(value) ? [value.slice(0, -1)] : []),
    ];
  }
  if (Array.isArray(value)) return value.length === 1 && value[0] !== undefined ? [value[0]] : [];
  if (value === null) return [];
  const entries = Object.entries(value);
  const bare = entries.every(([, inner]) => isMapping(inner) && Object.keys(inner).length === 0);
  return [
    entries.map(([key, inner]) => ({ [key]: inner })),
    [value],
    ...(bare ? [entries.map(([key]) => key)] : []),
    ...(entries.length === 0 ? [null] : []),
  ];
}

function eachPlace(value: Json, path: SpecPath = []): SpecPath[] {
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => eachPlace(item, [...path, index]))
    : isMapping(value)
      ? Object.entries(value).flatMap(([key, item]) => eachPlace(item, [...path, key]))
      : [];
  return [path, ...inner];
}

const SPEC = fullSpec as unknown as Json;

function* broken(): Generator<readonly [what: string, spec: Json]> {
  for (const path of eachPlace(SPEC).filter(({ length }) => length > 0)) {
    for (const mistake of mistakes(at(SPEC, path)))
      yield [`${path.join('.')}: ${JSON.stringify(mistake)}`, edited(SPEC, path, () => mistake)];
    const key = path.at(-1);
    if (typeof key === 'string' && key.length > 3)
      for (const slip of [key.slice(0, -1), `${key.slice(0, 2)}x${key.slice(2)}`, key.toUpperCase()])
        yield [`${path.join('.')}: key ${slip}`, edited(SPEC, path, (value) => value, slip)];
  }
}

const remedies = suite('remedies');

remedies('that name an edit lead to a valid spec when they are followed', () => {
  assert.equal(problemsOf(SPEC), []);
  let followed = 0;
  const wrong: string[] = [];
  for (const [what, spec] of broken()) {
    let problems = problemsOf(spec);
    let next = follow(spec, problems);
    const told = [what];
    for (let steps = 0; next !== undefined && steps < 5; steps += 1) {
      followed += 1;
      told.push(...problems.map(({ message, hint }) => `  ${message}; ${hint}`));
      problems = problemsOf(next);
      next = follow(next, problems);
    }
    if (told.length > 1 && problems.length > 0)
      wrong.push([...told, '  and then:', ...problems.map(({ message, hint }) => `  ${message}; ${hint}`)].join('\n'));
  }
  assert.is(wrong.join('\n'), '');
  assert.ok(followed > 150, `${followed} hints were followed`);
});

remedies.run();
