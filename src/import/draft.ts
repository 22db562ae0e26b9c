/** A file to import, with its name for messages. */
export interface ImportFile {
  readonly name: string;
  readonly text: string;
}

/** A part of an imported file that the spec leaves out, or states more narrowly. */
export interface NotCarried {
  readonly file: string;
  readonly line: number;
  /** The part in a few words, without values that may be secrets. */
  readonly what: string;
  readonly reason: string;
}

export interface DraftEntry {
  readonly request: string;
  /** Comments above the entry: where it comes from, or how often it was seen. */
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

/** An entry of a section: its value, and the comments above it. */
export interface DraftItem {
  readonly id: string;
  readonly notes?: readonly string[];
  readonly value: unknown;
}

/** A spec to be written, section by section. Empty sections are left out. */
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

/** The reason why a file cannot be imported as the given kind. */
export interface ImportProblem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
  /** Why each part of it cannot be imported, where that differs. */
  readonly reasons?: readonly NotCarried[];
}

/** Which operations of a description are imported; an absent list leaves none out. */
export interface ImportChoice {
  readonly tags?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  /** Globs such as `/api/v4/projects/**`. */
  readonly paths?: readonly string[] | undefined;
}

/** Turns files of one kind into the draft of a spec, and lists what could not be carried over. */
export interface Importer {
  /** Its name on the command line. */
  readonly kind: string;
  /** What it takes, as a remedy for files that it cannot read: `give what "nginx -T" prints`. */
  readonly remedy: string;
  readonly read: (files: readonly ImportFile[], choice?: ImportChoice) => Imported | ImportProblem;
}

/** Returns a text as the id of an entry, in the characters that the format admits: `Web Hooks` → `Web-Hooks`. */
export function identifierOf(text: string, fallback: string): string {
  const plain = text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^[^A-Za-z]+|-+$/g, '');
  return plain.slice(0, 60).replace(/-+$/, '') || fallback;
}

/** Returns the wanted name, numbered if it is taken (`hooks-2`), and adds it to `taken`. */
export function freeName(wanted: string, taken: Set<string>): string {
  const numbers = nextNumbers.get(taken) ?? new Map<string, number>();
  nextNumbers.set(taken, numbers);
  let name = wanted;
  let number = numbers.get(wanted) ?? 2;
  for (; taken.has(name); number++) name = `${wanted}-${number}`;
  numbers.set(wanted, number);
  taken.add(name);
  return name;
}

/** The number to try next for a name, because thousands may want the same. Names are never given back. */
const nextNumbers = new WeakMap<Set<string>, Map<string, number>>();

/** What a spec refuses beside what is listed, as a paragraph at its head. */
export const REFUSED_BY_EVERY_SPEC =
  'Every spec also refuses paths that are written in an unusual way or end in a slash below a prefix, methods that it does not list, credentials in a query, and bodies of types that it does not name';

/** The caller of what asks for a key; the references point to variables that are still to be set. */
export const CALLER: DraftItem = {
  id: 'caller',
  value: { key: 'env:POSTERN_KEY_CALLER', token: 'env:POSTERN_TOKEN_CALLER' },
};

/** Methods that a draft lists for a path that is forwarded whatever the method is. */
export const USUAL_METHODS: readonly string[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Address sets of a draft, each once: `clients`, then `clients-2`. */
export class DraftSets {
  readonly #items = new Map<string, DraftItem>();

  get items(): readonly DraftItem[] {
    return [...this.#items.values()];
  }

  /** Returns the reference to a set of these networks, such as `@clients`. */
  referenceTo(cidrs: readonly string[]): string {
    const key = cidrs.join();
    const count = this.#items.size;
    const item = this.#items.get(key) ?? { id: count === 0 ? 'clients' : `clients-${count + 1}`, value: cidrs };
    this.#items.set(key, item);
    return `@${item.id}`;
  }
}
