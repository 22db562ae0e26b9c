import { EVENT_ID } from 'js-yaml';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { yamlCodes } from './codes.ts';
import { anchorName, type EventList, isCollection } from './events.ts';
import { MAX_REPEATED } from './limits.ts';
import type { SourceFile } from './span.ts';

/** Maps the index of each alias (`*name`) to the index of the value with its anchor (`&name`). */
export function aliasTargets({ text, events }: EventList): ReadonlyMap<number, number> {
  const anchors = new Map<string, number>();
  const targets = new Map<number, number>();
  events.forEach((event, index) => {
    const name = anchorName(text, event);
    if (name === undefined) return;
    if (event.type !== EVENT_ID.ALIAS) anchors.set(name, index);
    else if (anchors.has(name)) targets.set(index, anchors.get(name) ?? index);
  });
  return targets;
}

/**
 * Reports aliases that repeat too much or contain themselves. The parser shares repeated values, so a few lines can
 * make a value that takes forever to walk, or one that contains itself. Both are found on the events, before any value
 * is made.
 */
export function checkAliases(file: SourceFile, list: EventList): Diagnostic[] {
  const { events, partner, text } = list;
  if (!events.some((event) => event.type === EVENT_ID.ALIAS)) return [];
  const targets = aliasTargets(list);
  const sizes = repeatedSizes(list, targets);
  const diagnostics: Diagnostic[] = [];
  let repeated = 0;
  events.forEach((event, index) => {
    if (event.type !== EVENT_ID.ALIAS) return;
    const name = anchorName(text, event) ?? '';
    const place = { file: file.name, text, start: event.anchorStart - 1, end: event.anchorEnd };
    const target = targets.get(index);
    if (target === undefined) diagnostics.push(yamlCodes.report('unknown-alias', [], { name }, { place }));
    else if ((partner[target] ?? -1) > index)
      diagnostics.push(yamlCodes.report('alias-cycle', [], { name }, { place }));
    const before = repeated;
    repeated += sizes.get(index) ?? 1;
    if (before <= MAX_REPEATED && repeated > MAX_REPEATED) {
      diagnostics.push(yamlCodes.report('alias-bomb', [], { limit: MAX_REPEATED }, { place }));
    }
  });
  return diagnostics;
}

/** Returns the number of values that each alias stands for, including those of aliases inside it. */
function repeatedSizes(list: EventList, targets: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  const sizes = new Map<number, number>();
  // Sizes of the open collections, outermost first; the document is the first.
  const open: number[] = [];
  const close = (index: number, size: number) => {
    sizes.set(index, size);
    if (open.length > 0) open[open.length - 1] = (open.at(-1) ?? 0) + size;
  };
  list.events.forEach((event, index) => {
    if (event.type === EVENT_ID.DOCUMENT || isCollection(event)) open.push(1);
    else if (event.type === EVENT_ID.POP) close(list.partner[index] ?? index, open.pop() ?? 1);
    else close(index, sizes.get(targets.get(index) ?? -1) ?? 1);
  });
  return sizes;
}
