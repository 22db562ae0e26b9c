import { createHash } from 'node:crypto';
import type { AccessChange } from '../accessDiff/types.ts';

/**
 * Hexadecimal digits. Long enough that nobody finds two changes with the same digest, one of which could be looked at and
 * the other pushed, and short enough for a label of GitHub, which has at most 50 characters.
 */
const LENGTH = 32;
const LABEL = 'access-reviewed-';

/** What reviewers have said, in one clause. */
export interface Review {
  readonly passes: boolean;
  readonly words: string;
}

/** What somebody has to look at: everything that was read of a spec, and what it changes. */
interface Reviewed {
  readonly texts: readonly string[];
  /** Absent where there is nothing to compare with. */
  readonly changes?: readonly AccessChange[];
}

/**
 * Returns whether one of the labels ends in the digest of what somebody has to look at. It is made of the texts too, since
 * what is told of a change need not be all of it: other addresses in a set, another text of a file.
 */
export function reviewOf({ texts, changes = [] }: Reviewed, labels: readonly string[]): Review {
  const told = changes.map(({ at, ...change }) => JSON.stringify(change)).sort();
  const digest = createHash('sha256').update(JSON.stringify({ texts, told })).digest('hex').slice(0, LENGTH);
  const label = labels.find((each) => each.endsWith(`-${digest}`));
  return label === undefined
    ? { passes: false, words: `; whoever has looked at this sets the label ${LABEL}${digest}` }
    : { passes: true, words: `; reviewed, as the label ${label} says` };
}
