import type { Original, RenderedFile } from '../targets/target.ts';
import { attributesFile, ignoreFile } from './gitFiles.ts';
import { digestOf, type Origin, withHeader } from './header.ts';
import { MANIFEST, type ManifestEntry, manifestText } from './manifest.ts';

/** A generated file as it is written, with its header. */
export interface OutputFile {
  readonly path: string;
  readonly text: string;
  /** Target that generated the file; `postern` for those of every run. */
  readonly target: string;
  /** Digest of the text below the header. */
  readonly digest: string;
  /** Whether the file has a header. For one without, only the manifest says which spec made it. */
  readonly hasHeader: boolean;
  readonly copyOf?: Original | undefined;
}

/** The files that one target rendered. */
export interface TargetFiles {
  readonly target: string;
  readonly files: readonly RenderedFile[];
}

/** Returns all files of the output folder except the manifest, sorted by path. */
export function outputFiles(rendered: readonly TargetFiles[], origin: Origin): OutputFile[] {
  const all = [...rendered, { target: 'postern', files: [ignoreFile, attributesFile] }];
  const files = all.flatMap(({ target, files }) => files.map((file) => outputFile(file, target, origin)));
  const sorted = files.toSorted((a, b) => comparePaths(a.path, b.path));
  const twice = sorted.find((file, index) => file.path === sorted[index + 1]?.path);
  if (twice) throw new Error(`two targets made ${twice.path}`);
  return sorted;
}

function outputFile(file: RenderedFile, target: string, origin: Origin): OutputFile {
  return {
    path: file.path,
    text: withHeader(file, origin),
    target,
    digest: digestOf(file.text),
    hasHeader: file.comment !== undefined,
    ...(file.copyOf && { copyOf: file.copyOf }),
  };
}

/** Returns the manifest, which lists all generated files and is itself a file of the output folder. */
export function manifestFile(files: readonly ManifestEntry[], origin: Origin): OutputFile {
  const text = manifestText({ ...origin, files });
  return { path: MANIFEST, text, target: 'postern', digest: digestOf(text), hasHeader: false };
}

/** Compares paths by code unit, so that their order is the same under every locale. */
export function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
