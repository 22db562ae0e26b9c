/**
 * Targets that the format has a place for and that are not written yet. Naming one is not a slip of the pen,
 * so it gets an answer of its own.
 */
export const PLANNED_TARGETS: readonly string[] = ['gitlabRunner', 'ipRanges', 'kubernetes', 'vault'];
