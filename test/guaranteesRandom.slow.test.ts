import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runGuarantees } from '../src/commands/guarantees.ts';
import { compile } from '../src/compile.ts';
import { randomOf } from '../src/verify/random.ts';
import {
  beyond,
  covers,
  demands,
  envelopedFiles,
  forbids,
  guaranteesOf,
  holds,
  type Line,
  letsThrough,
  line,
  type RandomSpec,
  specOf,
  specs,
  textOf,
} from './guarantees/judges.ts';
import { evaluated, requestsNear } from './guarantees/samples.ts';
import { compileFiles } from './support/files.ts';

const random = suite('before a judge that tries everything, and the evaluator');
/** `JUDGED=1000` is the whole run. */
const RUNS = Number(process.env['JUDGED'] ?? 150);
const SAMPLES = process.env['JUDGED'] === undefined ? 200 : 10_000;

async function policyWithin(allowed: readonly Line[], envelope: readonly Line[]) {
  const { diagnostics, policy } = await compileFiles(envelopedFiles(allowed, envelope), 'prod.json', { targets: [] });
  assert.equal(
    diagnostics.filter(({ code }) => !/^(?:within|compile)\//.test(code)),
    [],
  );
  assert.ok(policy);
  return { policy, found: diagnostics.filter(({ code }) => code.startsWith('within/')) };
}

random('a file is within its envelope exactly where no request is outside', async () => {
  let [inside, outside, forwarded] = [0, 0, 0];
  const judge = async (allowed: readonly Line[], envelope: readonly Line[]) => {
    const { policy, found } = await policyWithin(allowed, envelope);
    const [team, admitted] = [policy, (await policyWithin(envelope, envelope)).policy].map(evaluated);
    assert.ok(team && admitted);
    const about = (one: Line) => `${textOf(one)} within ${envelope.map(textOf).join(' · ')}`;
    allowed.forEach((one, index) => {
      const request = beyond(one, envelope);
      const told = found.filter(({ at }) => at.at(-1) === index);
      assert.is(told.length > 0, request !== undefined, about(one));
      for (const { message } of told) {
        const [, method = '', path = ''] = /^allows (\S+) (\S+),/.exec(message) ?? [];
        const witness = { method, path, key: 'one', address: '10.1.0.7' };
        assert.ok(covers(one, method, path) && !envelope.some((other) => covers(other, method, path)), message);
        assert.ok(team(witness) && !admitted(witness), message);
      }
      if (request) outside += 1;
      else inside += 1;
    });
    for (const asked of requestsNear(
      [...allowed, ...envelope],
      ['one'],
      randomOf(about(allowed[0] as Line)),
      SAMPLES,
    )) {
      const { method, path, key } = asked;
      const through = team(asked);
      const granting = key === 'one' ? allowed.filter((one) => covers(one, method, path)) : [];
      assert.is(through, granting.length > 0, `${method} ${path} to ${allowed.map(textOf).join(' · ')}`);
      if (!through) continue;
      forwarded += 1;
      const isTold = granting.some((one) => found.some(({ at }) => at.at(-1) === allowed.indexOf(one)));
      assert.ok(isTold || admitted(asked), `${method} ${path}: ${about(granting[0] as Line)}`);
    }
  };
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { minLength: 1, maxLength: 4 }),
      fc.array(line, { minLength: 1, maxLength: 4 }),
      judge,
    ),
    { numRuns: RUNS },
  );
  // A part of another envelope is inside.
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(line, { minLength: 2, maxLength: 4, selector: textOf }), (lines) =>
      judge(lines.slice(1), lines),
    ),
    { numRuns: RUNS },
  );
  const counted = `${2 * RUNS} envelopes, ${inside} lines inside, ${outside} outside, ${forwarded} samples let through`;
  console.log(counted);
  assert.ok(inside > RUNS / 5 && outside > RUNS / 5 && forwarded > (RUNS * SAMPLES) / 10, counted);
});

random('a guarantee holds exactly where no request breaks it', () => {
  let [valid, kept, broken, forwarded] = [0, 0, 0, 0];
  const judge = (random: RandomSpec) => {
    const guarantees = guaranteesOf(random);
    const text = JSON.stringify(specOf(random));
    const read = () => undefined;
    const { composition, policy } = compile(text, { file: 'postern.json', read, targets: [] });
    // Where what needs a key overlaps with what needs none the spec is an error.
    fc.pre(composition !== undefined && policy !== undefined);
    if (!composition || !policy) return;
    valid += 1;
    const source = { read, project: { entry: () => '', open: () => ({ problem: '' }), wayOut: () => undefined } };
    const { outcomes } = runGuarantees({ source, composition, policy });
    guarantees.forEach((promised, index) => {
      const expected = holds(random, promised);
      assert.is(outcomes[index]?.passed, expected, `${outcomes[index]?.subject}: ${outcomes[index]?.actual}\n${text}`);
      if (expected) kept += 1;
      else broken += 1;
    });
    const proven = guarantees.filter((_, index) => outcomes[index]?.passed);
    const ask = evaluated(policy);
    const lines = [...random.one, ...random.two, ...random.open, ...guarantees.map(({ request }) => request)];
    for (const asked of requestsNear(lines, ['one', 'two'], randomOf(text), SAMPLES)) {
      const through = ask(asked);
      assert.is(through, letsThrough(random, asked), `${JSON.stringify(asked)}\n${text}`);
      if (through) forwarded += 1;
      for (const promised of proven)
        assert.not.ok(
          through ? forbids(promised, asked) : demands(promised, asked),
          `${JSON.stringify(asked)} against ${JSON.stringify(promised)}\n${text}`,
        );
    }
  };
  fc.assert(fc.property(specs, judge), { numRuns: RUNS });
  const counted = `${valid} specs, ${kept} guarantees kept, ${broken} broken, ${forwarded} samples let through`;
  console.log(counted);
  assert.ok(kept > RUNS / 5 && broken > RUNS / 5 && forwarded > (valid * SAMPLES) / 10, counted);
});

random.run();
