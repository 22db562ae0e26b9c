import * as all from './list.ts';
import type { Target } from './target.ts';

/** Every target there is, sorted by name. */
export const targets: readonly Target[] = Object.values<Target>(all).toSorted((a, b) => (a.name < b.name ? -1 : 1));
