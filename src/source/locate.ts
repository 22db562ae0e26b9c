import { COLLECTION_STYLE, EVENT_ID, type Event } from 'js-yaml';
import { aliasTargets } from './aliases.ts';
import { type EventList, isCollection, keyText, nextValue, scalarSpan } from './events.ts';
import type { FindSpan, Span } from './span.ts';

/** A child of a collection: the events of its key (absent in a list) and of its value. */
interface Child {
  readonly key?: number;
  readonly value: number;
}

/** The value of the document, whose own event is the first. */
const ROOT: Child = { value: 1 };

/**
 * Returns a function that finds the text of a path. A collection is indexed when a path first leads through it, so that
 * a spec without problems costs nothing and one with many is still walked only once.
 */
export function createLocator(list: EventList): FindSpan {
  const known = new Map<number, ReadonlyMap<string, Child>>();
  let targets: ReadonlyMap<number, number> | undefined;

  const children = (index: number) => {
    const found = known.get(index) ?? listChildren(list, index);
    known.set(index, found);
    return found;
  };
  // An alias is followed to the text that it stands for, because that is what has to be changed.
  const follow = (index: number) => {
    if (list.events[index]?.type !== EVENT_ID.ALIAS) return index;
    targets ??= aliasTargets(list);
    return targets.get(index) ?? index;
  };

  return (path, part = 'value') => {
    let at = ROOT;
    for (const step of path) {
      const child = children(follow(at.value)).get(String(step));
      // For a path that does not exist, the name of its nearest parent is shown, because the missing part belongs
      // there.
      if (child === undefined) return spanOf(list, at, 'key');
      at = child;
    }
    return spanOf(list, { ...at, value: follow(at.value) }, part);
  };
}

/** Returns the children of a collection by key, or by index in a list. */
function listChildren(list: EventList, index: number): ReadonlyMap<string, Child> {
  const children = new Map<string, Child>();
  const type = list.events[index]?.type;
  if (type !== EVENT_ID.MAPPING && type !== EVENT_ID.SEQUENCE) return children;
  const end = list.partner[index] ?? index;
  for (let at = index + 1; at < end; at = nextValue(list, at)) {
    if (type === EVENT_ID.SEQUENCE) {
      children.set(String(children.size), { value: at });
      continue;
    }
    const key = at;
    const event = list.events[key];
    at = nextValue(list, key);
    if (event?.type === EVENT_ID.SCALAR) children.set(keyText(list.text, event), { key, value: at });
  }
  return children;
}

function spanOf(list: EventList, child: Child, part: 'key' | 'value'): Span {
  const key = child.key === undefined ? undefined : eventSpan(list, child.key);
  if (key !== undefined && part === 'key') return key;
  return eventSpan(list, child.value) ?? key ?? emptyItemSpan(list, child.value);
}

/** Returns the span of a value; `undefined` if it is empty. */
function eventSpan(list: EventList, index: number): Span | undefined {
  const event = list.events[index];
  if (event?.type === EVENT_ID.SCALAR) return scalarSpan(list.text, event);
  if (event?.type === EVENT_ID.ALIAS) return { start: event.anchorStart - 1, end: event.anchorEnd };
  if (event !== undefined && isCollection(event)) return { start: event.start, end: endOf(list, index) };
  return undefined;
}

/** Returns the span of an empty list item's dash, which is found by counting dashes after the last text before it. */
function emptyItemSpan(list: EventList, index: number): Span {
  if (index <= ROOT.value) return { start: 0, end: 0 };
  let dashes = 1;
  while (isEmpty(list.events[index - dashes])) dashes += 1;
  let start = endBefore(list, index - dashes + 1);
  for (let dash = 1; dash <= dashes; dash += 1)
    start = skip(list.text, dash === 1 ? start : start + 1, /(?:\s|#[^\n]*(?:\n|$))*(?=-)/y);
  return { start, end: Math.min(start + 1, list.text.length) };
}

function isEmpty(event: Event | undefined): boolean {
  return event?.type === EVENT_ID.SCALAR && event.valueStart === -1;
}

/** Returns the end of the text before a value; for the first value of a collection, the start of that collection. */
function endBefore(list: EventList, index: number): number {
  let at = index - 1;
  while (isEmpty(list.events[at])) at -= 1;
  const before = list.events[at];
  return before !== undefined && isCollection(before) ? before.start : endOf(list, at);
}

/**
 * Returns the end of a value's text. The ends of `[ … ]` and `{ … }` are read from the text, because events do not hold
 * them.
 */
function endOf(list: EventList, index: number): number {
  const event = list.events[index];
  if (event === undefined) return 0;
  if (event.type === EVENT_ID.POP) return endOf(list, list.partner[index] ?? 0);
  if (event.type === EVENT_ID.SCALAR) return scalarSpan(list.text, event)?.end ?? endBefore(list, index);
  if (!isCollection(event)) return 'anchorEnd' in event ? event.anchorEnd : 0;
  const last = (list.partner[index] ?? index + 1) - 1;
  const end = last === index ? event.start : endOf(list, last);
  if (event.style !== COLLECTION_STYLE.FLOW) return end;
  return skip(list.text, Math.max(end, event.start + 1), /[\s,]*[\]}]/y);
}

function skip(text: string, from: number, pattern: RegExp): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}
