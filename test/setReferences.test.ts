import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import { optionSchemas } from '../src/compile.ts';
import { setReferences, withSetsRenamed } from '../src/spec/references.ts';
import { rangeItem, rangeList } from '../src/spec/scalars.ts';
import { specSchema } from '../src/spec/schema.ts';

type Path = readonly (string | number)[];

const own = specSchema(optionSchemas());

/** Each place of a schema for an address or "@name"; names stand for whatever names may be there. */
function addressesIn(schema: z.core.$ZodType, path: Path = []): Path[] {
  // What a schema says of itself is shared by all its descriptions.
  if (schema._zod.def === rangeItem._zod.def) return [path];
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([key, child]) => addressesIn(child, [...path, key]));
  if (schema instanceof z.ZodRecord) return addressesIn(schema.valueType, [...path, 'some']);
  if (schema instanceof z.ZodArray) return addressesIn(schema.element, [...path, 0]);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => addressesIn(option, path));
  if (schema instanceof z.ZodOptional) return addressesIn(schema.unwrap(), path);
  return [];
}

function valueAt([key, ...rest]: Path, name: string): unknown {
  if (key === undefined) return `@${name}`;
  return typeof key === 'number' ? [valueAt(rest, name)] : { [key]: valueAt(rest, name) };
}

const test = suite('references to address sets');

test('each place of the schema for an address is found, and renamed', () => {
  const places = addressesIn(own);
  const words = new Set(places.map((path) => path.join('.')));
  for (const known of ['ipRanges.some.0.not', 'proxies.some.health.from.0', 'guarantees.0.never.from.0'])
    assert.ok(words.has(known), `${known} is not among ${[...words].join(' ')}`);
  for (const path of places) {
    const spec = valueAt(path, 'office');
    assert.equal(setReferences(spec), [{ name: 'office', at: path }]);
    assert.equal(
      withSetsRenamed(spec, (name) => `web-${name}`),
      valueAt(path, 'web-office'),
    );
  }
});

test('so are those of a field that nobody has heard of', () => {
  const places = addressesIn(own.extend({ toy: z.record(z.string(), z.strictObject({ from: rangeList })) }));
  assert.equal(
    places.filter(([section]) => section === 'toy'),
    [['toy', 'some', 'from', 0]],
  );
  const spec = { toy: { a: { from: ['10.0.0.0/8', '@b', { not: '@c' }] } } };
  assert.equal(setReferences(spec), [
    { name: 'b', at: ['toy', 'a', 'from', 1] },
    { name: 'c', at: ['toy', 'a', 'from', 2, 'not'] },
  ]);
});

test('nothing else is taken for one', () => {
  const spec = {
    responseHeaders: { 'X-Owner': '@team' },
    allow: ['GET /@user'],
    not: '@a',
    list: [['a@b'], { x: '@c' }],
  };
  assert.equal(setReferences(spec), []);
  assert.equal(
    withSetsRenamed(spec, () => 'b'),
    spec,
  );
});

test.run();
