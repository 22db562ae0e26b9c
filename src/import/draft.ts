/** A file that is imported, by the name that messages give it. */
export interface ImportFile {
  readonly name: string;
  readonly text: string;
}

/** What a spec made of it does not say, or says more narrowly. */
export interface NotCarried {
  readonly file: string;
  readonly line: number;
  /** What stands there, in a few words and without values that may be secrets. */
  readonly what: string;
  readonly reason: string;
}

export interface DraftEntry {
  readonly request: string;
  /** Where it comes from, or what was seen of it. */
  readonly notes?: readonly string[];
  readonly contentTypes?: readonly string[];
}

export interface DraftGroup {
  readonly id: string;
  readonly upstream: string;
  readonly auth?: 'passthrough';
  readonly maxBody?: string;
  readonly notes?: readonly string[];
  readonly allow: readonly DraftEntry[];
}

/** A value under a key, with what a reader should know of it. */
export interface DraftItem {
  readonly id: string;
  readonly notes?: readonly string[];
  readonly value: unknown;
}

/** A spec about to be written, section by section. Empty sections are left out. */
export interface Draft {
  readonly name: string;
  /** Paragraphs at the head of the file. */
  readonly head: readonly string[];
  readonly ipRanges?: readonly DraftItem[];
  readonly upstreams?: readonly DraftItem[];
  readonly routes?: readonly DraftGroup[];
  readonly apiKeys?: readonly DraftItem[];
  readonly proxies?: readonly DraftItem[];
  readonly domainRewrites?: readonly DraftItem[];
  readonly targets?: readonly DraftItem[];
}

export interface Imported {
  readonly draft: Draft;
  readonly notCarriedOver: readonly NotCarried[];
}

/** Why a file is not one of the kind that was asked for. */
export interface ImportProblem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

/** Which operations of a description are wanted; everything where absent. */
export interface ImportChoice {
  readonly tags?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  /** Globs such as `/api/v4/projects/**`. */
  readonly paths?: readonly string[] | undefined;
}

/** Files of one kind → a spec, with what could not be said in it. */
export interface Importer {
  /** As the command line calls it. */
  readonly kind: string;
  readonly read: (files: readonly ImportFile[], choice?: ImportChoice) => Imported | ImportProblem;
}

/** A name that the format takes for an entry, near to a text. */
export function identifierOf(text: string, fallback: string): string {
  const plain = text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^[^A-Za-z]+|-+$/g, '');
  return plain.slice(0, 60).replace(/-+$/, '') || fallback;
}

/** A name that is not taken yet; it is from now on. */
export function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}

/** Items by what a function says of them, in the order of the first of each. */
export function grouped<K, T>(items: readonly T[], by: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group) group.push(item);
    else groups.set(by(item), [item]);
  }
  return groups;
}
