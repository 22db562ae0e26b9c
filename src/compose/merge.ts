import { posix } from 'node:path';
import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { LocatedDocument } from '../source/span.ts';
import { canonical } from '../source/value.ts';
import type { Spec, SpecFile } from '../spec/schema.ts';
import type { Family, Member } from './load.ts';
import { withNames } from './rename.ts';

/** Where an entry of the flat spec is written: in which file, and under which path there. */
export interface Definition {
  readonly member: Member;
  readonly path: SpecPath;
}

/**
 * How the sections of several files become one: `named` by name, `list` as a list without doubles; an `entry` section
 * is that of the spec itself.
 */
const SECTIONS = {
  $schema: 'entry',
  version: 'entry',
  name: 'entry',
  ipRanges: 'named',
  upstreams: 'named',
  routes: 'named',
  apiKeys: 'named',
  proxies: 'entry',
  domainRewrites: 'list',
  targets: 'entry',
  shadow: 'entry',
  guarantees: 'list',
  accepted: 'entry',
  tests: 'list',
  vault: 'named',
} as const satisfies { readonly [Section in keyof Required<Spec>]: 'named' | 'list' | 'entry' };

type SectionsThat<Kind> = {
  [S in keyof typeof SECTIONS]: (typeof SECTIONS)[S] extends Kind ? S : never;
}[keyof typeof SECTIONS];
export type NamedSection = SectionsThat<'named'>;
export type ListSection = SectionsThat<'list'>;

const NAMED_SECTIONS = sectionsThat('named');
const LIST_SECTIONS = sectionsThat('list');

function sectionsThat<Kind extends 'named' | 'list'>(kind: Kind): SectionsThat<Kind>[] {
  return (Object.keys(SECTIONS) as (keyof typeof SECTIONS)[]).filter(
    (section): section is SectionsThat<Kind> => SECTIONS[section] === kind,
  );
}

/**
 * The section of the flat spec under which the includes of all its files are found, by their numbers in the family:
 * `inclusions.3.within`. It is no section of any file.
 */
export const INCLUSIONS = 'inclusions';

/** One name with two definitions that differ. */
export interface Conflict {
  readonly section: NamedSection;
  readonly name: string;
  readonly first: Definition;
  readonly second: Definition;
}

export interface Merged {
  readonly spec: Spec;
  /** Each place where an entry is written, by section and by name or index; the first is the one that is shown. */
  readonly definitions: ReadonlyMap<string, ReadonlyMap<string, readonly Definition[]>>;
  readonly conflicts: readonly Conflict[];
}

/** The union of all files, the same whatever includes what in which order. */
export function mergeFamily({ members, inclusions }: Family): Merged {
  const [entry] = members;
  const { include: _, fragment: __, ...own } = entry.value;
  const parts = members.map((member) => ({ member, value: asSeenFromEntry(member) }));
  const definitions = new Map<string, Map<string, Definition[]>>([[INCLUSIONS, placesOfInclusions(inclusions)]]);
  const conflicts: Conflict[] = [];
  const named = NAMED_SECTIONS.flatMap((section) => {
    const found = new Map<string, { readonly content: unknown; readonly places: Definition[] }>();
    for (const { member, value } of parts) {
      const written = Object.keys(member.value[section] ?? {});
      for (const [index, [name, content]] of Object.entries(value[section] ?? {}).entries()) {
        const place = { member, path: [section, written[index] ?? name] };
        const known = found.get(name);
        if (!known) found.set(name, { content, places: [place] });
        else if (canonical(known.content) === canonical(content)) known.places.push(place);
        else conflicts.push({ section, name, first: known.places[0] ?? place, second: place });
      }
    }
    definitions.set(section, new Map([...found].map(([name, { places }]) => [name, places])));
    const entries = Object.fromEntries([...found].map(([name, { content }]) => [name, content]));
    return found.size === 0 && !entry.value[section] ? [] : [[section, entries] as const];
  });
  const lists = LIST_SECTIONS.flatMap((section) => {
    const [items, places] = unionOfLists(section, parts);
    definitions.set(section, new Map(places.map((place, index) => [String(index), place])));
    return items.length === 0 && !entry.value[section] ? [] : [[section, items] as const];
  });
  // The type is sound: each section comes from files that the schema has checked.
  const spec = { ...own, ...Object.fromEntries([...named, ...lists]) } as Spec;
  return { spec, definitions, conflicts };
}

function placesOfInclusions(inclusions: Family['inclusions']): Map<string, Definition[]> {
  return new Map(
    inclusions.map(({ from, index }, number) => [String(number), [{ member: from, path: ['include', index] }]]),
  );
}

interface Part {
  readonly member: Member;
  readonly value: SpecFile;
}

/** The union of a section that is a list. Entries have no names, so equal entries of two files are one. */
function unionOfLists(section: ListSection, parts: readonly Part[]): [unknown[], Definition[][]] {
  const found = new Map<string, { readonly item: unknown; readonly places: Definition[] }>();
  for (const { member, value } of parts) {
    for (const [index, item] of (value[section] ?? []).entries()) {
      const place = { member, path: [section, index] };
      const key = canonical(item);
      const known = found.get(key);
      if (known) known.places.push(place);
      else found.set(key, { item, places: [place] });
    }
  }
  const entries = [...found.values()];
  return [entries.map(({ item }) => item), entries.map(({ places }) => places)];
}

function movedTo(folder: string, path: string): string {
  return posix.isAbsolute(path) ? path : posix.join(folder, path);
}

/** A reference to a secret that stands in this file, as the flat spec has it. */
export function secretSeenFrom({ folder = '.' }: Pick<Member, 'folder'>, reference: string): string {
  if (folder === '.' || folder === '') return reference;
  return reference.replace(/(?<=^file:).*$|(?<=^sops:)[^#]*/, (path) => movedTo(folder, path));
}

/** The same the other way round: a reference of the flat spec, as a file in this folder has it. */
export function secretWrittenIn(folder: string, reference: string): string {
  if (folder === '') return reference;
  return reference.replace(/(?<=^file:)(?!\/).*$|(?<=^sops:)(?!\/)[^#]*/, (path) => posix.relative(folder, path));
}

/** A file with its names as the flat spec has them, and with its paths as seen from the folder of the spec. */
function asSeenFromEntry({ value, folder, renaming }: Member): SpecFile {
  const named = renaming ? withNames(value, renaming) : value;
  if (folder === undefined || folder === '.' || folder === '') return named;
  const moved = (path: string) => movedTo(folder, path);
  const secret = (text: string) => secretSeenFrom({ folder }, text);
  const { ipRanges, apiKeys, guarantees } = named;
  const sets = Object.entries(ipRanges ?? {}).map(([name, set]) => [
    name,
    Array.isArray(set) ? set : { ...set, file: moved(set.file) },
  ]);
  const keys = Object.entries(apiKeys ?? {}).map(([id, { key, token, ...rest }]) => [
    id,
    { key: typeof key === 'string' ? secret(key) : key.map(secret), token: secret(token), ...rest },
  ]);
  return {
    ...named,
    ...(ipRanges && { ipRanges: Object.fromEntries(sets) }),
    ...(apiKeys && { apiKeys: Object.fromEntries(keys) }),
    ...(guarantees && {
      guarantees: guarantees.map((one) => ('same' in one ? { same: { ...one.same, as: moved(one.same.as) } } : one)),
    }),
  };
}

/** The flat spec as a document: `locate` finds a path of it in whichever file it is written. */
export function flatDocument({ members: [entry, ...others] }: Family, { spec, definitions }: Merged): LocatedDocument {
  const locate: LocatedDocument['locate'] = (path, part) => {
    const [section, name, ...rest] = path;
    const found = definitions.get(String(section))?.get(String(name))?.[0];
    if (found) return found.member.document.locate([...found.path, ...rest], part);
    const holds = ({ value }: Member) => section !== undefined && Object.hasOwn(value, section);
    const member = holds(entry) ? entry : (others.find(holds) ?? entry);
    return member.document.locate(path, part);
  };
  return { file: entry.document.file, value: spec, locate };
}
