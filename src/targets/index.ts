import { bottlerocket } from './bottlerocket/index.ts';
import { caddy } from './caddy/index.ts';
import { coredns } from './coredns/index.ts';
import { nginx } from './nginx/index.ts';
import type { Target } from './target.ts';

/** Every target there is, sorted by name: the one line outside its own folders that a target needs. */
export const targets: readonly Target[] = [bottlerocket, caddy, coredns, nginx];
