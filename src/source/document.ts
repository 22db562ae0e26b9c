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
import { type Diagnostic, failed, ok, type Place, type Result } from '../diagnostics/diagnostic.ts';
import { checkAliases } from './aliases.ts';
import { findHidden } from './characters.ts';
import { yamlCodes } from './codes.ts';
import { checkKeys } from './duplicates.ts';
import { type EventList, isCollection, listEvents } from './events.ts';
import { MAX_DEPTH, MAX_MEBIBYTES } from './limits.ts';
import { createLocator } from './locate.ts';
import type { LocatedDocument, SourceFile } from './span.ts';
import { explainSyntax } from './syntax.ts';

// The parser keeps `__proto__` as a key like any other, but copies made of the value later would not.
const { tagName, addPair } = mapTag;
const schema = CORE_SCHEMA.withTags(
  defineMappingTag(tagName, {
    ...mapTag,
    addPair: (map, key, value) => (String(key) === '__proto__' ? 'forbidden key' : addPair(map, key, value)),
  }),
);

/**
 * YAML or JSON (which YAML contains) → its value, with the place of every part, which is worked out only when somebody
 * asks.
 */
export function parseDocument(file: SourceFile): Result<LocatedDocument> {
  const { text } = file;
  if (text.length > MAX_MEBIBYTES * 2 ** 20) {
    return failed([yamlCodes.report('too-large', [], { limit: MAX_MEBIBYTES }, { place: placeOf(file, 0, 0) })]);
  }
  // One byte order mark at the very start says "UTF-8" and no more.
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
  return ok({ file, value: values.value[0], locate: lateLocator(text) });
}

/** The events are many times the size of the text: they are made again where a place is asked for, instead of kept. */
function lateLocator(text: string): LocatedDocument['locate'] {
  let locate: LocatedDocument['locate'] | undefined;
  return (path, part) => {
    locate ??= createLocator(listEvents(text, parseEvents(text, { maxDepth: MAX_DEPTH })));
    return locate(path, part);
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

/** One document with something in it is what a spec is. */
function checkDocuments(file: SourceFile, { events, partner }: EventList): Diagnostic[] {
  const first = events[1];
  const empty = first === undefined || (first.type === EVENT_ID.SCALAR && first.valueStart === -1);
  if (empty) return [yamlCodes.report('empty', [], {}, { place: placeOf(file, 0, 0) })];
  const second = (partner[0] ?? 0) + 1;
  if (second >= events.length) return [];
  // The events have no place for the marker: it is the last one before what the second document holds.
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

/** Tags, which a spec has no use for, and escapes that spell what could not be written openly. */
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

function placeOf({ name, text }: SourceFile, start: number, end: number): Place {
  return { file: name, text, start, end };
}
