import { accepts, classify, PARAMETER_TYPES, type ParameterType } from './segment.ts';

export type PatternSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string; readonly type: ParameterType }
  | { readonly kind: 'choice'; readonly name: string; readonly values: readonly string[] }
  /** `{name*}`: one or more segments of this type, after which only a trailing slash may stand. */
  | { readonly kind: 'rest'; readonly name: string; readonly type: ParameterType };

/** Returns whether a segment of a pattern accepts a raw segment of a path; of a rest, each of its segments. */
export function acceptsSegment(segment: PatternSegment, text: string): boolean {
  switch (segment.kind) {
    case 'literal':
      return segment.text === text;
    case 'choice':
      return segment.values.includes(text);
    case 'parameter':
    case 'rest':
      return accepts(segment.type, text);
  }
}

/** A path pattern; a trailing slash is a last literal segment that is empty, so "/" is one empty literal. */
export interface PathPattern {
  readonly text: string;
  readonly segments: readonly PatternSegment[];
}

export interface PatternProblem {
  readonly problem: string;
  readonly hint: string;
}

const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_-]*)(?::([^{}]*?))?(\*)?\}$/;
const TYPES_HINT = `types: ${PARAMETER_TYPES.join(', ')}, or a list such as {state:opened|closed}`;

function literalProblem(text: string): PatternProblem | undefined {
  // A star is a legal character of paths, but in a pattern it is meant as a wildcard.
  if (text.includes('*'))
    return {
      problem: `has "${text}", and a star matches only itself`,
      hint: 'one segment is {name}, the rest of the path {name*}',
    };
  if (classify(text) !== undefined) return undefined;
  if (text === '') return { problem: 'has an empty segment ("//")', hint: 'write one "/" between segments' };
  const foreign = /^(?:<([A-Za-z_][A-Za-z0-9_]*)>|\[([A-Za-z_][A-Za-z0-9_]*)\]|%[sd])$/.exec(text);
  if (foreign)
    return {
      problem: `has the segment "${text}", which no request may hold`,
      hint: `a parameter is {${foreign[1] ?? foreign[2] ?? 'name'}}; ${TYPES_HINT}`,
    };
  if (/[{}]/.test(text)) {
    const hint = `a parameter is a whole segment: {name} or {name:type}; ${TYPES_HINT}`;
    return { problem: `has "${text}", which is neither literal nor a parameter`, hint };
  }
  return {
    problem: `has the segment "${text}", which no request may hold`,
    hint: 'write a segment as it goes over the wire: RFC 3986 characters, %XX for all others, no dot segment, no %2F beside a dot segment',
  };
}

function parseSegment(text: string): PatternSegment | PatternProblem {
  if (!text.startsWith('{')) return literalProblem(text) ?? { kind: 'literal', text };
  const [, name = '', type = 'segment', star] = PARAMETER.exec(text) ?? [];
  if (name === '') return parameterProblem(text);
  const known = PARAMETER_TYPES.find((candidate) => candidate === type);
  if (known) return { kind: star === undefined ? 'parameter' : 'rest', name, type: known };
  const values = type.split('|');
  if (values.length < 2) return { problem: `has the unknown type "${type}"`, hint: TYPES_HINT };
  if (star !== undefined)
    return { problem: `repeats the list {${name}}`, hint: `the rest of the path is of one type: {${name}:slug*}` };
  const bad = values.find((value) => value.includes('*') || classify(value) === undefined);
  if (bad !== undefined)
    return {
      problem: `offers "${bad}" in {${name}}, which no request may hold`,
      hint: 'write each value as it goes over the wire',
    };
  return { kind: 'choice', name, values: [...new Set(values)].sort() };
}

/** Returns what is wrong with a segment that starts like a parameter. */
function parameterProblem(text: string): PatternProblem {
  const [, name, type] = /^\{([A-Za-z_][A-Za-z0-9_-]*)\*:([^{}*]+)\}$/.exec(text) ?? [];
  if (name !== undefined)
    return { problem: `has "${text}", where the star stands too early`, hint: `write {${name}:${type}*}` };
  return literalProblem(text) ?? { problem: 'is malformed', hint: TYPES_HINT };
}

/** Reads a path pattern. For a text that is none, returns what is wrong and how to write it. */
export function parsePattern(text: string): PathPattern | PatternProblem {
  if (!text.startsWith('/'))
    return { problem: 'does not start with "/"', hint: `a pattern is the whole path, such as ${pathMeant(text)}` };
  if (/[?#]/.test(text))
    return {
      problem: 'holds a query or fragment',
      hint: 'patterns are about the path; a query is checked by its own rules',
    };
  const parts = text.slice(1).split('/');
  const segments: PatternSegment[] = [];
  const names = new Set<string>();
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    const segment = last && part === '' ? ({ kind: 'literal', text: '' } as const) : parseSegment(part);
    if ('problem' in segment) return segment;
    if (segment.kind === 'rest' && !last && parts.slice(index + 1).join('/') !== '')
      return {
        problem: `has {${segment.name}*} before its end`,
        hint: `{${segment.name}*} takes the rest of the path, so only a trailing slash may follow it`,
      };
    if (segment.kind !== 'literal' && names.has(segment.name)) {
      return { problem: `names {${segment.name}} twice`, hint: 'give each parameter its own name' };
    }
    if (segment.kind !== 'literal') names.add(segment.name);
    segments.push(segment);
  }
  return { text, segments };
}

const METHOD = /^[A-Z][A-Z0-9-]{0,31}$/;

/**
 * Returns the request that a text was probably meant as: `get|post  https://host/path HTTP/1.1` is `GET,POST /path`.
 */
function requestMeant(text: string): { readonly meant?: string } {
  const [, before = '', path] =
    /^([^/]*?)(?:[a-z][a-z0-9+.-]*:\/\/[^/\s]*)?(\/\S*)(?: +HTTP\/[\d.]+)? *$/i.exec(text) ?? [];
  if (path === undefined) return {};
  const words = before
    .toUpperCase()
    .split(/[\s,|:]+/)
    .filter((word) => word !== '');
  const methods = words.length === 0 || words.includes('*') ? ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] : words;
  return methods.every((method) => METHOD.test(method)) ? { meant: `${methods.join()} ${path}` } : {};
}

/** Returns the path that a text was probably meant as: of a URL, the part after its host. */
function pathMeant(text: string): string {
  const path = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  if (path.startsWith('/')) return path;
  return /^[A-Za-z0-9]/.test(path) && path === text ? `/${path}` : '/api/v4/groups';
}

/** Methods that no rule takes: a client takes a 200 to CONNECT for a tunnel, and TRACE shows what proxies add. */
export const NO_RULES: readonly string[] = ['CONNECT', 'TRACE'];

/** Stands for every method in a rule that engines read, but for those that no rule takes. */
export const EVERY_METHOD = '*';

/** Source of a regular expression for what engines read as a method: nginx refuses any other letter. */
export const METHOD_LETTERS = '[A-Z_-]+';

const READ = new RegExp(`^${METHOD_LETTERS}$`);

/** Returns whether `EVERY_METHOD` stands for a method. */
export function isOfEvery(method: string): boolean {
  return READ.test(method) && !NO_RULES.includes(method);
}

/** Use of a request line. For `forwarded`, it must name its methods; for `answered`, it may have `*`. */
export type RequestUse = 'forwarded' | 'answered';

/** Reads `GET,POST /path` into its methods, sorted and without the HEAD that GET includes, and its path. */
export function parseRequestLine(
  text: string,
  use: RequestUse = 'forwarded',
): { methods: string[]; path: string } | { problem: string; meant?: string } {
  const [methodText = '', path, ...rest] = text.split(/ +/);
  if (path === undefined && methodText.startsWith('/'))
    return { problem: 'the method is missing', meant: `GET ${methodText}` };
  const meant = requestMeant(text);
  if (path === undefined) return { problem: 'the path is missing', ...meant };
  if (rest.length > 0) return { problem: 'it has more than two words, or a blank at its end', ...meant };
  if (use === 'answered' && methodText === EVERY_METHOD) return { methods: [EVERY_METHOD], path };
  const methods = methodText.split(',');
  const bad = methods.find((method) => !METHOD.test(method));
  if (bad !== undefined) {
    const problem =
      bad === ''
        ? 'a method is missing'
        : bad === '*'
          ? 'it does not name its methods'
          : `"${bad}" is not a method in upper case`;
    return { problem, ...meant };
  }
  const refused = methods.find((method) => NO_RULES.includes(method));
  if (refused !== undefined) return { problem: `${refused} can never be forwarded` };
  const unique = [...new Set(methods)].sort();
  return { methods: unique.includes('GET') ? unique.filter((method) => method !== 'HEAD') : unique, path };
}
