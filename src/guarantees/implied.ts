import { walkPairs } from '../accessDiff/product.ts';
import { takes } from '../policy/access.ts';
import { buildAutomaton } from '../policy/automaton.ts';
import { type CidrSet, isEmpty, subtract } from '../policy/cidr.ts';
import { EVERY_METHOD } from '../policy/pattern.ts';
import type { Claim, SameClaim } from './claims.ts';

/** Whether all that breaks the weaker guarantee breaks the stronger one too, so that the weaker may be taken out. */
export function implies(stronger: Claim | SameClaim, weaker: Claim | SameClaim): boolean {
  if (stronger.kind === 'same' || weaker.kind === 'same')
    return (
      stronger.kind === 'same' &&
      weaker.kind === 'same' &&
      stronger.as === weaker.as &&
      stronger.except.every((section) => weaker.except.includes(section))
    );
  return stronger.kind === weaker.kind && whom(stronger, weaker) && covers(stronger, weaker);
}

/**
 * Whether the stronger of two guarantees about the same requests concerns all callers, addresses and proxies of the
 * weaker.
 */
function whom(stronger: Claim, weaker: Claim): boolean {
  const proxies = stronger.proxy === undefined || stronger.proxy === weaker.proxy;
  switch (stronger.kind) {
    case 'never':
      return proxies && keysIn(weaker.keys, stronger.keys) && addressesIn(weaker.from, stronger.from);
    case 'only':
      return proxies && keysIn(stronger.keys, weaker.keys) && addressesIn(stronger.from, weaker.from);
    case 'always': {
      const keys =
        weaker.keys === undefined || stronger.keys === undefined
          ? weaker.keys === stronger.keys
          : keysIn(weaker.keys, stronger.keys);
      const from =
        weaker.from === undefined || (stronger.from !== undefined && addressesIn(weaker.from, stronger.from));
      return stronger.proxy === weaker.proxy && keys && from;
    }
  }
}

/** Whether all of `some` are in `all`; an absent list is everybody. */
function keysIn(some: ReadonlySet<string> | undefined, all: ReadonlySet<string> | undefined): boolean {
  return all === undefined || (some !== undefined && [...some].every((key) => all.has(key)));
}

function addressesIn(some: CidrSet | undefined, all: CidrSet | undefined): boolean {
  return all === undefined || (some !== undefined && isEmpty(subtract(some, all)));
}

/** Whether the stronger is about every request that the weaker is about. */
function covers(stronger: Claim, weaker: Claim): boolean {
  const methods = weaker.methods.every((method) =>
    method === EVERY_METHOD ? stronger.methods.includes(EVERY_METHOD) : takes(stronger, method),
  );
  if (!methods) return false;
  const [left, right] = [weaker, stronger].map(({ patterns }) =>
    buildAutomaton(patterns.map((pattern) => ({ pattern }))),
  );
  let inside = true;
  const complete = walkPairs(left, right, ({ before, after }) => {
    if (before && before.accepts.length > 0 && (after?.accepts.length ?? 0) === 0) inside = false;
  });
  return complete && left !== undefined && inside;
}
