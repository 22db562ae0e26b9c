import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { type AddressRange, type CidrProblem, networkOf, parseCidr, wholeFamily } from './cidr.ts';
import { policyCodes } from './codes.ts';

const HINTS: Readonly<Record<CidrProblem, string>> = {
  'not an address': 'write an IPv4 or IPv6 address or CIDR, or @name of a set under ipRanges',
  'bad prefix': 'the prefix is 0 to 32 for IPv4, 0 to 128 for IPv6, without leading zeros',
  'host bits': '',
};

interface RangeProblem {
  readonly problem: string;
  readonly hint: string;
}

/** One address or CIDR, which must not be everybody by another name. */
export function parseItem(text: string): AddressRange | RangeProblem {
  const range = parseCidr(text);
  if (range === 'host bits') return { problem: 'has host bits set', hint: `the network is ${networkOf(text)}` };
  if (typeof range === 'string')
    return { problem: range === 'bad prefix' ? 'has a bad prefix' : 'is not an address', hint: HINTS[range] };
  if (wholeFamily([range])) return { problem: 'admits everybody', hint: 'where that is meant, write "ipRanges: any"' };
  return range;
}

interface RangeFile {
  readonly file: string;
  readonly text: string;
  /** Where the spec names it. */
  readonly at: SpecPath;
}

/**
 * The ranges of a file, one a line. Whoever writes a spec may name any file, and whoever reads the report may not be
 * allowed to read that file: of a line that is no address nothing is shown.
 */
export function rangesIn({ file, text, at }: RangeFile, problems: Diagnostic[]): AddressRange[] {
  const ranges: AddressRange[] = [];
  const bad: { readonly entry: string; readonly problem: RangeProblem; readonly start: number }[] = [];
  const shown: string[] = [];
  let offset = 0;
  for (const line of text.split('\n')) {
    const cut = line.replace(/#.*/, '').trimEnd();
    const entry = cut.trim();
    const range = entry === '' ? undefined : parseItem(entry);
    const visible = range && 'problem' in range && looksLikeAddress(entry) ? cut : '';
    if (range && 'problem' in range)
      bad.push({ entry, problem: range, start: offset + Math.max(visible.indexOf(entry), 0) });
    else if (range) ranges.push(range);
    shown.push(visible);
    offset += visible.length + 1;
  }
  const place = { file, text: bad.length === 0 ? '' : shown.join('\n') };
  for (const { entry, problem, start } of bad) {
    const end = start + entry.length;
    if (looksLikeAddress(entry))
      problems.push(
        policyCodes.report('bad-range', at, { text: entry, ...problem }, { place: { ...place, start, end } }),
      );
    else problems.push(policyCodes.report('bad-line', at, { file }, { place: { ...place, start, end: start } }));
  }
  return ranges;
}

/** Mistyped addresses and nothing that could be a word or a key: those have more digits without a break. */
function looksLikeAddress(entry: string): boolean {
  return /^[0-9a-f.:/, -]{1,64}$/i.test(entry) && /[.:]/.test(entry) && !/[0-9a-f]{5}/i.test(entry);
}
