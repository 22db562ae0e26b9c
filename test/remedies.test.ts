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
  [/^write (?:it as )?a list: \[(.*)\]$/, (_, [, items = '']) => items.split(', ')],
  [/^write it as the value of (\w+):/, (value, [, key = '']) => ({ [key]: value })],
  [
    /^write the (\w+) of each before it, without dashes/,
    (value, [, label = '']) =>
      Object.fromEntries(
        (Array.isArray(value) ? value : []).map(({ [label]: name, ...rest }) => [String(name), rest] as const),
      ),
  ],
  [
    /^write a list, with each as \{ (\w+): …, (\w+): … \}$/,
    (value, [, first = '', second = '']) =>
      Object.entries(isMapping(value) ? value : {}).map(([one, other]) => ({ [first]: one, [second]: other })),
  ],
  [
    /^write a list of texts such as/,
    (value) => Object.entries(isMapping(value) ? value : {}).map(([one, other]) => `${one} ${other}`),
  ],
  [/^write it as one text, in quotes$/, (value) => JSON.stringify(value)],
  [/^write (https:\/\/\S+), or /, (_, [, text = '']) => text],
  [/^write (\S+); paths stand/, (_, [, text = '']) => text],
  [/^write ([^\s"{]+)$/, (_, [, text = '']) => text],
  [/^write "version: 1"/, () => 1],
  [/^where that is meant, write "ipRanges: any"$/, () => 'any'],
  [/^write the status of the refusal, such as (\d+)$/, (_, [, status]) => Number(status)],
];

/** What the first problem that names an edit proposes; `undefined` where none does. */
function follow(spec: Json, problems: readonly Diagnostic[]): Json | undefined {
  for (const { at: path, message, hint = '', part } of problems) {
    const [, missing, only] = /^add "(\w+): (\w+)"$/.exec(hint) ?? [];
    if (missing !== undefined && only !== undefined)
      return edited(spec, path, (value) => (isMapping(value) ? { ...value, [missing]: Number(only) } : value));
    const [, called] = part === 'key' ? (/^call it (\S+)$/.exec(hint) ?? []) : [];
    if (called !== undefined) return edited(spec, path, (value) => value, called);
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
      ...spelledElsewhere(value),
    ];
  }
  if (Array.isArray(value))
    return [
      ...(value.length === 1 && value[0] !== undefined ? [value[0]] : []),
      ...(value.length > 1 && value.every((one) => typeof one === 'string' && !/[,\s]/.test(one))
        ? [value.join(', ')]
        : []),
    ];
  if (value === null) return [];
  const entries = Object.entries(value);
  const bare = entries.every(([, inner]) => isMapping(inner) && Object.keys(inner).length === 0);
  return [
    entries.map(([key, inner]) => ({ [key]: inner })),
    ...(entries.length > 0 && entries.every(([, inner]) => isMapping(inner))
      ? ['name', 'id'].map((label) =>
          entries.map(([key, inner]) => ({ [label]: key, ...(isMapping(inner) ? inner : {}) })),
        )
      : []),
    ...(entries.length === 1 && typeof entries[0]?.[1] === 'string' ? [entries[0][1]] : []),
    [value],
    ...(bare ? [entries.map(([key]) => key)] : []),
    ...(entries.length === 0 ? [null] : []),
  ];
}

/** How other tools have people write times, sizes, rates, headers, media types, requests and origins. */
function spelledElsewhere(value: string): string[] {
  const [, amount = '', unit = ''] = /^(\d+)(s|m|kB|MB|GB|\/s)$/.exec(value) ?? [];
  const units: Readonly<Record<string, readonly string[]>> = {
    s: ['sec', ' seconds'],
    m: ['min', ' minutes'],
    kB: ['k', 'KiB', ' KB'],
    MB: ['M', 'MiB', ' MB', 'm'],
    GB: ['G', 'GiB'],
    '/s': ['r/s', '/sec', ' per second'],
  };
  return [
    ...(units[unit] ?? []).map((other) => amount + other),
    ...(/^(?:X-[A-Za-z-]+|PRIVATE-TOKEN)$/.test(value) ? [`${value}:`, value.replaceAll('-', '_')] : []),
    ...(/^application\/[a-z]+$/.test(value) ? [`${value}; charset=utf-8`, value.replace('application/', '')] : []),
    ...(/^[A-Z,]+ \//.test(value) ? [`${value} HTTP/1.1`, value.replaceAll(',', '|'), value.replace(' ', '')] : []),
    ...(/^https:\/\/[^/]+$/.test(value) ? [value.slice(8), `${value}/api`] : []),
  ];
}

/** What other tools call a key. */
const CALLED: Readonly<Record<string, readonly string[]>> = {
  ipRanges: ['allowlist', 'allowedIps', 'source_ranges'],
  listen: ['port', 'bind'],
  request: ['path', 'endpoint'],
  certFile: ['cert', 'certificate'],
  keyFile: ['key', 'private_key'],
  caFile: ['ca', 'ca_cert'],
  expires: ['expiry', 'valid_until'],
  reason: ['comment', 'description'],
  proxies: ['proxy'],
  upstreams: ['upstream'],
  apiKeys: ['api_key'],
};

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
    for (const other of CALLED[String(key)] ?? [])
      yield [`${path.join('.')}: key ${other}`, edited(SPEC, path, (value) => value, other)];
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
  assert.ok(followed > 300, `${followed} hints were followed`);
});

remedies('a text without quotes is quoted as it is written, not as the number that YAML reads', () => {
  for (const [written, meant] of [
    ['1.30', '"1.30"'],
    ['1.20', '"1.20"'],
  ] as const) {
    const text = `version: 1\nname: n\ntargets: { nginx: { version: ${written} } }\n`;
    const { value: document } = parseDocument({ name: 'postern.yaml', text });
    const hints = document && parseSpec(document, SCHEMA).diagnostics.map(({ hint }) => hint);
    assert.equal(hints, [`write it as ${meant}; without quotes it is a number`]);
  }
});

/** Mistakes that no value of a whole spec holds, each with what its remedy must not, or must, say. */
const PLACES: readonly (readonly [what: string, edit: (spec: Json) => Json, says: RegExp])[] = [
  [
    '0.0.0.0/0 as load balancer',
    put('proxies.api.clientIp', { trustedProxies: ['0.0.0.0/0'] }),
    /all other lists name addresses/,
  ],
  [
    'a URL as name',
    put('domainRewrites', [{ from: 'https://a.example.com', to: 'b.example.com' }]),
    /^write a\.example\.com$/,
  ],
  [
    'names to names as a mapping',
    put('domainRewrites', { 'a.example.com': 'b.example.com' }),
    /^write a list, with each as/,
  ],
  ['true as a path', put('proxies.api.health', true), /must be a path/],
  ['a request as health path', put('proxies.api.health', 'GET /healthz'), /^write \/healthz$/],
  ['a mapping as reference', put('apiKeys.echoes.key', { env: 'KEY' }), /such as env:NAME$/],
  ['what is refused', put('routes.read.deny', ['GET /x']), /what no group allows is refused/],
  ['variables', put('vars', { a: 'b' }), /has no variables/],
];

/** Puts a value at a place of a spec, written with dots. */
function put(place: string, value: Json): (spec: Json) => Json {
  const steps = place.split('.');
  const within = (inner: Json, [step, ...rest]: readonly string[]): Json =>
    step === undefined
      ? value
      : {
          ...(isMapping(inner) ? inner : {}),
          [step]: within((isMapping(inner) ? inner[step] : undefined) ?? {}, rest),
        };
  return (spec) => within(spec, steps);
}

for (const [what, edit, says] of PLACES)
  remedies(`${what}: ${says.source}`, () => {
    const base = { version: 1, name: 'n', upstreams: { gitlab: { url: 'https://gitlab.example.com' } } };
    const whole: Json = {
      ...base,
      routes: { read: { upstream: 'gitlab', allow: ['GET /a'] } },
      apiKeys: { echoes: { key: 'env:K', token: 'env:T' } },
      proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'] } },
    };
    assert.equal(problemsOf(whole), []);
    assert.match(problemsOf(edit(whole))[0]?.hint ?? '', says);
  });

remedies.run();
