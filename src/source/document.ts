import {
  CORE_SCHEMA,
  constructFromEvents,
  defineMappingTag,
  EVENT_ID,
  type Event,
  getScalarValue,
  mapTag,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';
import { type Diagnostic, failed, ok, type Result, type TextSpan } from '../diagnostics/diagnostic.ts';
import { checkAliases } from './aliases.ts';
import { yamlCodes } from './codes.ts';
import {
  type EventList,
  isCollection,
  keyText,
  listEvents,
  nextValue,
  type ScalarEvent,
  scalarSpan,
} from './events.ts';
import { MAX_DEPTH, MAX_MEBIBYTES } from './limits.ts';
import { createLocator } from './locate.ts';
import type { FindSpan, LocatedDocument, SourceFile, Span } from './span.ts';
import { explainSyntax } from './syntax.ts';

// The parser keeps `__proto__` as an ordinary key, but a later copy of the value would set the prototype.
const { tagName, addPair } = mapTag;
const schema = CORE_SCHEMA.withTags(
  defineMappingTag(tagName, {
    ...mapTag,
    addPair: (map, key, value) => (String(key) === '__proto__' ? 'forbidden key' : addPair(map, key, value)),
  }),
);

/** Parses YAML or JSON (a subset of YAML). The places of its parts are computed only when they are asked for. */
export function parseDocument(file: SourceFile): Result<LocatedDocument> {
  const { text } = file;
  if (text.length > MAX_MEBIBYTES * 2 ** 20) {
    return failed([yamlCodes.report('too-large', [], { limit: MAX_MEBIBYTES }, { place: placeOf(file, 0, 0) })]);
  }
  // A byte order mark at the very start only says that the text is UTF-8.
  const hidden = findHidden(text, text.startsWith('\uFEFF') ? 1 : 0);
  if (hidden !== undefined) {
    const place = placeOf(file, hidden.index, hidden.index + hidden.length);
    return failed([yamlCodes.report('bad-character', [], { character: hidden.name, escaped: false }, { place })]);
  }
  const events = guarded(file, () => parseEvents(text, { maxDepth: MAX_DEPTH }));
  if (events.value === undefined) return failed(events.diagnostics);
  const list = listEvents(text, events.value);
  const problems = [...checkDocuments(file, list), ...checkScalars(file, list.events), ...checkAliases(file, list)];
  if (problems.length > 0) return failed(problems);
  const values = guarded(file, () => constructFromEvents(list.events, { source: text, schema }));
  if (values.value === undefined) {
    const keys = checkKeys(file, list);
    return failed(keys.length > 0 ? keys : values.diagnostics);
  }
  return ok({ file, value: values.value[0], locate: lateLocator(file) });
}

/**
 * Returns a function that parses the text again when a place is asked for. The events are not kept, because they are
 * many times the size of the text.
 */
function lateLocator({ name, text }: SourceFile): LocatedDocument['locate'] {
  let find: FindSpan | undefined;
  return (path, part) => {
    find ??= createLocator(listEvents(text, parseEvents(text, { maxDepth: MAX_DEPTH })));
    return { file: name, text, ...find(path, part) };
  };
}

function guarded<T>(file: SourceFile, run: () => T): Result<T> {
  try {
    return ok(run());
  } catch (error) {
    if (error instanceof YAMLException) return failed([explainSyntax(file, error)]);
    throw error;
  }
}

/** Reports an empty file, and the start of a second document. */
function checkDocuments(file: SourceFile, { events, partner }: EventList): Diagnostic[] {
  const first = events[1];
  const empty = first === undefined || (first.type === EVENT_ID.SCALAR && first.valueStart === -1);
  if (empty) return [yamlCodes.report('empty', [], {}, { place: placeOf(file, 0, 0) })];
  const second = (partner[0] ?? 0) + 1;
  if (second >= events.length) return [];
  // The events do not hold the place of `---`. It is the last one before the content of the second document.
  const before = lastOffset(events.slice(0, second));
  const marker = /^---/gm;
  marker.lastIndex = before;
  const start = marker.exec(file.text)?.index ?? before;
  return [yamlCodes.report('second-document', [], {}, { place: placeOf(file, start, start + 3) })];
}

function lastOffset(events: readonly Event[]): number {
  const last = events.findLast((event) => 'valueEnd' in event && event.valueEnd !== -1);
  return last !== undefined && 'valueEnd' in last ? last.valueEnd : 0;
}

/** Reports tags (`!!str`), which a spec does not use, and escapes (`"\u202E"`) of characters that it may not hold. */
function checkScalars(file: SourceFile, events: readonly Event[]): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const event of events) {
    if (event.type !== EVENT_ID.SCALAR && !isCollection(event)) continue;
    if (event.tagStart !== -1) {
      const tag = file.text.slice(event.tagStart, event.tagEnd);
      const place = placeOf(file, event.tagStart, event.tagEnd);
      diagnostics.push(yamlCodes.report('unsupported-tag', [], { tag }, { place }));
    }
    if (event.type !== EVENT_ID.SCALAR || event.style !== SCALAR_STYLE.DOUBLE_QUOTED || event.fast) continue;
    const hidden = findHidden(getScalarValue(file.text, event));
    if (hidden === undefined) continue;
    const place = placeOf(file, event.valueStart - 1, event.valueEnd + 1);
    diagnostics.push(yamlCodes.report('bad-character', [], { character: hidden.name, escaped: true }, { place }));
  }
  return diagnostics;
}

function placeOf({ name, text }: SourceFile, start: number, end: number): TextSpan {
  return { file: name, text, start, end };
}

/**
 * Characters that editors do not show: controls, halves of a surrogate pair, line breaks that are none in YAML, marks
 * that reorder the text around them ("Trojan Source"), and byte order marks. A spec is reviewed by eye, so it must not
 * hold them, not even in a comment.
 */
const HIDDEN =
  /[\0-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]|\p{Cs}/gu;

const NAMES: Readonly<Record<number, string>> = {
  0: 'a NUL character',
  27: 'an escape character',
  8232: 'a line separator',
  8233: 'a paragraph separator',
  65279: 'a byte order mark',
};

interface HiddenCharacter {
  readonly index: number;
  readonly length: number;
  /** Name with its article: `a NUL character (U+0000)`. */
  readonly name: string;
}

function findHidden(text: string, from = 0): HiddenCharacter | undefined {
  HIDDEN.lastIndex = from;
  const found = HIDDEN.exec(text);
  if (found === null) return undefined;
  const point = found[0].codePointAt(0) ?? 0;
  const name = NAMES[point] ?? kind(point);
  const number = point.toString(16).toUpperCase().padStart(4, '0');
  return { index: found.index, length: found[0].length, name: `${name} (U+${number})` };
}

function kind(point: number): string {
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return 'a control character';
  if (point >= 0xd800 && point <= 0xdfff) return 'half a character';
  return 'an invisible character';
}

/**
 * Reports keys that no mapping may have, and keys that a mapping has twice, with the place of the first. It is called
 * only after the constructor has refused a text, which stops at the first problem and knows no second place.
 */
function checkKeys(file: SourceFile, list: EventList): Diagnostic[] {
  const { events, partner, text } = list;
  const diagnostics: Diagnostic[] = [];
  const place = (event: Event): TextSpan => ({ file: file.name, text, ...keySpan(text, event) });
  events.forEach((mapping, index) => {
    if (mapping.type !== EVENT_ID.MAPPING) return;
    const first = new Map<string, ScalarEvent>();
    for (let at = index + 1; at < (partner[index] ?? 0); at = nextValue(list, nextValue(list, at))) {
      const event = events[at];
      if (event === undefined) break;
      if (isCollection(event)) diagnostics.push(yamlCodes.report('bad-key', [], {}, { place: place(event) }));
      if (event.type !== EVENT_ID.SCALAR) continue;
      const key = keyText(text, event);
      const earlier = first.get(key);
      if (key === '__proto__')
        diagnostics.push(yamlCodes.report('forbidden-key', [], { key }, { place: place(event) }));
      if (earlier === undefined) first.set(key, event);
      else {
        const related = [{ at: [], message: 'first written here', place: place(earlier) }];
        diagnostics.push(yamlCodes.report('duplicate-key', [], { key }, { place: place(event), related }));
      }
    }
  });
  return diagnostics;
}

function keySpan(text: string, event: Event): Span {
  if (event.type === EVENT_ID.SCALAR) return scalarSpan(text, event) ?? { start: 0, end: 0 };
  return isCollection(event) ? { start: event.start, end: event.start + 1 } : { start: 0, end: 0 };
}
