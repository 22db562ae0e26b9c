import { readdirSync, readFileSync } from 'node:fs';
import type { SourceFile } from '../source/span.ts';
import { templatesRoot } from '../templatesRoot.ts';

const root = new URL('presets/', templatesRoot);

/** The names of all presets, such as `gitlab/read-only@1`, sorted. */
export function presetNames(): string[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  return files
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** A preset as messages name it; `undefined` where there is none. */
export function readPreset(name: string): SourceFile | undefined {
  if (!presetNames().includes(name)) return undefined;
  return { name: presetFile(name), text: readFileSync(new URL(`${name}.yaml`, root), 'utf8') };
}

/** The name of a preset as a file: one that no file on disk has, so that no reader looks for it there. */
function presetFile(name: string): string {
  return `preset:${name}`;
}
