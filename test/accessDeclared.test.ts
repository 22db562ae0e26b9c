import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffDeclared, type Told } from '../src/accessDiff/declared.ts';
import { SPEC_ACCESS } from '../src/accessDiff/spec.ts';
import { memberOf } from '../src/source/value.ts';
import { targets } from '../src/targets/index.ts';

/** What the sources say of all options of targets, with the path of each. */
function touchesOf(touch: unknown, path: string): readonly (readonly [string, Told])[] {
  if (memberOf(touch, 'words') !== undefined) return [[path, touch as Told]];
  const each = memberOf(touch, 'each');
  const inner = memberOf(touch, 'fields') ?? (each === undefined ? {} : { '*': each });
  return Object.entries(inner as object).flatMap(([name, one]) => touchesOf(one, `${path}.${name}`));
}

const ofTargets = Object.fromEntries(targets.map(({ name, access }) => [name, { fields: access }]));
const TOLD = touchesOf({ fields: { ...SPEC_ACCESS, targets: { fields: ofTargets } } }, 'spec');

const test = suite('what the sources say of options');

test('a value that reads like an absent one is another value, and a default that is written out is none', () => {
  const asItIs = { file: (path: string) => path, addresses: () => undefined };
  const path = ['targets', 'x', 'y', 'z'];
  const changes = (touch: Told, before: unknown, after: unknown) =>
    diffDeclared({ x: touch }, { before: { x: before }, after: { x: after }, path }, { before: asItIs, after: asItIs })
      .length;
  assert.ok(TOLD.length > 50, `${TOLD.length} options`);
  for (const [name, touch] of TOLD) {
    if (touch.byDefault === undefined) {
      assert.is(changes(touch, touch.absent, undefined), 1, name);
      assert.is(changes(touch, [touch.absent], undefined), 1, name);
    } else {
      assert.is(changes(touch, touch.byDefault, undefined), 0, name);
    }
    assert.is(changes(touch, ['a, b'], ['a', 'b']), 1, name);
    assert.is(changes(touch, { a: '1', b: '2' }, { b: '2', a: '1' }), 0, name);
  }
});

test('other addresses of a set that an option names are another value', () => {
  const trust = { kind: 'client-address', words: 'trusted are', absent: 'nobody' } as const;
  const options = { x: { trustedProxies: ['@lb', '10.9.0.0/16'] } };
  const named = (addresses: string) => ({ file: () => undefined, addresses: () => addresses });
  const changes = (before: string, after: string) =>
    diffDeclared(
      { x: { fields: { trustedProxies: trust } } },
      { before: options, after: options, path: ['targets', 'y'] },
      { before: named(before), after: named(after) },
    );
  assert.equal(changes('10.0.0.0/24', '10.0.0.0/24'), []);
  assert.equal(
    changes('10.0.0.0/24', '10.0.0.0/8').map(({ effect, message }) => [effect, message]),
    [['unclear', 'trusted are @lb, 10.9.0.0/16 (before: other addresses in it) under targets.y']],
  );
});

test.run();
