import { both, built, either, includes, isEmptyLanguage, type Language, stateAfter, without } from './language.ts';
import { ANYTHING, matching, wholly } from './matching.ts';
import type { NameSet } from './nameModel.ts';
import type { RegexProblem } from './regex.ts';

/** Characters of a label that are written as they are. */
const LABEL = '[!#$%&*+,/0-9:<=>?\\[\\]^_`a-z{|}~-]';

/** Returns all names but the root: labels of at most 63 characters. */
export function allNames(): Language {
  return wholly(`(?:${LABEL}{1,63}[.])+`);
}

const quoted = (text: string) => text.replaceAll(/[^a-z0-9]/g, '\\$&');

export function oneOf(words: ReadonlySet<string> | ReadonlyMap<string, unknown>): NameSet {
  return {
    has: (name) => words.has(name),
    words: { [Symbol.iterator]: () => words.keys() },
    language: () => [...words.keys()].map((word) => wholly(quoted(word))).reduce(either, wholly('[^\\s\\S]')),
  };
}

/** Returns the names that end in a text, and the text itself if it is a name. */
export function endingIn(text: string): NameSet {
  return {
    has: (name) => name.endsWith(text),
    ...(text.startsWith('.') && { ending: text }),
    language: () => wholly(`${ANYTHING}${quoted(text)}`),
  };
}

export function startingWith(text: string): NameSet {
  return { has: (name) => name.startsWith(text), language: () => wholly(`${quoted(text)}${ANYTHING}`) };
}

export function holding(text: string): NameSet {
  return { has: (name) => name.includes(text), language: () => wholly(`${ANYTHING}${quoted(text)}${ANYTHING}`) };
}

/** Returns a zone: its own name, without the dot of the root, and all below it. */
export function within(zone: string): NameSet {
  if (zone === '') return everything;
  const below = endingIn(`.${zone}.`);
  return {
    has: (name) => name === `${zone}.` || below.has(name),
    language: () => either(wholly(quoted(`${zone}.`)), below.language()),
  };
}

export const everything: NameSet = { has: () => true, language: () => wholly(ANYTHING) };

export function inEither(one: NameSet, other: NameSet): NameSet {
  return {
    has: (name) => one.has(name) || other.has(name),
    language: () => either(one.language(), other.language()),
  };
}

export function inBoth(one: NameSet, other: NameSet): NameSet {
  return {
    has: (name) => one.has(name) && other.has(name),
    language: () => both(one.language(), other.language()),
  };
}

export function outside(own: NameSet): NameSet {
  return { has: (name) => !own.has(name), language: () => without(everything.language(), own.language()) };
}

/** Returns the names in which RE2 finds an expression. */
export function foundBy(source: string): NameSet | RegexProblem {
  const language = matching(source, 're2');
  if ('problem' in language) return language;
  return { has: (name) => includes(language, name), language: () => language };
}

/** Returns the texts that are in the language once `end` is written behind them. */
export function beforeEnd(language: Language, end: string): Language {
  const { columnOf, columns, next, accepts } = language;
  return built({
    columnOf,
    columns,
    start: '0',
    step: (state, column) => String(next[Number(state) * columns + column] ?? 0),
    accepts: (state) => accepts[stateAfter(language, end, Number(state))] === 1,
  });
}

/** Returns the texts of the language with `end` behind them. */
export function withEnd(language: Language, end: string): Language {
  if (end === '' || isEmptyLanguage(language)) return language;
  const { next, columns, accepts } = language;
  // Each byte of the end is told from all others.
  const ids = new Map<string, number>();
  const columnOf = language.columnOf.map((column, byte) => {
    const character = String.fromCharCode(byte);
    const key = `${column} ${end.includes(character) ? character : ''}`;
    const id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    return id;
  });
  const samples = [...ids.values()].map((id) => columnOf.indexOf(id));
  const steps = (state: number, within: readonly number[]) =>
    `${state}|${[...new Set(accepts[state] === 1 ? [0, ...within] : within)].sort((a, b) => a - b).join()}`;
  return built({
    columnOf,
    columns: samples.length,
    start: steps(0, []),
    step: (state, column) => {
      const [own, places] = parsed(state);
      const byte = samples[column] ?? 0;
      const further = places.filter((at) => end.charCodeAt(at) === byte).map((at) => at + 1);
      return steps(next[own * columns + (language.columnOf[byte] ?? 0)] ?? 0, further);
    },
    accepts: (state) => parsed(state)[1].includes(end.length),
  });
}

function parsed(state: string): [number, number[]] {
  const [own = '', places = ''] = state.split('|');
  return [Number(own), places === '' ? [] : places.split(',').map(Number)];
}
