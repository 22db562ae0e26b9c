import type { Effect } from '../policy/fields.ts';
import type { AccessChange, ChangeKind, ChangePlace, Example } from './types.ts';

/** A change while more of the same kind are still being found. */
export interface Draft {
  readonly kind: ChangeKind;
  readonly effect: Effect;
  /** What belongs together beside kind, effect, line and keys. */
  readonly group?: string;
  /** Gets the methods that were found, sorted. */
  readonly message: (methods: string) => string;
  readonly at: ChangePlace;
  readonly keys?: readonly string[];
  readonly method?: string;
  readonly proxy?: string;
  readonly addresses?: readonly string[];
  /** Called for the first of a group only, because examples are checked. */
  readonly example?: () => Example | undefined;
}

interface Entry {
  readonly draft: Draft;
  readonly example: Example | undefined;
  // Lists, because there may be a hundred thousand of them and nearly all hold one text.
  readonly methods: string[];
  readonly proxies: string[];
}

/** Gathers differences and puts what is one line of the spec to a reader into one change. */
export interface Collector {
  add(draft: Draft): void;
  changes(): AccessChange[];
}

const SHORT = 8;

export function createCollector(): Collector {
  const entries = new Map<string, Entry>();
  const numbers = new Map<readonly string[], number>();
  // A long list of keys is shared between its drafts, and its identity stands for it.
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

/** The gravest first; the sort is stable, so that lines keep the order in which they were found. */
export function inOrder(changes: readonly AccessChange[]): AccessChange[] {
  return changes.toSorted((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
}
