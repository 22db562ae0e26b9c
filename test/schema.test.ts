import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import { optionSchemas } from '../src/compile.ts';
import { parseDocument } from '../src/source/document.ts';
import { specJsonSchema } from '../src/spec/jsonSchema.ts';
import { specSchema } from '../src/spec/schema.ts';
import { checkGolden, findCases, readSections } from './support/golden.ts';

const schema = specJsonSchema(optionSchemas());

type Node = Readonly<Record<string, unknown>>;

/** Every mapping and list inside the schema, with where it stands. */
function walk(node: unknown, visit: (node: Node, path: string) => void, path = '#'): void {
  if (typeof node !== 'object' || node === null) return;
  if (!Array.isArray(node)) visit(node as Node, path);
  for (const [key, child] of Object.entries(node)) walk(child, visit, `${path}/${key}`);
}

const test = suite('JSON Schema');

test('is the one that is checked in', () => {
  checkGolden('schema/postern.schema.json', `${JSON.stringify(schema, null, 2)}\n`);
});

test('describes every key', () => {
  let keys = 0;
  walk(schema, (node, path) => {
    // Below `properties` the keys are names of the spec, one of which may itself be called so.
    if (!/(?:^#|\/(?:properties\/[^/]+|items|additionalProperties|anyOf\/\d+))$/.test(path)) return;
    for (const [name, child] of Object.entries((node.properties ?? {}) as Record<string, Node>)) {
      keys += 1;
      assert.type(child.description, 'string', `${path}/properties/${name} has no description`);
    }
  });
  assert.ok(keys > 60, `${keys} keys were looked at`);
});

test('refuses unknown keys wherever it names the known ones', () => {
  walk(schema, (node, path) => {
    if (node.type === 'object' && node.properties) assert.is(node.additionalProperties, false, path);
  });
});

test('has no format, reference or keyword that draft 7 editors do not know', () => {
  const known = new Set(
    '$schema $id title description type const enum properties required additionalProperties propertyNames items anyOf allOf oneOf minLength maxLength pattern minimum maximum exclusiveMinimum minItems maxItems uniqueItems default'.split(
      ' ',
    ),
  );
  assert.is(schema.$schema, 'http://json-schema.org/draft-07/schema#');
  walk(schema, (node, path) => {
    if (/\/(?:properties|enum|required)$/.test(path)) return;
    for (const keyword of Object.keys(node)) assert.ok(known.has(keyword), `${path} has ${keyword}`);
  });
});

test('has patterns that mean the same with and without the unicode flag', () => {
  let patterns = 0;
  walk(schema, ({ pattern }, path) => {
    if (typeof pattern !== 'string' || /\/properties$/.test(path)) return;
    patterns += 1;
    for (const flags of ['', 'u']) assert.not.throws(() => new RegExp(pattern, flags), path);
  });
  assert.ok(patterns > 10, `${patterns} patterns were looked at`);
  const flagged: string[] = [];
  const look = (text: string) => flagged.push(...(text.match(/\.regex\(\/.*\/[a-z]+[,)]/g) ?? []));
  for (const file of readdirSync('src/spec')) look(readFileSync(`src/spec/${file}`, 'utf8'));
  assert.equal(flagged, [], 'flags get lost in the JSON Schema');
});

test('judges as the schema that it is made from does', () => {
  const editor = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
  const own = specSchema(optionSchemas());
  const texts = [
    'version: 1\nname: demo\nipRanges: { a: [10.0.0.0/8], b: { file: b.txt } }\nproxies: { api: { listen: 80, ipRanges: any } }\n',
    ...readdirSync('examples', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('postern.yaml'))
      .map((file) => readFileSync(`examples/${file}`, 'utf8')),
    ...findCases('test/spec').map(
      ({ path }) => readSections(path).get('spec.yaml') ?? readSections(path).get('spec.json') ?? '',
    ),
  ];
  const verdicts = texts.flatMap((text) => {
    const document = parseDocument({ name: 'spec.yaml', text }).value;
    if (!document) return [];
    const expected = own.safeParse(document.value).success;
    assert.is(editor.safeParse(document.value).success, expected, text);
    return [expected];
  });
  assert.ok(verdicts.includes(true) && verdicts.filter((verdict) => !verdict).length > 10);
});

test.run();
