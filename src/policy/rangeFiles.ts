import { createHash } from 'node:crypto';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { MAX_MEBIBYTES } from '../source/limits.ts';
import type { AddressSetSpec } from '../spec/rangeSchema.ts';
import { suggest } from '../spec/suggest.ts';
import { type AddressRange, type CidrProblem, networkOf, parseCidr, wholeFamily } from './cidr.ts';
import { policyCodes } from './codes.ts';
import { FORMATS, type SnapshotFormat } from './snapshots.ts';

/** Reads a file that the spec names, relative to the spec; `undefined` if it cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** A set whose addresses are in a file of their own. */
export type FileSetSpec = Exclude<AddressSetSpec, readonly unknown[]>;

/** Returns the ranges of the file that a set names; none if its digest is not the one in the spec. */
export function rangesOfFile(
  { definition, at }: { readonly definition: FileSetSpec; readonly at: SpecPath },
  read: ReadFile,
  problems: Diagnostic[],
): readonly AddressRange[] {
  const { file, format = 'list' } = definition;
  const text = read(file);
  const place = [...at, 'file'];
  if (text === undefined) {
    const problem = `it is not there, or not a file of ${MAX_MEBIBYTES} MiB at most that this user may read`;
    problems.push(policyCodes.report('unreadable-file', place, { file, problem }));
    return [];
  }
  if (!pinned(definition, text, at, problems)) return [];
  if (format !== 'list') return rangesOfSnapshot({ definition, format, text, at }, problems);
  if (definition.select !== undefined)
    problems.push(policyCodes.report('bad-select', [...at, 'select'], { ...NO_CHOICE, file }));
  return rangesIn({ file, text, at: place }, problems);
}

const NO_CHOICE = { problem: 'has no parts to choose from', hint: 'take select out' };

/** Returns the digest of a file of ranges. CR LF counts as LF, because git may have translated line ends. */
export function digestOfRanges(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
}

/** Returns whether a file may be used. A published list must have the digest of the version that was reviewed. */
function pinned(
  { file, format = 'list', sha256, url }: FileSetSpec,
  text: string,
  at: SpecPath,
  problems: Diagnostic[],
): boolean {
  const actual = digestOfRanges(text);
  if (sha256 === undefined) {
    if (format === 'list' && url === undefined) return true;
    problems.push(policyCodes.report('unpinned', [...at, 'file'], { file, actual }));
    return false;
  }
  if (sha256 === actual) return true;
  const set = String(at.at(-1));
  problems.push(policyCodes.report('wrong-digest', [...at, 'sha256'], { file, actual, set }));
  return false;
}

interface Snapshot {
  readonly definition: FileSetSpec;
  readonly format: SnapshotFormat;
  readonly text: string;
  readonly at: SpecPath;
}

function rangesOfSnapshot({ definition, format, text, at }: Snapshot, problems: Diagnostic[]): AddressRange[] {
  const { file, select } = definition;
  const found = FORMATS[format](text);
  if ('problem' in found) {
    problems.push(policyCodes.report('bad-snapshot', [...at, 'file'], { file, format, ...found }));
    return [];
  }
  const known = [...new Set(found.entries.flatMap(({ words }) => words))].sort();
  const refuse = (problem: string, hint: string, place: SpecPath = [...at, 'select']) =>
    problems.push(policyCodes.report('bad-select', place, { file, problem, hint }));
  if (select === undefined && known.length > 0) {
    refuse('holds the addresses of many services', `write select with some of: ${some(known)}`, [...at, 'file']);
    return [];
  }
  if (select !== undefined && known.length === 0) refuse(NO_CHOICE.problem, NO_CHOICE.hint);
  for (const [index, word] of (select ?? []).entries()) {
    if (known.length === 0 || known.includes(word)) continue;
    const near = suggest(word, known);
    refuse(`has no "${word}"${near === undefined ? '' : `, did you mean "${near}"?`}`, `it has: ${some(known)}`, [
      ...at,
      'select',
      index,
    ]);
  }
  const meant = select && new Set(select);
  const entries = found.entries.filter(({ words }) => meant === undefined || words.some((word) => meant.has(word)));
  return entries.flatMap(({ cidr }) => {
    const range = parseItem(cidr);
    if (!('problem' in range)) return range;
    const { problem } = range;
    problems.push(
      policyCodes.report('bad-snapshot', [...at, 'file'], {
        file,
        format,
        problem: `holds an address that ${problem}`,
      }),
    );
    return [];
  });
}

const SHOWN = 12;

function some(words: readonly string[]): string {
  const more = words.length > SHOWN ? ` and ${words.length - SHOWN} more` : '';
  return `${words.slice(0, SHOWN).join(', ')}${more}`;
}

const HINTS: Readonly<Record<CidrProblem, string>> = {
  'not an address': 'write an IPv4 or IPv6 address or CIDR, or @name of a set under ipRanges',
  'bad prefix': 'the prefix is 0 to 32 for IPv4, 0 to 128 for IPv6, without leading zeros',
  'host bits': '',
};

interface RangeProblem {
  readonly problem: string;
  readonly hint: string;
}

const EVERYBODY =
  'where everybody may call a proxy, write "ipRanges: any" there, without brackets; all other lists name addresses';

/** Reads one address or CIDR; `0.0.0.0/0` and `::/0` are problems, because a spec writes `any` for everybody. */
export function parseItem(text: string): AddressRange | RangeProblem {
  if (/^(?:any|all|\*)$/i.test(text)) return { problem: 'is not an address', hint: EVERYBODY };
  const range = parseCidr(text);
  if (range === 'host bits') return { problem: 'has host bits set', hint: `the network is ${networkOf(text)}` };
  if (typeof range === 'string')
    return { problem: range === 'bad prefix' ? 'has a bad prefix' : 'is not an address', hint: HINTS[range] };
  if (wholeFamily([range])) return { problem: 'admits everybody', hint: EVERYBODY };
  return range;
}

interface RangeFile {
  readonly file: string;
  readonly text: string;
  /** Place in the spec that names the file. */
  readonly at: SpecPath;
}

/**
 * Returns the ranges of a file, one a line. A line that is no address is not shown, because a spec may name any file,
 * also one that readers of the report may not read.
 */
function rangesIn({ file, text, at }: RangeFile, problems: Diagnostic[]): AddressRange[] {
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

/**
 * Returns whether an entry is a mistyped address that can be shown. Words and keys have longer runs of digits and
 * letters.
 */
function looksLikeAddress(entry: string): boolean {
  return /^[0-9a-f.:/, -]{1,64}$/i.test(entry) && /[.:]/.test(entry) && !/[0-9a-f]{5}/i.test(entry);
}
