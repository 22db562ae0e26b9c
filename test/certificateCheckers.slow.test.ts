import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomOf } from '../src/verify/random.ts';
import { caddyCases } from './support/caddyRefusals.ts';
import { type Checked, checkerHere, checkerText } from './support/certificateChecker.ts';
import { type Fault, withNumbers, withoutOperands, withoutRefusals } from './support/checkerFaults.ts';
import { nginxCases } from './support/nginxRefusals.ts';
import type { Engine } from './support/proofs.ts';
import type { Refusal } from './support/refusals.ts';

// POSTERN_FAULTS=20 also takes away so many parts of conditions, "all" each of them; POSTERN_SEED=$RANDOM picks others.
const seed = process.env['POSTERN_SEED'] ?? 'checkers';
const parts = process.env['POSTERN_FAULTS'];

const checkers = suite('checks of the checkers of certificates');

const isTold = ({ told }: Refusal, found: Checked) =>
  (found.status === 0) === (told === undefined) && found.told.includes(told ?? '');

/** The refusals that a case ends at, by their numbers; none where it holds. */
function endsOf(engine: Engine, cases: readonly Refusal[]): ReadonlyMap<Refusal, ReadonlySet<number>> {
  const ends = new Map(cases.map((each) => [each, new Set<number>()]));
  let own = new Set<number>();
  const check = checkerHere(engine, withNumbers(checkerText(engine)), {
    noteRefusal: (number: number) => own.add(number),
  });
  for (const each of cases) {
    own = ends.get(each) ?? own;
    const found = check(each.certificate, each.files);
    assert.ok(isTold(each, found), `${each.title}: ${found.told}`);
  }
  return ends;
}

/** Returns whether a case tells a checker from the whole one. */
function isNoticed({ text }: Fault, engine: Engine, cases: readonly Refusal[]): boolean {
  const check = checkerHere(engine, text);
  return cases.some((each) => !isTold(each, check(each.certificate, each.files)));
}

for (const [engine, casesOf] of [
  ['nginx', nginxCases],
  ['caddy', caddyCases],
] as const) {
  const text = checkerText(engine);
  const refusals = withoutRefusals(text);
  let cases: readonly Refusal[] = [];
  let ends: ReturnType<typeof endsOf> = new Map();

  checkers(`${engine}: each refusal is noticed when it is gone`, () => {
    cases = casesOf();
    ends = endsOf(engine, cases);
    const missing = refusals.filter((fault, index) => {
      const own = cases.filter((each) => ends.get(each)?.has(index));
      return !isNoticed(fault, engine, own);
    });
    assert.equal(titles(missing), []);
  });

  if (parts !== undefined)
    checkers(`${engine}: each part of a condition is noticed when it is gone`, () => {
      const random = randomOf(`${seed} ${engine}`);
      const operands = withoutOperands(text);
      const picked = parts === 'all' ? operands : Array.from({ length: Number(parts) }, () => random.pick(operands));
      const missing = picked.filter((fault) => {
        // Cases that end near to it come first.
        const distance = (each: Refusal) =>
          Math.min(1000, ...[...(ends.get(each) ?? [])].map((at) => Math.abs((refusals[at]?.line ?? 0) - fault.line)));
        return !isNoticed(
          fault,
          engine,
          cases.toSorted((a, b) => distance(a) - distance(b)),
        );
      });
      console.log(`${engine}: ${picked.length} of ${operands.length} parts`);
      assert.equal(titles(missing), []);
    });
}

const titles = (faults: readonly Fault[]) => faults.map(({ title }) => title);

checkers.run();
