import { createHash } from 'node:crypto';
import type { AccessChange } from '../accessDiff/types.ts';

/**
 * Hexadecimal digits. Long enough that nobody finds two changes with the same digest, one of which could be looked at and
 * the other pushed, and short enough for a label of GitHub, which has at most 50 characters.
 */
const LENGTH = 32;
const LABEL = 'access-reviewed-';

/** What reviewers have said of some changes, in one clause; "" where there is nothing to look at. */
export interface Review {
  readonly passes: boolean;
  readonly words: string;
}

/**
 * Whether somebody has looked at these changes: one of the labels ends in their digest. It is made of what is shown of
 * them but for the lines of the spec, so that it holds for them and no others.
 */
export function reviewOf(changes: readonly AccessChange[], labels: readonly string[]): Review {
  return reviewOfTexts(changes.map(({ at, ...change }) => JSON.stringify(change)).sort(), labels);
}

/** The same of all that was read of a spec, where it is compared with nothing. */
export function reviewOfTexts(texts: readonly string[], labels: readonly string[]): Review {
  if (texts.length === 0) return { passes: true, words: '' };
  const digest = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, LENGTH);
  const label = labels.find((each) => each.endsWith(`-${digest}`));
  return label === undefined
    ? { passes: false, words: `; whoever has looked at this sets the label ${LABEL}${digest}` }
    : { passes: true, words: `; reviewed, as the label ${label} says` };
}
