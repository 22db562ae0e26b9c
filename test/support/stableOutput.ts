import * as assert from 'uvu/assert';
import { addRoute, type Base, NAMES, OTHERS, ROUTES, type SpecText } from './additions.ts';
import {
  budgetOf,
  type Changes,
  changesOf,
  countOf,
  goneFrom,
  holdsPath,
  newIn,
  type Output,
  outputOf,
} from './outputChanges.ts';

type Test = (name: string, check: () => void) => void;

const PLACES = {
  start: () => 0,
  middle: (length: number) => length >> 1,
  end: (length: number) => length,
} as const;

/** That one more of anything changes little of what is generated, wherever it stands in the spec. */
export function testAdditions(test: Test, base: Base): void {
  const { name, spec, folder } = base;
  let known: Output | undefined;
  const before = () => {
    known ??= outputOf(spec, folder);
    return known;
  };
  /** Adds to a copy at each place, and looks at what has become of each target. */
  const atEach = (add: (copy: SpecText, place: (length: number) => number) => void, check: (seen: Seen) => void) => {
    for (const [where, place] of Object.entries(PLACES)) {
      const copy = structuredClone(spec);
      add(copy, place);
      const after = outputOf(copy, folder);
      for (const target of after.keys()) {
        const changes = changesOf(before(), after, target);
        check({ target, changes, text: `${target}, at the ${where}:\n${written(changes)}` });
      }
    }
  };
  for (const addition of ROUTES) {
    const add = addRoute(addition);
    const request = add(structuredClone(spec), PLACES.start);
    if (request === undefined) continue;
    const budget = budgetOf(request, requestsOf(spec));
    test(`${name}: ${addition.what} changes ${budget} lines of a target at most, one of which holds the path`, () =>
      atEach(add, ({ changes, text }) => {
        assert.ok(countOf(changes) <= budget, `${countOf(changes)} lines of ${text}`);
        const lines = [...changes.values()].flatMap(({ gone, added }) => [...gone, ...added]);
        assert.ok(lines.length === 0 || lines.some((line) => holdsPath(line, request)), text);
      }));
  }
  for (const { what, add, mostGone = 2, mostAdded } of OTHERS)
    for (const id of NAMES) {
      if (!add(id)(structuredClone(spec), PLACES.start)) continue;
      test(`${name}: ${what} called ${id} leaves what there is as it is`, () =>
        atEach(add(id), ({ changes, text }) => {
          assert.ok(goneFrom(changes).length <= mostGone, text);
          if (mostAdded !== undefined) assert.ok(newIn(changes).length <= mostAdded, text);
        }));
    }
  test(`${name}: what is taken out again leaves nothing behind`, () => {
    const copy = structuredClone(spec);
    const group = Object.values(copy.routes ?? {})[0];
    group?.allow.push('GET /health');
    outputOf(copy, folder);
    group?.allow.pop();
    assert.equal(outputOf(copy, folder), before());
  });
}

interface Seen {
  readonly target: string;
  readonly changes: ReadonlyMap<string, Changes>;
  readonly text: string;
}

function requestsOf({ routes = {} }: SpecText): string[] {
  return Object.values(routes).flatMap(({ allow }) =>
    allow.map((item) => (typeof item === 'string' ? item : item.request)),
  );
}

function written(changes: ReadonlyMap<string, Changes>): string {
  return [...changes]
    .map(([path, { gone, added }]) => [path, ...gone.map((line) => `- ${line}`), ...added.map((line) => `+ ${line}`)])
    .map((lines) => lines.map((line) => line.slice(0, 300)).join('\n'))
    .join('\n');
}
