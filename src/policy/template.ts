import { maskSecrets } from '../diagnostics/mask.ts';
import type { PathPattern, PatternSegment } from './pattern.ts';
import { classify, type ParameterType } from './segment.ts';

/**
 * Returns a pattern for a logged path and others like it. Its segments are those of the pattern that allowed the path;
 * in the rest of a path (`{x*}`), segments that look like an id become parameters: `/{x*}` and
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
  return segment.kind === 'parameter' ? parameter(segment.name, segment.type) : text;
}

function guessed(text: string, before: string, names: Set<string>): string {
  if (!looksLikeValue(text)) return text;
  return parameter(parameterName(before, names), classify(text) ?? 'segment');
}

/** Returns a parameter as written in patterns: `{project:int}`, or `{project}` for the type `segment`. */
export function parameter(name: string, type: ParameterType): string {
  return type === 'segment' ? `{${name}}` : `{${name}:${type}}`;
}

/** Returns whether a segment of a path is a value, such as an id, rather than a word of the API. */
export function looksLikeValue(segment: string, type = classify(segment)): boolean {
  if (type === 'int' || type === 'uuid') return true;
  // Fewer than seven hexadecimal digits are no hash.
  if (type === 'hex') return segment.length >= 7 && /[0-9]/.test(segment);
  if (type === 'encodedPath' || type === 'encodedText') return true;
  if (maskSecrets(segment) !== segment) return true;
  // Words of an API such as v4 and oauth2 have one or two digits, not three.
  return /[0-9].*[0-9].*[0-9]/.test(segment) || /[%@:~!$&'()*+,;=]/.test(segment) || segment.length > 40;
}

/**
 * Returns the name of a parameter, after the segment before it: `projects` → `project`; `id` if that is no word. Adds
 * it to `names`.
 */
export function parameterName(before: string, names: Set<string>): string {
  const wanted = singular(/^[A-Za-z][A-Za-z_-]*$/.test(before) ? before.replace(/-/g, '_') : 'id');
  let name = wanted;
  for (let number = 2; names.has(name); number++) name = `${wanted}${number}`;
  names.add(name);
  return name;
}

function singular(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return /[^s]s$/.test(word) ? word.slice(0, -1) : word;
}
