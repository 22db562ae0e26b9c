import type { Language } from './language.ts';
import type { FilePlace } from './model.ts';

/** A set of names. Names are in lower case here and end with the dot of the root. */
export interface NameSet {
  has(name: string): boolean;
  /** All of them, where they are listed. */
  readonly words?: Iterable<string>;
  /** They are all names that end in this text and are longer, such as `.example.com.`. */
  readonly ending?: string;
  readonly language: () => Language;
}

/** What a rule makes of the names that it matches. */
export type Change =
  | { readonly kind: 'none' }
  | { readonly kind: 'constant'; readonly to: string }
  | { readonly kind: 'ending'; readonly from: string; readonly to: string }
  /** Anything else; `undefined` for a name that it does not match. */
  | { readonly kind: 'other'; readonly of: (name: string) => string | undefined };

export interface NameRule {
  readonly on: NameSet;
  readonly change: Change;
  /** Whether no later rule is tried. */
  readonly stops: boolean;
  /** Whether answers come back under the name that was asked. */
  readonly restores: boolean;
  /** It is for questions of this type only. */
  readonly type?: string;
  /** Others have written it, and may do with their own names what they like. */
  readonly isForeign: boolean;
  readonly place: FilePlace;
}

/** Something that answers by itself for some names, and asks no server. */
export interface NameTaker {
  readonly on: NameSet;
  /** Whether it sees a name before the rules, or what they have made of it. */
  readonly when: 'before' | 'after';
  readonly type?: string;
  /** It answers for some of the names only, and for which is not seen: what is said of that. */
  readonly unseen?: string;
  readonly place: FilePlace;
}

export interface NameBlock {
  readonly rules: readonly NameRule[];
  readonly takers: readonly NameTaker[];
  readonly place: FilePlace;
}

/** Protocols of questions, with the port of each where a file names none. */
export const USUAL_PORTS = { dns: '53', tls: '853', quic: '853' } as const;

/** A socket that a name server listens on, on some of its addresses. */
export interface NameSocket {
  readonly scheme: keyof typeof USUAL_PORTS;
  readonly port: string;
}

export interface NameListener extends NameSocket {
  /**
   * Blocks by their zones: names without the dot of the root, "" for the root. The block of the longest zone above a
   * name gets it.
   */
  readonly zones: ReadonlyMap<string, NameBlock>;
}

/** The files of a name server. */
export interface NameModel {
  readonly listeners: readonly NameListener[];
}
