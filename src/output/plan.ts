import type { Disk } from './disk.ts';
import { comparePaths, manifestFile, type OutputFile } from './files.ts';
import { digestOf, type Origin, readHeader } from './header.ts';
import { MANIFEST, type ManifestEntry } from './manifest.ts';

/** Why a file on disk is not the file that the spec makes. */
export type Cause =
  | 'missing'
  | 'edited by hand'
  | 'formatting only'
  | 'spec changed'
  | 'other tool version'
  | 'no longer generated'
  | 'made from another spec'
  | 'not made by postern'
  /** Only of the manifest: it cannot be read as one. */
  | 'damaged';

export interface Change {
  readonly verb: 'create' | 'change' | 'delete' | 'same';
  readonly path: string;
  readonly target: string;
  /** Absent where nothing differs. */
  readonly cause?: Cause;
  readonly before?: string;
  readonly after?: string;
  /** True for a copy of a file of the user's, whose text may hold secrets. */
  readonly isCopy?: boolean;
}

export interface Plan {
  /** Sorted by path. */
  readonly changes: readonly Change[];
  /** Paths that are no longer generated but were edited: they are not deleted, and they are no drift. */
  readonly left: readonly string[];
}

export interface PlanInput {
  readonly files: readonly OutputFile[];
  readonly disk: Disk;
  readonly origin: Origin;
  /** Restricts the run to these targets; what other targets made stays as it is. */
  readonly targets?: readonly string[] | undefined;
}

const FOREIGN: readonly (Cause | undefined)[] = ['not made by postern', 'made from another spec', 'damaged'];

/** Whether a change may destroy what somebody else, or another spec, has made. */
export function isForeign(change: Change): boolean {
  return FOREIGN.includes(change.cause);
}

/** Compares what the spec makes with what is on disk. Pure: the disk has been read. */
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

/** The entry of the manifest for a file without a header, in the form of one. */
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

/** Whether two texts differ only in line ends, all LF in one and all CR LF in the other, as git translates them. */
function isTranslated(before: string, after: string): boolean {
  const isEven = (text: string) => !text.includes('\r') || !/(?:^|[^\r])\n|\r(?!\n)/.test(text);
  return isEven(before) && isEven(after) && before.replaceAll('\r\n', '\n') === after.replaceAll('\r\n', '\n');
}

/** A text without what editors and version control change by themselves: line ends, trailing blanks, the last lines. */
function loose(text: string): string {
  return text.replace(/[ \t\r]+$/gm, '').trimEnd();
}
