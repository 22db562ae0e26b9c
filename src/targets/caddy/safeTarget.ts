import { accepts } from '../../policy/segment.ts';

/**
 * Source of the targets whose segments can be decoded once without changing the path; the first group is the path. No
 * byte leaves a choice, so that Go reads it in one pass, which costs a tenth. It is made of what a segment may go on
 * with where it begins, after one dot, after two, and after anything else.
 */
export function safeTarget(): string {
  const afterDots = unitsAfter('..');
  const afterDot = unitsAfter('.', { '.': afterDots, '%2E': afterDots });
  const part = unitsAfter('', { '.': afterDot, '%2E': afterDot });
  const more = unitsAfter('a', { '%2F': part });
  return `^((?:/(?:${part}${more}*)?)*)(?:[?].*)?$`;
}

const HEX = [...'0123456789ABCDEF'];
const PLAIN = Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index)).filter(
  (sign) => !'%/?#'.includes(sign),
);

/** Returns the source of what may follow a text in a segment: units that end it well, and some that others follow. */
function unitsAfter(text: string, followed: Readonly<Record<string, string>> = {}): string {
  const isIn = (unit: string) => accepts('encodedText', text + unit);
  const plain = setOf(PLAIN.filter(isIn));
  const dotted = Object.entries(followed).filter(([unit]) => !unit.startsWith('%'));
  return `(?:${[plain, ...dotted.map(([unit, rest]) => `[${unit}]${rest}`), `%${escapes(isIn, followed)}`].join('|')})`;
}

/** Returns the source of the digits of escapes. First digits that the same may follow stand together. */
function escapes(isIn: (unit: string) => boolean, followed: Readonly<Record<string, string>>): string {
  const firsts = new Map<string, string[]>();
  for (const first of HEX) {
    const last = setOf(HEX.filter((second) => isIn(`%${first}${second}`)).flatMap(eitherCase));
    const rest = Object.entries(followed).flatMap(([unit, source]) =>
      unit.startsWith(`%${first}`) ? [`${setOf(eitherCase(unit.slice(2)))}${source}`] : [],
    );
    const all = [...(last === '[]' ? [] : [last]), ...rest];
    const source = all.length === 1 ? all[0] : `(?:${all.join('|')})`;
    if (all.length > 0 && source !== undefined) firsts.set(source, [...(firsts.get(source) ?? []), first]);
  }
  return `(?:${[...firsts].map(([source, digits]) => `${setOf(digits.flatMap(eitherCase))}${source}`).join('|')})`;
}

const eitherCase = (digit: string) => [...new Set([digit, digit.toLowerCase()])];

/** Returns the source of one of these signs. */
function setOf(signs: readonly string[]): string {
  if (signs.length === 1 && /[0-9]/.test(signs[0] ?? '')) return signs.join('');
  const codes = signs.filter((sign) => sign !== '-').map((sign) => sign.charCodeAt(0));
  const ranges: [number, number][] = [];
  for (const code of codes.sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && last[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  const text = ranges.map(([from, to]) => {
    const [first, last] = [String.fromCharCode(from), String.fromCharCode(to)];
    return from === to ? first : to === from + 1 ? first + last : `${first}-${last}`;
  });
  return `[${text.join('')}${signs.includes('-') ? '-' : ''}]`;
}
