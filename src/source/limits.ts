/** Largest text that is read. The largest spec that is meant to work has 20 MiB. */
export const MAX_MEBIBYTES = 64;

/** Deepest nesting that is parsed; specs have fewer than ten levels. */
export const MAX_DEPTH = 64;

/** Most values that all aliases together may repeat. */
export const MAX_REPEATED = 1_000_000;
