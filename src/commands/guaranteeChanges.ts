import type { AccessChange } from '../accessDiff/types.ts';
import { type Claim, claimsOf, type SameClaim } from '../guarantees/claims.ts';
import { implies } from '../guarantees/implied.ts';
import { prove } from '../guarantees/prove.ts';
import { type Promised, runGuarantees, wordsFor } from './guarantees.ts';

/** What became of the guarantees: those that do not hold, and those that are gone and that nothing else says. */
export function guaranteeChanges(before: Promised, after: Promised): AccessChange[] {
  const [left, right] = [before, after].map(({ composition, policy, source }) =>
    claimsOf(composition.spec, policy, source.read, []),
  );
  const gone = (left ?? []).filter((claim) => !right?.some((other) => implies(other, claim) || isKept(other, claim)));
  const proofs =
    prove(
      gone.filter((claim) => claim.kind !== 'same'),
      after.policy,
    ) ?? [];
  const broken = new Map<Claim | SameClaim, string>(
    proofs.flatMap(({ claim, witness }) => (witness ? [[claim, wordsFor(witness)] as const] : [])),
  );
  const removed = gone.map((claim): AccessChange => {
    const witness = broken.get(claim);
    const words = witness === undefined ? '' : `, and it does not hold any more: ${witness}`;
    return change(`guarantee removed or weakened: ${claim.subject}${words}`, 'before', claim.at);
  });
  const failing = runGuarantees(after).diagnostics.filter(({ severity }) => severity === 'error');
  return [...removed, ...failing.map(({ message, at }) => change(`guarantee does not hold: ${message}`, 'after', at))];
}

/** What must work from some named addresses still must where these are others now, of which the diff tells by itself. */
function isKept(other: Claim | SameClaim, claim: Claim | SameClaim): boolean {
  return claim.kind === 'always' && other.subject === claim.subject;
}

function change(message: string, version: 'before' | 'after', path: AccessChange['at']['path']): AccessChange {
  return { kind: 'guarantee', effect: 'widening', message, at: { version, path }, proxies: [], keys: [] };
}
