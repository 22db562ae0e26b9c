import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Diagnostic } from '../src/diagnostics/diagnostic.ts';
import { resolveRewrites } from '../src/policy/domains.ts';
import { importCorefile } from '../src/targets/coredns/import.ts';
import { type Random, randomOf } from '../src/verify/random.ts';

const chains = suite('chains of rewrites in a Corefile');

interface Rewrite {
  readonly from: string;
  readonly to: string;
}

function rewritesOf(random: Random): readonly Rewrite[] {
  const name = () => `${random.pick(['', 'a.', 'b.', 'a.b.'])}${random.pick(['x', 'y', 'z'])}.example.com`;
  const all = Array.from({ length: 2 + random.below(9) }, (): Rewrite => {
    const star = random.below(3) === 0 ? '*.' : '';
    return { from: `${star}${name()}`, to: `${star}${name()}` };
  });
  return [...new Map(all.map((rewrite) => [rewrite.from, rewrite])).values()];
}

const asSpec = (domainRewrites: readonly Rewrite[]) => ({
  version: 1 as const,
  name: 'imported',
  domainRewrites: [...domainRewrites],
});

function problemsOf(all: readonly Rewrite[]): readonly Diagnostic[] {
  const problems: Diagnostic[] = [];
  resolveRewrites(asSpec(all), problems);
  return problems;
}

/** Leaves out the first one that a spec refuses, until it refuses none. */
function leftOf(all: readonly Rewrite[]): readonly Rewrite[] {
  const [first] = problemsOf(all);
  return first ? leftOf(all.toSpliced(Number(first.at[1]), 1)) : all;
}

/** A rewrite a line, from the second on. */
function corefileOf(all: readonly Rewrite[]): string {
  const rule = ({ from, to }: Rewrite) =>
    from.startsWith('*.') ? `suffix ${from.slice(1)} ${to.slice(1)}` : `exact ${from} ${to}`;
  return `.:53 {\n${all.map((each) => `rewrite stop name ${rule(each)} answer auto\n`).join('')}forward . 10.0.0.1\n}\n`;
}

chains('what is left is what a spec takes', () => {
  const random = randomOf(5);
  let dropped = 0;
  for (let round = 0; round < 300; round++) {
    const all = rewritesOf(random);
    const found = importCorefile([{ name: 'Corefile', text: corefileOf(all) }]);
    const told = 'draft' in found ? found.notCarriedOver : (found.reasons ?? []);
    const lost = told.filter(({ reason }) => reason.startsWith('it leads to a name')).map(({ line }) => all[line - 2]);
    const items = 'draft' in found ? (found.draft.domainRewrites ?? []) : [];
    const left = all.filter(({ from }) => items.some(({ id }) => id === from));
    dropped += lost.length;
    const carried = all.filter((one) => left.includes(one) || lost.includes(one));
    assert.equal(left, leftOf(carried), JSON.stringify(carried));
  }
  assert.ok(dropped > 100, String(dropped));
});

chains.run();
