/** Sources of regular expressions that mean the same in PCRE, RE2 and JavaScript. */

/** Matches a text of printable ASCII byte for byte. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^[\]]/g, '\\$&').replace(/[$.*+?(){}|]/g, '[$&]');
}

/** Matches it in any case. Not `(?i)`, which in RE2 also takes U+017F for "s" and U+212A for "k". */
export function caseless(text: string): string {
  return escapeRegex(text).replace(/[A-Za-z]/g, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}

const NOTHING = '[^\\s\\S]';

/** One of these sources, in a group where there are several. */
export function oneOf(sources: readonly string[]): string {
  const [first = NOTHING, ...others] = sources;
  return others.length === 0 ? first : `(?:${sources.join('|')})`;
}

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
/** An IPv4 address, and nothing else that servers take for one: `010.0.0.1`, `10.1`, `10.0.0.1:80`. */
export const IPV4 = `${OCTET}(?:[.]${OCTET}){3}`;

/** Digits without a sign that are less than a number; leading zeros are allowed. */
export function below(limit: number): string {
  const digits = String(limit);
  const smaller = digits.length > 1 ? [`[0-9]{1,${digits.length - 1}}`] : [];
  for (const [index, digit] of [...digits].entries()) {
    const lowest = index === 0 && digits.length > 1 ? 1 : 0;
    if (Number(digit) === lowest) continue;
    const rest = digits.length - index - 1;
    smaller.push(`${digits.slice(0, index)}[${lowest}-${Number(digit) - 1}]${rest === 0 ? '' : `[0-9]{${rest}}`}`);
  }
  return `0*(?:${smaller.join('|')})`;
}
