import { styleText } from 'node:util';
import type { AccessChange } from '../accessDiff/types.ts';
import type { Effect } from '../policy/fields.ts';
import { type ShownChange, shownChanges, type Versions } from './access.ts';

/** Red is what a reviewer must not miss. */
const TITLES: readonly (readonly [Effect, string, 'red' | 'yellow' | 'green' | 'dim'])[] = [
  ['widening', 'somebody can do more', 'red'],
  ['unclear', 'somebody may be able to do more, which is not in the spec', 'yellow'],
  ['narrowing', 'somebody can do less', 'green'],
  ['neutral', 'nobody can do more or less', 'dim'],
];
/** Of each kind; the other formats hold all of them. */
const SHOWN = 50;

/** Access changes for people: the gravest first, each with its line and a request that shows it. */
export function accessText(changes: readonly AccessChange[], versions: Versions, colour: boolean): string {
  return TITLES.map(([effect, title, style]) => {
    const some = changes.filter((change) => change.effect === effect);
    if (some.length === 0) return '';
    const rest = some.length > SHOWN ? `  … and ${some.length - SHOWN} more\n` : '';
    const lines = shownChanges(some.slice(0, SHOWN), versions).map(lineOf);
    return `${colour ? styleText(style, title, { validateStream: false }) : title}:\n${lines.join('')}${rest}`;
  }).join('');
}

function lineOf({ place, message, hint, approval }: ShownChange): string {
  const where = place ? `${place.file}${place.from ? `:${place.from.line}:${place.from.column}` : ''}: ` : '';
  return `  ${where}${message}\n${hint === undefined ? '' : `      ${hint}\n`}${approval.length === 0 ? '' : `      needs approval of ${approval.join(', ')}\n`}`;
}

/** One sentence about all of them. */
export function accessSummary(changes: readonly AccessChange[]): string {
  if (changes.length === 0) return 'no access change';
  const count = (effect: Effect) => changes.filter((change) => change.effect === effect).length;
  const parts = [
    [count('widening'), 'widening'],
    [count('unclear'), 'unclear'],
    [count('narrowing'), 'narrowing'],
    [count('neutral'), 'neutral'],
  ] as const;
  const told = parts.flatMap(([number, word]) => (number === 0 ? [] : `${number} ${word}`));
  return `${changes.length} access ${changes.length === 1 ? 'change' : 'changes'}: ${told.join(', ')}`;
}
