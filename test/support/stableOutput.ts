import * as assert from 'uvu/assert';
import {
  ANSWER,
  addGiven,
  addRoute,
  type Base,
  type Figures,
  NAMES,
  OTHERS,
  RICH_ROUTES,
  ROUTES,
  type SpecText,
} from './additions.ts';
import {
  addedTo,
  budgetOf,
  type Changes,
  changesOf,
  countOf,
  goneFrom,
  holdsPath,
  type Output,
  outputOf,
} from './outputChanges.ts';

type Test = (name: string, check: () => void) => void;

const PLACES = {
  start: () => 0,
  middle: (length: number) => length >> 1,
  end: (length: number) => length,
} as const;

/**
 * That one more of anything changes little of what is generated, wherever it stands in the spec.
 * @param everywhere whether it is put at each place, under each name; one of each otherwise, where that takes long
 */
export function testAdditions(test: Test, base: Base, everywhere = true): void {
  const { name, spec, folder, sharesRows = false } = base;
  const moved = (target: string) => (sharesRows && target === 'caddy' ? 2 : 0);
  const places = Object.entries(PLACES).filter(([where]) => everywhere || where === 'middle');
  let known: Output | undefined;
  const before = () => {
    known ??= outputOf(spec, folder);
    return known;
  };
  /** Adds to a copy at each place, and looks at what has become of each target. */
  const atEach = (add: (copy: SpecText, place: (length: number) => number) => void, check: (seen: Seen) => void) => {
    for (const [where, place] of places) {
      const copy = structuredClone(spec);
      add(copy, place);
      const after = outputOf(copy, folder);
      for (const target of after.keys()) {
        const changes = changesOf(before(), after, target);
        check({ target, changes, text: `${target}, at the ${where}:\n${written(changes)}` });
      }
    }
  };
  const testRoute = (
    what: string,
    request: string,
    add: (copy: SpecText, place: Position) => void,
    more: Figures = {},
  ) => {
    const budget = budgetOf(request, requestsOf(spec));
    const also = Object.entries(more).map(([target, figure]) => `, ${figure} more of ${target}`);
    test(`${name}: ${what} changes ${budget} lines of a target at most${also.join('')}, one of which holds the path`, () =>
      atEach(add, ({ target, changes, text }) => {
        assert.ok(
          countOf(changes) <= budget + (more[target] ?? 0) + 2 * moved(target),
          `${countOf(changes)} lines of ${text}`,
        );
        const lines = linesOf(changes);
        assert.ok(lines.length === 0 || lines.some((line) => holdsPath(line, request)), text);
      }));
  };
  for (const addition of ROUTES) {
    const add = addRoute(addition);
    const request = add(structuredClone(spec), PLACES.start);
    if (request !== undefined) testRoute(addition.what, request, add);
  }
  for (const { what, route, more } of RICH_ROUTES) {
    const request = typeof route === 'string' ? route : route.request;
    if (addGiven(route)(structuredClone(spec), PLACES.start)) testRoute(what, request, addGiven(route), more);
  }
  if (ANSWER.add(structuredClone(spec), PLACES.start)) testRoute('an answer', ANSWER.request, ANSWER.add, ANSWER.more);
  for (const { what, add, gone, added, own, holds } of OTHERS)
    for (const id of everywhere ? NAMES : NAMES.slice(0, 1)) {
      if (!add(id)(structuredClone(spec), PLACES.start)) continue;
      test(`${name}: ${what} called ${id} takes ${gone} lines of a target away and brings ${added} beside its own`, () =>
        atEach(add(id), ({ target, changes, text }) => {
          assert.ok(
            goneFrom(changes).length <= gone + moved(target),
            `${goneFrom(changes).length} lines gone from ${text}`,
          );
          const most = added + (own?.(spec)[target] ?? 0);
          assert.ok(addedTo(changes).length <= most, `${addedTo(changes).length} lines more of ${text}`);
          const lines = linesOf(changes);
          assert.ok(lines.length === 0 || lines.some((line) => line.includes(holds ?? id)), text);
        }));
    }
  test(`${name}: whatever was added and taken out again leaves nothing behind`, () =>
    assert.equal(outputOf(structuredClone(spec), folder), before()));
}

type Position = (length: number) => number;

function linesOf(changes: ReadonlyMap<string, Changes>): string[] {
  return [...changes.values()].flatMap(({ gone, added }) => [...gone, ...added]);
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
