import type { PathPattern, PatternSegment } from './pattern.ts';
import { classify, type ParameterType } from './segment.ts';

/**
 * The pattern that would allow a path of a log and others like it. Its segments are those of the pattern that allowed
 * the path. Where that took the rest of a path, segments that look like an id become parameters: `/{x*}` and
 * `/projects/a%2Fb/issues/7` → `/projects/{project:encodedPath}/issues/{issue:int}`.
 */
export function templateOf(path: string, pattern: PathPattern | undefined): string {
  const given = path.slice(1).split('/');
  const written = pattern?.segments ?? [];
  const names = new Set(written.flatMap((each) => ('name' in each && each.kind === 'parameter' ? [each.name] : [])));
  const parts = given.map((text, index) => {
    const segment = written[index];
    if (segment && segment.kind !== 'rest') return segmentText(segment, text);
    return guessed(text, given[index - 1] ?? '', names);
  });
  return `/${parts.join('/')}`;
}

function segmentText(segment: Exclude<PatternSegment, { kind: 'rest' }>, text: string): string {
  if (segment.kind !== 'parameter') return text;
  return segment.type === 'segment' ? `{${segment.name}}` : `{${segment.name}:${segment.type}}`;
}

function guessed(text: string, before: string, names: Set<string>): string {
  const type = typeOf(text);
  if (type === undefined) return text;
  const name = freeName(nameAfter(before), names);
  names.add(name);
  return type === 'segment' ? `{${name}}` : `{${name}:${type}}`;
}

/** The type of a segment that looks like an id; `undefined` for one that looks like a word of the API. */
function typeOf(text: string): ParameterType | undefined {
  if (/^[A-Za-z][A-Za-z_.-]{0,29}$/.test(text) || text === '' || /^v[0-9]{1,2}$/.test(text)) return undefined;
  if (/%2[Ff]/.test(text)) return 'encodedPath';
  const type = classify(text);
  // Fewer than seven hexadecimal digits are no hash, and the next id may have other letters.
  return type === 'hex' && text.length < 7 ? 'slug' : (type ?? 'segment');
}

/** The name of a parameter, after the segment before it: `projects` → `project`; `id` where that is no word. */
function nameAfter(before: string): string {
  const word = /^[A-Za-z][A-Za-z_-]*$/.test(before) ? before.replace(/-/g, '_') : 'id';
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return /[^s]s$/.test(word) ? word.slice(0, -1) : word;
}

function freeName(wanted: string, names: ReadonlySet<string>): string {
  let name = wanted;
  for (let number = 2; names.has(name); number++) name = `${wanted}${number}`;
  return name;
}
