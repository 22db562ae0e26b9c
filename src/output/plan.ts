import type { Disk } from './disk.ts';
import { comparePaths, manifestFile, type OutputFile } from './files.ts';
import { digestOf, type Origin, readHeader } from './header.ts';
import { MANIFEST, type ManifestEntry } from './manifest.ts';

/** The reason why a file on disk is not the one that the spec generates. */
export type Cause =
  | 'missing'
  | 'edited by hand'
  | 'formatting only'
  | 'spec changed'
  | 'other tool version'
  | 'no longer generated'
  | 'made from another spec'
  | 'not made by postern'
  /** Only for the manifest: it cannot be parsed. */
  | 'damaged';

export interface Change {
  readonly verb: 'create' | 'change' | 'delete' | 'same';
  readonly path: string;
  readonly target: string;
  /** Absent if nothing differs. */
  readonly cause?: Cause;
  readonly before?: string;
  readonly after?: string;
  /** True for a copy of a user's file, which may hold secrets. */
  readonly isCopy?: boolean;
}

export interface Plan {
  /** Sorted by path. */
  readonly changes: readonly Change[];
  /** Paths of files that are no longer generated and were edited. They are not deleted and do not count as drift. */
  readonly left: readonly string[];
}

export interface PlanInput {
  readonly files: readonly OutputFile[];
  readonly disk: Disk;
  readonly origin: Origin;
  /** Restricts the run to these targets. Files of other targets stay as they are. */
  readonly targets?: readonly string[] | undefined;
}

const FOREIGN: readonly (Cause | undefined)[] = ['not made by postern', 'made from another spec', 'damaged'];

/** Returns whether a change may destroy work of somebody else or of another spec. */
export function isForeign(change: Change): boolean {
  return FOREIGN.includes(change.cause);
}

/** Compares the generated files with those on disk. It is pure: the disk has been read before. */
export function planChanges({ files, disk, origin, targets }: PlanInput): Plan {
  const listed = typeof disk.manifest === 'string' ? [] : disk.manifest.files;
  const others = listed.filter(
    (entry) => targets !== undefined && entry.target !== 'postern' && !targets.includes(entry.target),
  );
  const wanted = new Set([...files, ...others].map((file) => file.path));
  const stale = listed.filter((entry) => !wanted.has(entry.path) && disk.texts.has(entry.path));
  const ours = stale.filter((entry) => isOurs(entry, disk.texts.get(entry.path) ?? '', origin));
  const entries = [...files, ...others].toSorted((a, b) => comparePaths(a.path, b.path));
  const changes = [
    ...[...files, manifestFile(entries, origin)].map((file) => changeOf(file, disk, origin)),
    ...ours.map((entry) => deletionOf(entry, disk)),
  ];
  return {
    changes: changes.toSorted((a, b) => comparePaths(a.path, b.path)),
    left: stale.filter((entry) => !ours.includes(entry)).map((entry) => entry.path),
  };
}

function changeOf(file: OutputFile, disk: Disk, origin: Origin): Change {
  const { path, target, text: after } = file;
  const common = { path, target, after, ...(file.copyOf && { isCopy: true }) };
  const before = disk.texts.get(path);
  if (before === undefined) return { ...common, verb: 'create', cause: 'missing' };
  if (before === after || isTranslated(before, after)) return { ...common, verb: 'same', before };
  return { ...common, verb: 'change', cause: causeOf(file, before, disk, origin), before };
}

function deletionOf({ path, target }: ManifestEntry, disk: Disk): Change {
  return { verb: 'delete', path, target, cause: 'no longer generated', before: disk.texts.get(path) ?? '' };
}

function isOurs(entry: ManifestEntry, text: string, origin: Origin): boolean {
  return readHeader(text)?.spec === origin.spec || digestOf(text) === entry.digest;
}

function causeOf(file: OutputFile, before: string, disk: Disk, origin: Origin): Cause {
  if (loose(before) === loose(file.text)) return 'formatting only';
  if (file.path === MANIFEST) return manifestCause(disk, origin);
  const made = file.hasHeader ? readHeader(before) : listedAs(file.path, before, disk);
  if (!made) return 'not made by postern';
  if (made.spec !== origin.spec) return 'made from another spec';
  if (!made.intact) return 'edited by hand';
  return made.version === origin.version ? 'spec changed' : 'other tool version';
}

/** Returns the manifest's entry for a file without a header, in the form of a header. */
function listedAs(path: string, text: string, { manifest }: Disk): (Origin & { readonly intact: boolean }) | undefined {
  if (typeof manifest === 'string') return undefined;
  const entry = manifest.files.find((file) => file.path === path);
  return entry && { version: manifest.version, spec: manifest.spec, intact: digestOf(text) === entry.digest };
}

function manifestCause({ manifest }: Disk, origin: Origin): Cause {
  if (typeof manifest === 'string') return 'damaged';
  if (manifest.spec !== origin.spec) return 'made from another spec';
  return manifest.version === origin.version ? 'spec changed' : 'other tool version';
}

/**
 * Returns whether two texts differ only in line ends, all LF in one and all CR LF in the other, as git translates them.
 */
function isTranslated(before: string, after: string): boolean {
  const isEven = (text: string) => !text.includes('\r') || !/(?:^|[^\r])\n|\r(?!\n)/.test(text);
  return isEven(before) && isEven(after) && before.replaceAll('\r\n', '\n') === after.replaceAll('\r\n', '\n');
}

/**
 * Returns a text without the differences that editors and version control make: a byte order mark, line ends, trailing
 * blanks, last empty lines.
 */
function loose(text: string): string {
  return text
    .replace(/^\ufeff/, '')
    .replace(/[ \t\r]+$/gm, '')
    .trimEnd();
}
