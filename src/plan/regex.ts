/** Text as part of a regular expression that matches exactly it; the same in PCRE, RE2 and JavaScript. */
export function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, (character) =>
    /[\\^\]]/.test(character) ? `\\${character}` : `[${character}]`,
  );
}

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
