import { parse, TomlError } from 'smol-toml';
import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { memberOf } from '../../source/value.ts';
import type { Mirror } from '../mirrors.ts';
import { bottlerocketCodes } from './codes.ts';
import type { Authority } from './pki.ts';

export interface MergeInput {
  /** Name of the spec, by which it knows its own lines again. */
  readonly name: string;
  /** The given user data and where it comes from. */
  readonly file: string;
  readonly text: string;
  /** Our settings as TOML; empty where there are none. */
  readonly settings: string;
  readonly mirrors: readonly Mirror[];
  readonly authorities: readonly Authority[];
  readonly at: SpecPath;
}

/**
 * Given user data with our settings as its last lines, between markers; all else is kept byte for byte. TOML allows a
 * table of an array anywhere, but no other table twice, so what is there already is read before anything is added.
 */
export function mergeUserData(input: MergeInput, problems: Diagnostic[]): string | undefined {
  const { name, file, text, at } = input;
  const refuse = (problem: string, hint: string, offset?: number) => {
    const place = offset === undefined ? {} : { place: { file, text, start: offset, end: offset } };
    problems.push(bottlerocketCodes.report('bad-merge', at, { file, problem, hint }, place));
    return undefined;
  };
  const base = withoutManaged(text, name);
  if (base === undefined)
    return refuse(
      'has broken markers',
      `remove the lines "# BEGIN postern ${name}" and "# END postern ${name}" and all between`,
    );
  const given = parsed(base);
  if (given instanceof TomlError)
    return refuse(`is not TOML: ${reasonOf(given)}`, 'Bottlerocket would refuse it too', offsetOf(base, given));
  const clash = clashOf(given, input);
  if (clash) return refuse(clash, 'take it out there or here');
  if (input.settings === '') return base;
  const lineEnd = base.includes('\r\n') ? '\r\n' : '\n';
  const gap = base === '' || base.endsWith('\n') ? '' : lineEnd;
  const managed = [`# BEGIN postern ${name}`, ...input.settings.trimEnd().split('\n'), `# END postern ${name}`];
  const merged = `${base}${gap}${managed.map((line) => line + lineEnd).join('')}`;
  const result = parsed(merged);
  // Tables that were closed by an inline one, above all.
  if (result instanceof TomlError)
    return refuse(`cannot take these settings: ${reasonOf(result)}`, 'write settings as tables, not inline');
  return merged;
}

/** The text without our lines; `undefined` where the markers are not one pair. */
function withoutManaged(text: string, name: string): string | undefined {
  const lines = text.split('\n');
  const places = (marker: string) =>
    lines.flatMap((line, index) => (line.trim() === `# ${marker} postern ${name}` ? [index] : []));
  const [begins, ends] = [places('BEGIN'), places('END')];
  const [begin, end] = [begins[0], ends[0]];
  if (begin === undefined && end === undefined) return text;
  if (begin === undefined || end === undefined || begins.length + ends.length > 2 || end < begin) return undefined;
  return [...lines.slice(0, begin), ...lines.slice(end + 1)].join('\n');
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) return error;
    throw error;
  }
}

/** The first line only: what follows is an excerpt, and ours looks like all the others. */
function reasonOf(error: TomlError): string {
  return (error.message.split('\n', 1)[0] ?? '').replace(/^Invalid TOML document: /, '');
}

function offsetOf(text: string, { line, column }: TomlError): number {
  return text
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, before) => sum + before.length + 1, column - 1);
}

function clashOf(given: unknown, { mirrors, authorities }: MergeInput): string | undefined {
  const settings = memberOf(given, 'settings');
  const existing = memberOf(memberOf(settings, 'container-registry'), 'mirrors');
  if (existing !== undefined && !Array.isArray(existing) && mirrors.length > 0) {
    return 'lists mirrors in the old form, which does not go together with that of today';
  }
  const names = new Set(
    (Array.isArray(existing) ? existing : []).map((mirror: unknown) => memberOf(mirror, 'registry')),
  );
  const doubled = mirrors.find(({ registry }) => names.has(registry));
  if (doubled) return `has a mirror of "${doubled.registry}" already`;
  const authority = authorities.find(({ name }) => memberOf(memberOf(settings, 'pki'), name) !== undefined);
  return authority && `has a certificate authority "${authority.name}" already`;
}
