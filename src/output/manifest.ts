import { isRecord, parseJson } from '../source/value.ts';
import type { Origin } from './header.ts';

/** Name of the list of generated files, in the output folder. */
export const MANIFEST = '.postern.json';

export interface ManifestEntry {
  readonly path: string;
  readonly target: string;
  readonly digest: string;
}

export interface Manifest extends Origin {
  readonly files: readonly ManifestEntry[];
}

export function manifestText({ version, spec, files }: Manifest): string {
  const entries = files.map(({ path, target, digest }) => ({ path, target, digest: `sha256:${digest}` }));
  return `${JSON.stringify({ postern: version, spec, files: entries }, null, 2)}\n`;
}

/** Reads a manifest; `undefined` if the text is none, as after a merge that left conflict markers. */
export function parseManifest(text: string): Manifest | undefined {
  const value = parseJson(text.replace(/^\ufeff/, ''));
  if (
    !isRecord(value) ||
    typeof value['postern'] !== 'string' ||
    typeof value['spec'] !== 'string' ||
    !Array.isArray(value['files'])
  )
    return undefined;
  const files = value['files'].map(entryOf);
  if (files.includes(undefined)) return undefined;
  return { version: value['postern'], spec: value['spec'], files: files.filter((entry) => entry !== undefined) };
}

function entryOf(value: unknown): ManifestEntry | undefined {
  if (!isRecord(value)) return undefined;
  const { path, target, digest } = value;
  if (typeof path !== 'string' || typeof target !== 'string' || typeof digest !== 'string') return undefined;
  if (path === MANIFEST || !isInside(path)) return undefined;
  return { path, target, digest: digest.replace(/^sha256:/, '') };
}

/**
 * Returns whether a path stays in the output folder. Manifest and journal come from disk, and say which files are
 * deleted.
 */
export function isInside(path: string): boolean {
  return path.split('/').every((part) => !['', '.', '..'].includes(part) && !/[\\:\p{Cc}]/u.test(part));
}
