import { compareBottlerocket } from './bottlerocket.ts';
import { compareCaddy } from './caddy.ts';
import { compareCoredns } from './coredns.ts';
import type { CompareLive } from './live.ts';
import { compareNginx } from './nginx.ts';

/** Targets whose running state can be compared: one more is one more line. */
export const liveTargets: Readonly<Record<string, CompareLive>> = {
  bottlerocket: compareBottlerocket,
  caddy: compareCaddy,
  coredns: compareCoredns,
  nginx: compareNginx,
};
