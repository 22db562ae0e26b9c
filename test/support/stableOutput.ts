import { isDeepStrictEqual } from 'node:util';
import * as assert from 'uvu/assert';
import {
  type Addition,
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

type Where = keyof typeof PLACES;

/** A name for each place, so that what is sorted by name stands there too. */
const NAMES_AT = { start: 'aaa', middle: 'mmm', end: 'zzz' } as const satisfies Record<Where, string>;

/** That one more of anything changes little of what is generated, wherever it stands in the spec. */
export function testAdditions(test: Test, base: Base): void {
  const look = stabilityOf(test, base);
  look.testRoutes();
  look.testRichRoutes();
  for (const id of NAMES) for (const addition of OTHERS) look.testOther(addition, `called ${id}`, () => id);
  look.testNothingLeft();
}

/** The same by kind, for specs that take long; there a name goes with each place. */
export function testRoutes(test: Test, base: Base): void {
  const look = stabilityOf(test, base);
  look.testRoutes();
  look.testNothingLeft();
}

export function testRichRoutes(test: Test, base: Base): void {
  const look = stabilityOf(test, base);
  look.testRichRoutes();
  look.testNothingLeft();
}

export function testOthers(test: Test, base: Base, others: readonly Addition[]): void {
  const look = stabilityOf(test, base);
  for (const addition of others) look.testOther(addition, 'that sorts there', (where) => NAMES_AT[where]);
  look.testNothingLeft();
}

function stabilityOf(test: Test, base: Base) {
  const { name, spec } = base;
  const { atEach, assertNothingLeft } = looksAt(base);
  const moved = (target: string) => (base.sharesRows && target === 'caddy' ? 2 : 0);
  const testRoute = (what: string, request: string, add: AddAt, more: Figures = {}) => {
    const budget = budgetOf(request, requestsOf(spec));
    const also = Object.entries(more).map(([target, figure]) => `, ${figure} more of ${target}`);
    test(`${name}: ${what} changes ${budget} lines of a target at most${also.join('')}, one of which holds the path`, () =>
      atEach(add, ({ target, changes, text }) => {
        const most = budget + (more[target] ?? 0) + 2 * moved(target);
        assert.ok(countOf(changes) <= most, `${countOf(changes)} lines of ${text}`);
        const lines = linesOf(changes);
        // A target that hands on the files of another one names a new file, and not what is in it.
        const said = lines.filter((line) => !line.includes('sha256:') && !/^ *- \S+\.conf$/.test(line));
        assert.ok(said.length === 0 || said.some((line) => holdsPath(line, request)), text);
      }));
  };
  return {
    testRoutes: () => {
      for (const addition of ROUTES) {
        const add = addRoute(addition);
        const request = add(structuredClone(spec), PLACES.start);
        if (request !== undefined) testRoute(addition.what, request, add);
      }
    },
    testRichRoutes: () => {
      for (const { what, route, more } of RICH_ROUTES) {
        const request = typeof route === 'string' ? route : route.request;
        if (addGiven(route)(structuredClone(spec), PLACES.start)) testRoute(what, request, addGiven(route), more);
      }
      if (ANSWER.add(structuredClone(spec), PLACES.start))
        testRoute('an answer', ANSWER.request, ANSWER.add, ANSWER.more);
    },
    testOther: (addition: Addition, called: string, nameAt: (where: Where) => string) => {
      const { what, add, gone, added, own, replaced, holds } = addition;
      if (!add(nameAt('start'))(structuredClone(spec), PLACES.start)) return;
      test(`${name}: ${what} ${called} takes ${gone} lines of a target away and brings ${added} beside its own`, () =>
        atEach(
          (copy, place, where) => add(nameAt(where))(copy, place),
          ({ target, where, changes, text }) => {
            const [left, came] = [goneFrom(changes).length, addedTo(changes).length];
            const also = replaced?.(spec)[target] ?? 0;
            assert.ok(left <= gone + also + moved(target), `${left} lines gone from ${text}`);
            assert.ok(came <= added + also + (own?.(spec)[target] ?? 0), `${came} lines more of ${text}`);
            const lines = linesOf(changes);
            assert.ok(lines.length === 0 || lines.some((line) => line.includes(holds ?? nameAt(where))), text);
          },
        ));
    },
    /** Comes after all additions, since it looks for what any of them has left. */
    testNothingLeft: () => test(`${name}: what was added and taken out again leaves nothing behind`, assertNothingLeft),
  };
}

type AddAt = (copy: SpecText, place: Position, where: Where) => void;

/** Adds to a copy at each place and looks at what has become of each target. */
function looksAt({ spec, folder }: Base) {
  let known: Output | undefined;
  const atEach = (add: AddAt, check: (seen: Seen) => void) => {
    known ??= outputOf(spec, folder);
    for (const [where, place] of Object.entries(PLACES) as [Where, Position][]) {
      const copy = structuredClone(spec);
      add(copy, place, where);
      const after = outputOf(copy, folder);
      for (const target of after.keys()) {
        const changes = changesOf(known, after, target);
        check({ target, where, changes, text: `${target}, at the ${where}:\n${written(changes)}` });
      }
    }
  };
  return { atEach, assertNothingLeft: () => assert.ok(isDeepStrictEqual(outputOf(spec, folder), known)) };
}

type Position = (length: number) => number;

function linesOf(changes: ReadonlyMap<string, Changes>): string[] {
  return [...changes.values()].flatMap(({ gone, added }) => [...gone, ...added]);
}

interface Seen {
  readonly target: string;
  readonly where: Where;
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
