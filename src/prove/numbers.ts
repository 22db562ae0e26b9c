import { type Language, settled, stateAfter } from './language.ts';
import { wholly } from './matching.ts';

/** Returns the decimal numbers up to a limit, with leading zeros. */
export function atMost(limit: number): Language {
  const digits = String(limit);
  const smaller = [...digits].flatMap((digit, index) => {
    if (digit === '0') return [];
    const rest = digits.length - index - 1;
    return [`${digits.slice(0, index)}[0-${Number(digit) - 1}]${rest === 0 ? '' : `[0-9]{${rest}}`}`];
  });
  const shorter = digits.length > 1 ? [`[0-9]{1,${digits.length - 1}}`] : [];
  return wholly(`0*(?:${[...shorter, ...smaller, digits].join('|')})`);
}

/** Most digits of a number that is looked for. */
const MOST_DIGITS = 12;

/** Returns the number that is closest to another one among the decimal numbers of a language; `undefined` for none. */
export function closest(language: Language, to: number): number | undefined {
  const sizes = Array.from({ length: MOST_DIGITS }, (_, index) => index + 1);
  const above = sizes.map((size) => firstNumber(language, size, { from: to, step: 1 }));
  const below = sizes.map((size) => firstNumber(language, size, { from: to, step: -1 }));
  const found = [...above, ...below].filter((each) => each !== undefined);
  return found.sort((one, other) => Math.abs(one - to) - Math.abs(other - to))[0];
}

interface Search {
  /** Numbers on the other side of it do not count. */
  readonly from: number;
  /** 1 for the smallest that is no smaller, -1 for the largest that is no larger. */
  readonly step: 1 | -1;
}

/** Looks for a number of so many digits, without a zero before it. */
function firstNumber(language: Language, size: number, { from, step }: Search): number | undefined {
  const digits = step > 0 ? '0123456789' : '9876543210';
  const dead = new Set<string>();
  const isOnSide = (text: string) => {
    const left = 10 ** (size - text.length);
    const first = Number(text) * left;
    return step > 0 ? first + left - 1 >= from : first <= from;
  };
  const search = (text: string, state: number): number | undefined => {
    if (text.length === size) return language.accepts[state] === 1 ? Number(text) : undefined;
    for (const digit of digits) {
      if (digit === '0' && text === '' && size > 1) continue;
      const longer = text + digit;
      const after = stateAfter(language, digit, state);
      const key = `${after} ${longer.length}`;
      if (dead.has(key) || settled(language, after) === false || !isOnSide(longer)) continue;
      const found = search(longer, after);
      if (found !== undefined) return found;
      // Where all that is longer is on this side, nothing else leads from there to a number either.
      if (isOnSide(`${longer}${(step > 0 ? '0' : '9').repeat(size - longer.length)}`)) dead.add(key);
    }
    return undefined;
  };
  return search('', 0);
}
