import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runGuarantees } from '../src/commands/guarantees.ts';
import { compile } from '../src/compile.ts';
import {
  covers,
  envelopedFiles,
  guaranteesOf,
  holds,
  type Line,
  line,
  METHODS,
  PATHS,
  specOf,
  specs,
  textOf,
} from './guarantees/judges.ts';
import { compileFiles } from './support/files.ts';

const random = suite('against a judge that tries everything');
const RUNS = Number(process.env['JUDGED'] ?? 150);

random('a file is within its envelope exactly where no request is outside', async () => {
  let [inside, outside] = [0, 0];
  const judge = async (allowed: readonly Line[], envelope: readonly Line[]) => {
    const { diagnostics, policy, document } = await compileFiles(envelopedFiles(allowed, envelope), 'prod.json', {
      targets: [],
    });
    const found = diagnostics.filter(({ code }) => code.startsWith('within/'));
    assert.equal(
      diagnostics.filter(({ code }) => !/^(?:within|compile)\//.test(code)),
      [],
    );
    allowed.forEach((one, index) => {
      const beyond = PATHS.some((path) =>
        METHODS.some((method) => covers(one, method, path) && !envelope.some((other) => covers(other, method, path))),
      );
      const told = found.filter(({ at }) => at.at(-1) === index);
      assert.is(told.length > 0, beyond, `${textOf(one)} within ${envelope.map(textOf).join(' · ')}`);
      for (const { message } of told) {
        const [, method = '', path = ''] = /^allows (\S+) (\S+),/.exec(message) ?? [];
        assert.ok(covers(one, method, path) && !envelope.some((other) => covers(other, method, path)), message);
      }
      if (beyond) outside += 1;
      else inside += 1;
    });
    assert.ok(policy && document);
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
  assert.ok(inside > RUNS / 5 && outside > RUNS / 5, `${inside} inside, ${outside} outside`);
});

random('a guarantee holds exactly where no request breaks it', () => {
  let [kept, broken] = [0, 0];
  fc.assert(
    fc.property(specs, (random) => {
      const guarantees = guaranteesOf(random);
      const spec = specOf(random);
      const read = () => undefined;
      const { composition, policy } = compile(JSON.stringify(spec), { file: 'postern.json', read, targets: [] });
      // Where what needs a key overlaps with what needs none the spec is an error.
      if (!composition || !policy) return;
      const source = { read, project: { entry: () => '', open: () => ({ problem: '' }), wayOut: () => undefined } };
      const { outcomes } = runGuarantees({ source, composition, policy });
      guarantees.forEach((promised, index) => {
        const expected = holds(policy, promised);
        assert.is(
          outcomes[index]?.passed,
          expected,
          `${outcomes[index]?.subject}: ${outcomes[index]?.actual}\n${JSON.stringify(spec)}`,
        );
        if (expected) kept += 1;
        else broken += 1;
      });
    }),
    { numRuns: RUNS },
  );
  assert.ok(kept > RUNS / 5 && broken > RUNS / 5, `${kept} kept, ${broken} broken`);
});

random.run();
