import { diffOpened } from '../accessDiff/addressSets.ts';
import { diffDeclared, type Named } from '../accessDiff/declared.ts';
import { SPEC_ACCESS } from '../accessDiff/spec.ts';
import type { AccessChange } from '../accessDiff/types.ts';
import { toCidrs } from '../policy/cidr.ts';
import type { Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { openedNames } from './clients.ts';
import { targets } from './index.ts';
import type { ReadFile, Target } from './target.ts';

/** One version of a spec, with the address sets that it names. */
export interface OptionsSide {
  readonly spec: Pick<Spec, 'targets' | 'vault' | 'ipRanges'>;
  readonly policy: Pick<Policy, 'addressSets'>;
  readonly read: ReadFile;
}

/**
 * Returns changes that the policy does not contain: what issued tokens may do, and what targets and their options open
 * or trust.
 */
export function diffOptions(before: OptionsSide, after: OptionsSide): AccessChange[] {
  const names = { before: namedIn(before), after: namedIn(after) };
  const whole = { before: { vault: before.spec.vault }, after: { vault: after.spec.vault }, path: [] };
  const issued = diffDeclared({ vault: SPEC_ACCESS.vault }, whole, names);
  const rendered = targets.flatMap((target): AccessChange[] => {
    const { name } = target;
    const [old, current] = [before.spec.targets?.[name], after.spec.targets?.[name]];
    if (old === undefined && current === undefined) return [];
    const pair = { before: old, after: current, path: ['targets', name] };
    const options = diffDeclared(target.access, pair, names);
    return [...presence(target, old !== undefined, current !== undefined), ...options];
  });
  const opened = (side: OptionsSide) => ({ ...side.policy, opened: openedNames(side.spec) });
  return [...issued, ...rendered, ...diffOpened(opened(before), opened(after))];
}

function namedIn({ policy: { addressSets }, read }: OptionsSide): Named {
  const sets = new Map(addressSets.map(({ id, set }) => [id, set]));
  return {
    file: read,
    addresses: (name) => {
      const set = sets.get(name);
      return set && toCidrs(set).join();
    },
  };
}

/** Reports a target that was added or removed: its files may be served or obeyed somewhere from now on. */
function presence({ name, run }: Target, before: boolean, after: boolean): AccessChange[] {
  if (before === after) return [];
  // Without the proxies no request gets through; without mirrors or names, nodes and pods go to other servers.
  const effect = !after && run?.serves === 'requests' ? 'narrowing' : 'unclear';
  const message = `targets.${name} is rendered ${after ? 'now' : 'no longer'}`;
  const at = { version: after ? 'after' : 'before', path: ['targets', name] } as const;
  return [{ kind: 'target', effect, message, at, proxies: [], keys: [] }];
}
