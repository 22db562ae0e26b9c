import { EVENT_ID, type Event } from 'js-yaml';
import type { Diagnostic, Place } from '../diagnostics/diagnostic.ts';
import { yamlCodes } from './codes.ts';
import { type EventList, isCollection, keyText, nextValue, type ScalarEvent, scalarSpan } from './events.ts';
import type { SourceFile, Span } from './span.ts';

/**
 * Keys that no mapping may have, and keys that one mapping has twice, with the place of the first. Asked
 * only when the constructor has refused a text: it stops at the first problem and knows no second place.
 */
export function checkKeys(file: SourceFile, list: EventList): Diagnostic[] {
  const { events, partner, text } = list;
  const diagnostics: Diagnostic[] = [];
  const place = (event: Event): Place => ({ file: file.name, text, ...keySpan(text, event) });
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
