import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { accessOf, rulesOf } from '../src/policy/access.ts';
import { run } from '../src/policy/automaton.ts';
import { onlyText, wholly } from '../src/prove/matching.ts';
import { endsOf } from '../src/prove/specPaths.ts';
import { type Random, randomOf } from '../src/verify/random.ts';
import { onlyProxy, policyOf } from './support/policy.ts';

const paths = suite('paths of a spec, looked at together');

const PARTS = ['a', 'ab', 'b', '1', '12', '{x}', '{x:int}', '{x:hex}', '{x:slug}', '{x:encodedPath}'];
const SEGMENTS = ['a', 'ab', 'abc', 'b', '1', '12', '123', 'A', 'f0', 'x~1', 'x%2Fy', 'x%2F', '.', '..', '%41', ''];

function accessFor(allowed: readonly string[]) {
  const spec = policyOf({
    upstreams: { up: { url: 'http://127.0.0.1:9' } },
    routes: { read: { upstream: 'up', auth: 'passthrough', allow: allowed } },
    proxies: { api: { listen: 8080, ipRanges: 'any' } },
    targets: {},
  });
  const access = accessOf(onlyProxy(spec));
  if (!access) throw new Error('too many overlaps');
  const rules = rulesOf(onlyProxy(spec));
  // By all rules of an end, so that as few of them as possible are one.
  const nameOf = (id: number) => {
    const accepts = access.automaton.states[id]?.accepts ?? [];
    return accepts.length === 0 ? undefined : accepts.map((rule) => rules.indexOf(rule)).join();
  };
  return { access, nameOf };
}

function pattern(random: Random): string {
  const length = 1 + random.below(4);
  const parts = Array.from({ length }, (_, index) => random.pick(PARTS).replace('x', `x${index}`));
  return `/${parts.join('/')}${random.pick(['', '', '/{rest*}'])}`;
}

paths('a path ends where the automaton of the spec ends', () => {
  const random = randomOf(7);
  for (let round = 0; round < 12; round++) {
    const allowed = [...new Set(Array.from({ length: 1 + random.below(8) }, () => `GET ${pattern(random)}`))];
    const { access, nameOf } = accessFor(allowed);
    for (let number = 0; number < 40; number++) {
      const path = Array.from({ length: 1 + random.below(5) }, () => `/${random.pick(SEGMENTS)}`).join('');
      const state = run(access.automaton, path);
      const ends = endsOf(access, onlyText(path), nameOf).map((end) => [
        end.state === undefined ? undefined : nameOf(end.state),
        end.example,
      ]);
      assert.equal(ends, [[state && nameOf(state.id), path]], `${path} of ${allowed.join('; ')}`);
    }
  }
});

paths('all that paths of a language come to is found, with an example of each', () => {
  const random = randomOf(11);
  const all = wholly('(?:/(?:[ab1]|%2F){0,2}){1,3}');
  for (let round = 0; round < 12; round++) {
    const allowed = [...new Set(Array.from({ length: 1 + random.below(8) }, () => `GET ${pattern(random)}`))];
    const { access, nameOf } = accessFor(allowed);
    const found = endsOf(access, all, nameOf);
    const name = (path: string) => {
      const state = run(access.automaton, path);
      return state && nameOf(state.id);
    };
    for (const { state, example } of found)
      assert.is(name(example), state === undefined ? undefined : nameOf(state), example);
    const names = found.map(({ example }) => name(example));
    assert.is(new Set(names).size, names.length, 'each end is there once');
    for (let number = 0; number < 200; number++) {
      const part = () => random.pick(['', 'a', 'b', '1', 'ab', '11', 'a1', '%2F', 'a%2F', '%2Fb', 'aa']);
      const path = Array.from({ length: 1 + random.below(3) }, () => `/${part()}`).join('');
      assert.ok(names.includes(name(path)), `${path} of ${allowed.join('; ')}`);
    }
  }
});

paths.run();
