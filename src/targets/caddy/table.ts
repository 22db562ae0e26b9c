import { type CaddyToken, own, placeholder } from './quote.ts';

/** Caddy's `map`: the first entry that fits gives the value of the destination, worked out only where it is used. */
export interface Table {
  readonly source: CaddyToken;
  readonly destination: CaddyToken;
  readonly entries: readonly Entry[];
  readonly fallback: CaddyToken;
}

interface Entry {
  readonly input: CaddyToken;
  readonly output: CaddyToken;
}

export interface TableText {
  /** Text with placeholders. */
  readonly source: string;
  /** Name of the placeholder that it makes. */
  readonly destination: string;
  /** A regular expression starts with "~"; the output of one may name its groups, that of a plain text may hold placeholders. */
  readonly entries: readonly (readonly [input: string, output: string])[];
  readonly fallback?: string;
}

/** A table of our own making; user text in it has been checked by whoever put it there. */
export function table({ source, destination, entries, fallback = '' }: TableText): Table {
  return {
    source: own(source),
    destination: placeholder(destination),
    entries: entries.map(([input, output]) => ({ input: own(input), output: own(output) })),
    fallback: own(fallback),
  };
}
