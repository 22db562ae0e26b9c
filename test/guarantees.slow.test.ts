import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { wordsFor } from '../src/commands/guarantees.ts';
import { compile } from '../src/compile.ts';
import { claimsOf } from '../src/guarantees/claims.ts';
import { prove } from '../src/guarantees/prove.ts';
import { engineSuite } from './engines/suite.ts';
import {
  envelopedFiles,
  guaranteesOf,
  holds,
  line,
  type Promised,
  type RandomSpec,
  specOf,
  specs,
  textOf,
} from './guarantees/judges.ts';
import { isBroken, isOutside, solver } from './guarantees/z3.ts';
import { compileFiles } from './support/files.ts';
import { proxyTarget } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';

const { test, engines } = await engineSuite('envelopes and guarantees before other judges', ['nginx']);
const seed = Number(process.env['SEED'] ?? Date.now() % 1e6);
const runs = Number(process.env['JUDGED'] ?? 60);
const read = () => undefined;

/** One for all tests: Z3 cannot be started twice. */
let started: Awaited<ReturnType<typeof solver>> | undefined;
const z3 = () => {
  if (!started) throw new Error('Z3 is not started');
  return started;
};
test.before(async () => {
  started = await solver();
});
test.after(() => started?.close());

/** The random specs that are valid: where what needs a key overlaps with what needs none, a spec is an error. */
function validSpecs(count: number) {
  const all = fc.sample(specs, { seed, numRuns: 3 * count });
  return all
    .flatMap((random) => {
      const spec = specOf(random);
      const { policy, composition } = compile(JSON.stringify(spec), { file: 'postern.json', read, targets: [] });
      if (!policy || !composition) return [];
      const claims = claimsOf(composition.spec, policy, read, []).filter((claim) => claim.kind !== 'same');
      const proofs = prove(claims, policy) ?? [];
      return [{ random, spec, policy, proofs, promised: guaranteesOf(random) }];
    })
    .slice(0, count);
}

test(`Z3 and a judge that tries everything decide ${runs} random specs as the proof does (SEED=${seed})`, async () => {
  let [kept, broken, open] = [0, 0, 0];
  const judge = async (random: RandomSpec, promised: Promised) => {
    const found = await z3().solve(isBroken(random, promised));
    return found === undefined ? undefined : !found;
  };
  const valid = validSpecs(runs);
  for (const { random, spec, proofs, promised } of valid) {
    for (const [index, each] of promised.entries()) {
      const proof = proofs[index];
      assert.ok(proof);
      const said = !proof.witness;
      const about = `${proof.claim.subject}: ${proof.witness ? wordsFor(proof.witness) : 'holds'}\n${JSON.stringify(spec)}`;
      assert.is(holds(random, each), said, `tried: ${about}`);
      const judged = await judge(random, each);
      if (judged === undefined) open += 1;
      else assert.is(judged, said, `Z3: ${about}`);
      if (said) kept += 1;
      else broken += 1;
    }
  }
  const counted = `${valid.length} specs, ${kept} guarantees kept, ${broken} broken, ${open} that Z3 gave up on`;
  console.log(counted);
  assert.ok(kept > runs / 5 && broken > runs / 5 && open < (kept + broken) / 20, counted);
});

test(`Z3 finds outside of ${runs} random envelopes what the check finds (SEED=${seed})`, async () => {
  let [inside, outside, open] = [0, 0, 0];
  const lines = fc.array(line, { minLength: 1, maxLength: 10 });
  for (const [allowed, envelope] of fc.sample(fc.tuple(lines, lines), { seed, numRuns: runs })) {
    const { diagnostics } = await compileFiles(envelopedFiles(allowed, envelope), 'prod.json', { targets: [] });
    const told = new Set(diagnostics.filter(({ code }) => code === 'within/request').map(({ at }) => at.at(-1)));
    for (const [index, one] of allowed.entries()) {
      const beyond = await z3().solve(isOutside(one, envelope));
      if (beyond === undefined) open += 1;
      else assert.is(told.has(index), beyond, `${textOf(one)} within ${envelope.map(textOf).join(' · ')}`);
      if (told.has(index)) outside += 1;
      else inside += 1;
    }
  }
  const counted = `${runs} envelopes, ${inside} lines inside, ${outside} outside, ${open} that Z3 gave up on`;
  console.log(counted);
  assert.ok(inside > runs / 5 && outside > runs / 5 && open < (inside + outside) / 20, counted);
});

test(`nginx lets the witnesses of broken guarantees through, and refuses those of "always" (SEED=${seed})`, async () => {
  const broken = validSpecs(60).filter(({ proofs }) => proofs.some(({ witness }) => witness));
  assert.ok(broken.length >= 12);
  let confirmed = 0;
  for (const { spec, proofs } of broken.slice(0, 12)) {
    const witnesses = proofs.flatMap(({ claim, witness }) => (witness ? [{ claim, witness }] : []));
    const tests = witnesses.map(({ witness: { method, path, key, from } }) => ({
      request: `${method} ${path}`,
      from,
      ...(key !== undefined && { apiKey: key }),
    }));
    for (const { claim, witness } of witnesses)
      assert.is(witness.decision.kind === 'forward', claim.kind !== 'always', wordsFor(witness));
    const { name: _, version: __, targets: ___, ...bare } = spec;
    const options = { spec: bare, target: proxyTarget('nginx'), program: engines.nginx.path, requests: 0, tests };
    const found = await verified(options);
    assert.is(findings(found), '');
    assert.is(found.sent, tests.length);
    confirmed += tests.length;
  }
  assert.ok(confirmed >= 12);
});

test.run();
