import type { Effect } from '../policy/fields.ts';
import type { AccessChange, ChangeKind, ChangePlace, Example } from './types.ts';

/** A difference as it is found. Several of them may become one change; see `group`. */
export interface Draft {
  readonly kind: ChangeKind;
  readonly effect: Effect;
  /** Drafts with equal groups, and equal kind, effect, line and keys, become one change. */
  readonly group?: string;
  /** Makes the message from the methods of all drafts of the change, sorted. */
  readonly message: (methods: string) => string;
  readonly at: ChangePlace;
  readonly keys?: readonly string[];
  readonly method?: string;
  readonly proxy?: string;
  readonly addresses?: readonly string[];
  /** Called only for the first draft of a change, because every example is put to both evaluators. */
  readonly example?: () => Example | undefined;
}

interface Entry {
  readonly draft: Draft;
  readonly example: Example | undefined;
  // Arrays and not Sets: there may be a hundred thousand of them, nearly all with one text.
  readonly methods: string[];
  readonly proxies: string[];
}

/** Collects differences, and merges all that one line of the spec causes into one change. */
export interface Collector {
  add(draft: Draft): void;
  changes(): AccessChange[];
}

const SHORT = 8;

export function createCollector(): Collector {
  const entries = new Map<string, Entry>();
  const numbers = new Map<readonly string[], number>();
  // Drafts about the same callers share one array of ids, so a number for the array can stand for a long list.
  const nameOf = (keys: readonly string[]): string | number => {
    if (keys.length <= SHORT) return keys.join();
    const number = numbers.get(keys) ?? numbers.size;
    numbers.set(keys, number);
    return number;
  };
  const add = (draft: Draft) => {
    const keys = nameOf(draft.keys ?? []);
    const id = JSON.stringify([draft.kind, draft.effect, draft.group, draft.at.version, draft.at.path, keys]);
    let entry = entries.get(id);
    if (!entry) {
      entry = { draft, example: draft.example?.(), methods: [], proxies: [] };
      entries.set(id, entry);
    }
    enter(entry.methods, draft.method);
    enter(entry.proxies, draft.proxy);
  };
  return { add, changes: () => inOrder([...entries.values()].map(changeOf)) };
}

function enter(list: string[], text: string | undefined): void {
  if (text !== undefined && !list.includes(text)) list.push(text);
}

function changeOf({ draft, example, methods, proxies }: Entry): AccessChange {
  const { kind, effect, at, keys, addresses } = draft;
  return {
    kind,
    effect,
    message: draft.message(methods.sort().join(',')),
    at,
    proxies: proxies.sort(),
    keys: keys ?? [],
    ...(addresses === undefined ? {} : { addresses }),
    ...(example === undefined ? {} : { example }),
  };
}

const ORDER: readonly Effect[] = ['widening', 'unclear', 'narrowing', 'neutral'];

export function mostSevere(effects: readonly Effect[]): Effect {
  return ORDER.find((effect) => effects.includes(effect)) ?? 'neutral';
}

/** Returns changes by effect, the gravest first. The sort is stable, so changes of one effect keep their order. */
export function inOrder(changes: readonly AccessChange[]): AccessChange[] {
  return changes.toSorted((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
}
