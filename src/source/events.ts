import { constructFromEvents, EVENT_ID, type Event, getScalarValue, SCALAR_STYLE } from 'js-yaml';
import type { Span } from './span.ts';

/** A parsed text as the parser's flat list of events, with the two ends of each collection joined. */
export interface EventList {
  readonly text: string;
  readonly events: Event[];
  /** For the first event of a collection, the index of its last event, and the reverse. */
  readonly partner: Int32Array;
}

export type ScalarEvent = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;
type CollectionEvent = Extract<Event, { start: number }>;

export function listEvents(text: string, events: Event[]): EventList {
  const partner = new Int32Array(events.length).fill(-1);
  const open: number[] = [];
  events.forEach((event, index) => {
    if (event.type === EVENT_ID.POP) {
      const start = open.pop() ?? 0;
      partner[start] = index;
      partner[index] = start;
    } else if (event.type === EVENT_ID.DOCUMENT || isCollection(event)) {
      open.push(index);
    }
  });
  return { text, events, partner };
}

export function isCollection(event: Event): event is CollectionEvent {
  return event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE;
}

/** Returns the index of the event after the value that starts at `index`. */
export function nextValue({ partner }: EventList, index: number): number {
  const end = partner[index] ?? -1;
  return (end > index ? end : index) + 1;
}

/** Returns the name of the anchor that an event sets, or of an alias. */
export function anchorName(text: string, event: Event): string | undefined {
  if (!('anchorStart' in event) || event.anchorStart === -1) return undefined;
  return text.slice(event.anchorStart, event.anchorEnd);
}

/** Start of a plain text that YAML may read as a number, a boolean or null. */
const MAYBE_TYPED = /^(?:[-+.0-9~nNtTfF]|$)/;

/** Returns the key that the constructor makes of a scalar: `0x1F` becomes `31`. */
export function keyText(text: string, event: ScalarEvent): string {
  const written = getScalarValue(text, event);
  if (event.style !== SCALAR_STYLE.PLAIN || !MAYBE_TYPED.test(written)) return written;
  const document = { type: EVENT_ID.DOCUMENT, explicitStart: false, explicitEnd: false, directives: [] };
  return String(constructFromEvents([document, event, { type: EVENT_ID.POP }], { source: text })[0]);
}

/** Returns the span of a scalar with its quotes; `undefined` for an empty value. */
export function scalarSpan(text: string, event: ScalarEvent): Span | undefined {
  if (event.valueStart === -1) return undefined;
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
  const span = { start: event.valueStart - quoted, end: event.valueEnd + quoted };
  const block = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK;
  if (!block) return span;
  // A block starts with the indentation of its first line and ends with a line break.
  const body = text.slice(span.start, span.end);
  return {
    start: span.start + body.length - body.trimStart().length,
    end: span.start + Math.max(body.trimEnd().length, 0),
  };
}
