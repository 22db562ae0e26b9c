import * as assert from 'uvu/assert';
import type { Proxy } from '../src/policy/types.ts';
import type { Comparison } from '../src/prove/compare.ts';
import { ASSUMPTIONS } from '../src/prove/witness.ts';
import { confirm } from '../src/verify/confirm.ts';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { broadSpec } from './support/broad.ts';
import { type Engine, type Made, proof, specFiles } from './support/proofs.ts';
import { type Tally, tryReader } from './support/readerTrials.ts';
import { type Mutation, mutations } from './verify/mutations.ts';
import { proxyTarget } from './verify/proxyTargets.ts';

/** How many mistakes of each generator; POSTERN_MISTAKES=100 is all of them, and takes minutes. */
const count = Number(process.env['POSTERN_MISTAKES'] ?? 4);
/** Only those with this in their names. */
const part = process.env['POSTERN_MISTAKE'] ?? '';
const { test, engines } = await engineSuite('a mistake of a generator', ['nginx', 'caddy']);

/** Those that are compared fast come first, since one difference is enough. */
const ORDER = ['whatever', 'third', 'second', 'first', 'bearer', 'balanced', 'checked', 'api', 'any-page', 'pages'];
/** As many show that a mistake is none of a decision. */
const SOME = 3;

/** Mistakes that change no decision, by what is printed with each proof. */
const UNDECIDED: readonly (readonly [mistake: RegExp, assumed: RegExp])[] = [
  [/^(?:Content-)?Location names|^a challenge names/, /^of answers of upstreams, .* not how others are mapped/],
  [/^the log /, /what is logged/],
];

/** With an authority of its own, so that whom an upstream is trusted by is written. */
const gitlab = { ...broadSpec.upstreams.gitlab, tls: { caFile: '/etc/ca.pem' } };
const spec = JSON.stringify({
  version: 1,
  name: 'broad',
  ...broadSpec,
  upstreams: { ...broadSpec.upstreams, gitlab },
  targets: { nginx: {}, caddy: {} },
});

for (const engine of ['nginx', 'caddy'] as const)
  for (const mutation of mutations[engine].slice(0, count).filter(({ name }) => name.includes(part))) {
    const [, assumed] = UNDECIDED.find(([mistake]) => mistake.test(mutation.name)) ?? [];
    const expected = assumed ? 'changes no decision' : 'is shown and confirmed';
    test(`${engine}: ${mutation.name}: ${expected}`, async () => {
      const made = specFiles(spec, engine);
      const files = made.files.map((file) => ({ ...file, text: mutation.tamper({ ...file, comment: '#' }).text }));
      assert.not.equal(files, made.files);
      const changed = { ...made, files };
      const told = assumed ? await agreement(changed, mutation, engine) : await shown(changed, mutation, engine);
      console.log(`${engine}: ${mutation.name}: ${told}`);
      if (assumed) assert.ok(ASSUMPTIONS.requests.some((text) => assumed.test(text)));
    });
  }

/** What is said of the first proxy that has a difference, which the engine has to confirm. */
async function shown(made: Made, { name }: Mutation, engine: Engine): Promise<string> {
  const unclear: string[] = [];
  for (const id of name.includes('preflight') ? [...ORDER].reverse() : ORDER) {
    const [proxy, result] = proved(made, id);
    if (result.kind === 'unknown') unclear.push(`${id}: ${result.problem}`);
    if (result.kind !== 'differs') continue;
    const { difference, others } = result;
    const { path: program } = engines[engine];
    const options = { target: proxyTarget(engine), program, policy: made.policy, files: made.files };
    const tried = await confirm({ ...options, proxy, difference, others });
    assert.is(tried.result, 'confirmed', `${id}: ${difference.what}: ${tried.told}`);
    return `${id}: ${(tried.difference ?? difference).what}: ${tried.told}`;
  }
  throw new Error(`nothing is told: ${unclear.join('; ') || 'proved'}`);
}

/** That nothing is said of some proxies, and that the engine does what is read in the files. */
async function agreement(made: Made, { name }: Mutation, engine: Engine): Promise<string> {
  for (const id of ORDER.slice(0, SOME)) assert.is(proved(made, id)[1].kind, 'proved', id);
  const tally: Tally = { asked: 0, left: 0, problems: [] };
  const { path: program } = engines[engine];
  await tryReader({ program, made, random: randomOf(name), each: 2, title: name }, tally);
  assert.equal(tally.problems.slice(0, 5), []);
  assert.ok(tally.asked > 0);
  return `proved, and ${tally.asked} requests agree`;
}

function proved(made: Made, id: string): readonly [Proxy, Comparison] {
  const index = made.policy.proxies.findIndex((each) => each.id === id);
  const proxy = made.policy.proxies[index];
  if (!proxy) throw new Error(`no proxy is ${id}`);
  return [proxy, proof(made, index)];
}

test.run();
