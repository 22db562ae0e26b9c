import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomOf } from '../src/verify/random.ts';
import { caddyCases } from './support/caddyRefusals.ts';
import { type Checked, checkerHere, checkerText, tryChecker } from './support/certificateChecker.ts';
import { type Fault, withNumbers, withoutOperands, withoutRefusals, withParts } from './support/checkerFaults.ts';
import { nginxCases } from './support/nginxRefusals.ts';
import type { Engine } from './support/proofs.ts';
import type { Refusal } from './support/refusals.ts';

// POSTERN_FAULTS=20 also takes away so many parts of conditions, "all" each of them; POSTERN_SEED=$RANDOM picks others.
const seed = process.env['POSTERN_SEED'] ?? 'checkers';
const parts = process.env['POSTERN_FAULTS'];

const checkers = suite('checks of the checkers of certificates');

const isTold = ({ told }: Refusal, found: Checked) =>
  (found.status === 0) === (told === undefined) && found.told.includes(told ?? '');

const SAVES_TIME = 'segments that expressions look at behind the eighth are tried in all their forms without it';
/** Parts that no case can notice, each with the reason. */
const EXPLAINED: Readonly<Record<Engine, Readonly<Record<string, string>>>> = {
  nginx: {
    'isOdd || hasCapitals without isOdd': SAVES_TIME,
    'isOdd || hasCapitals without hasCapitals': SAVES_TIME,
  },
  caddy: {},
};

type Numbers = ReadonlyMap<number, readonly Refusal[]>;

/** Runs a checker that notes numbers. Returns the cases in which each is noted, those that take the shortest first. */
function notedBy(engine: Engine, text: string, cases: readonly Refusal[], calls: (note: Note) => object): Numbers {
  let own = new Set<number>();
  const check = checkerHere(engine, text, { ...calls((number) => own.add(number)) });
  const runs = cases.map((each) => {
    own = new Set();
    const before = process.cpuUsage();
    const found = check(each.certificate, each.files);
    assert.ok(isTold(each, found), `${each.title}: ${found.told}`);
    return { each, numbers: own, took: process.cpuUsage(before).user };
  });
  const sorted = runs.toSorted((a, b) => a.took - b.took);
  const numbers = new Set(runs.flatMap((run) => [...run.numbers]));
  return new Map(
    [...numbers].map((number) => [number, sorted.filter((run) => run.numbers.has(number)).map(({ each }) => each)]),
  );
}
type Note = (number: number) => void;

const refusalsOf = (engine: Engine, cases: readonly Refusal[]) =>
  notedBy(engine, withNumbers(checkerText(engine)), cases, (noteRefusal) => ({ noteRefusal }));

/** A part that always is what stands for it once it is gone is of no account in a case. */
const partsOf = (engine: Engine, cases: readonly Refusal[]) =>
  notedBy(engine, withParts(checkerText(engine)), cases, (note) => ({
    notePart: (number: number, gone: boolean, value: unknown) => {
      if (value !== gone) note(number);
      return value;
    },
  }));

/** Returns the faults that no case tells from the whole checker. */
function unnoticed(engine: Engine, faults: readonly Fault[], numbers: Numbers, picked = faults): readonly string[] {
  const missing = picked.filter(({ text }) => {
    const own = numbers.get(faults.findIndex((each) => each.text === text)) ?? [];
    return tryChecker(engine, text, own) === 'unnoticed';
  });
  return missing.map(({ title }) => title);
}

for (const [engine, casesOf] of [
  ['nginx', nginxCases],
  ['caddy', caddyCases],
] as const) {
  checkers(`${engine}: each refusal is noticed when it is gone`, () => {
    const cases = casesOf();
    assert.equal(unnoticed(engine, withoutRefusals(checkerText(engine)), refusalsOf(engine, cases)), []);
  });

  if (parts !== undefined)
    checkers(`${engine}: each part of a condition is noticed when it is gone`, () => {
      const random = randomOf(`${seed} ${engine}`);
      const operands = withoutOperands(checkerText(engine));
      const picked = parts === 'all' ? operands : Array.from({ length: Number(parts) }, () => random.pick(operands));
      const missing = unnoticed(engine, operands, partsOf(engine, casesOf()), picked);
      console.log(`${engine}: ${picked.length} of ${operands.length} parts`);
      const expected = Object.keys(EXPLAINED[engine]);
      assert.equal(
        missing.filter((title) => !expected.includes(title)),
        [],
      );
      if (parts === 'all')
        assert.equal(
          expected.filter((title) => !missing.includes(title)),
          [],
        );
    });
}

checkers.run();
