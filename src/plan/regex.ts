/** Sources of regular expressions that mean the same in PCRE, RE2 and JavaScript. */

/** Returns the source that matches a text of printable ASCII byte for byte. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^[\]]/g, '\\$&').replace(/[$.*+?(){}|]/g, '[$&]');
}

/**
 * Returns the source that matches a text in any case. Not `(?i)`, which in RE2 also matches U+017F for "s" and U+212A
 * for "k".
 */
export function caseless(text: string): string {
  return escapeRegex(text).replace(/[A-Za-z]/g, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`);
}

const NOTHING = '[^\\s\\S]';

/**
 * Returns the source of an alternation, in a group if there are several sources; without sources, one that matches
 * nothing.
 */
export function oneOf(sources: readonly string[]): string {
  const [first = NOTHING, ...others] = sources;
  return others.length === 0 ? first : `(?:${sources.join('|')})`;
}

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
/** Source of an IPv4 address, and of nothing else that servers read as one: `010.0.0.1`, `10.1`, `10.0.0.1:80`. */
export const IPV4 = `${OCTET}(?:[.]${OCTET}){3}`;

/** Returns the source of decimal numbers below a limit, without a sign; leading zeros are allowed. */
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
