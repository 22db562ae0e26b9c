import { CannotTell, type Part } from '../../prove/explore.ts';
import { includes, type Language, without } from '../../prove/language.ts';
import { lazily } from '../../prove/lazily.ts';
import { ANYTHING, matching, onlyText, wholly } from '../../prove/matching.ts';
import type { RegexRow, Template } from './tables.ts';

const EMPTY = lazily(() => onlyText(''));
export const NO_CAPITALS = lazily(() => wholly('[^A-Z]*'));
export const ONE_SLASH = lazily(() => wholly('/'));
export const ENDS_WITH_SLASH = lazily(() => wholly('[^\\n]*/'));
export const NOT_A_METHOD = lazily(() => wholly(`[A-Z_-]*[^A-Z_-]${ANYTHING}`));
/**
 * The expression of a key up to a comma. It captures the whole key and its last characters, provided that the classes
 * of characters exclude blanks and commas.
 */
export const KEY =
  /^(\^)(\[ \\t\]\*\+)((?:[A-Za-z]+ )?)\(\?<(\w+)>(\[[A-Za-z0-9._~+/=-]+\])\{\d+,\d+\}\(\?<(\w+)>(\[[A-Za-z0-9._~+/=-]+\])\{(\d+)\}\)\)\[ \\t\]\*\+\(\?:,\|\\z\)$/;
/** The expression of a rest of a path that captures the slash at its end. */
export const REST = /^\^(.*)\(\?<(\w+)>\/\?\+\)\\z$/;
/** The expression that takes the last address off a list. It captures the list before it, and the address. */
export const HOP = /^\^\(\?:\(\?<(\w+)>\.\*\),\)\?\[ \\t\]\*\+\(\?<(\w+)>(.*)\)\[ \\t\]\*\+\\z$/;

const ESCAPED = /(?:[^/()[\]\\.*+?{}|^$ ]|\[[^\]\\]\]|\\[\\^[\]])*/.source;
const CAPTURED = /\(\?<(?<segment>segment_\d+)>\/\[\^\/\]\+\+\)|\(\?<(?<rest>rest_\d+)>\(\?:\/\[\^\/\]\+\+\)\+\+\)/
  .source;
/** A segment in an expression for longer paths: literal text, or a group that captures it or all that are left. */
const LONGER_PART = new RegExp(`/${ESCAPED}|${CAPTURED}`, 'g');
/**
 * An expression that matches the path so far, a blank, and all segments after it. The path so far is literal text too:
 * after an alternative, `^/a/b|…`, nothing would be captured.
 */
const LONGER = new RegExp(`^\\^(?:/${ESCAPED})* ((?:${LONGER_PART.source})+)\\\\z$`);

/**
 * Returns the groups that capture the segments of a longer path, in order; `undefined` for a segment that is literal
 * text.
 */
export function longerGroups({ source }: RegexRow): readonly (string | undefined)[] {
  const [, tail = ''] = LONGER.exec(source) ?? [];
  return [...tail.matchAll(LONGER_PART)].map(({ groups }) => groups?.segment ?? groups?.rest);
}

export function isVariable(part: Template[number] | undefined, name: string): boolean {
  return typeof part === 'object' && part.variable === name;
}

/** Joins adjacent texts, and drops empty ones. */
export function joined(parts: readonly Part[]): readonly Part[] {
  const found: Part[] = [];
  for (const part of parts) {
    const last = found.at(-1);
    if (part === '') continue;
    if (typeof part === 'string' && typeof last === 'string') found[found.length - 1] = last + part;
    else found.push(part);
  }
  return found;
}

/** Returns the texts in which a row is found. nginx tries no expression on the empty text. */
export function languageOf({ source, ignoreCase }: RegexRow, title: string): Language {
  const language = matching(source, 'pcre', ignoreCase);
  if ('problem' in language) throw new CannotTell(`${title} has an expression that ${language.problem}`);
  return includes(language, '') ? without(language, EMPTY()) : language;
}

/** Returns the numbers of segments after which an expression captures all further ones: `(?<after_8>…`. */
export function stopsIn(source: string): readonly number[] {
  return [...source.matchAll(/\(\?<after_(\d+)>/g)].map(([, number]) => Number(number));
}

/**
 * Returns the expression that splits a request line behind the method and a blank. Its captured groups have the values
 * that `SymbolicRequest` gives to segments: each repetition is possessive and ends before `/`, `?` or a blank, none of
 * which it can match. A request line of another shape leaves all groups unset.
 */
export function splitSource(depth: number, stops: readonly number[]): string {
  return splitting(depth, stops, (number) => `(?<plain_${number}>/(?:[^A-Z /?]++(?=[ /?])|(?=[ ?])))|/[^ /?]++`);
}

/** Returns the same with segments that are plain whatever is in them. */
export function allPlainSource(depth: number, stops: readonly number[]): string {
  return splitting(depth, stops, (number) => `(?<plain_${number}>/(?:[^ /?]++|(?=[ ?])))`);
}

function splitting(depth: number, stops: readonly number[], segment: (number: number) => string): string {
  let source = '(?:(?<path>';
  for (let number = 1; number <= depth; number++) {
    source += `(?<segment_${number}>${segment(number)})${number > 1 ? '?+' : ''}`;
    if (stops.includes(number)) source += `(?=(?<after_${number}>(?:/[^ /?]++)*+)(?<slash_${number}>/?+)[ ?])`;
  }
  return `${source}[^ ?]*+)(?:[?](?<query>[^ ]*+))?+ HTTP/1[.][01]\\z)?+`;
}

/** The characters that end a key, none of which may belong to it. */
export const KEY_ENDS = lazily(() => wholly('[\\t ,]'));
