/** Texts longer than this are refused before they are read; the largest spec that is meant to work has 20 MiB. */
export const MAX_MEBIBYTES = 64;

/** Nothing in a spec is nested even ten deep. */
export const MAX_DEPTH = 64;

/** Values that aliases may add to those written out; far above honest use, far below what would hurt. */
export const MAX_REPEATED = 1_000_000;
