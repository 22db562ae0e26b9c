/** Texts longer than this are refused before they are read; the largest spec that is meant to work has 20 MiB. */
export const MAX_MEBIBYTES = 64;

/** Nothing in a spec is nested even ten deep. */
export const MAX_DEPTH = 64;

/** How many values aliases may repeat in all. */
export const MAX_REPEATED = 1_000_000;
