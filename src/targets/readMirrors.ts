import { parse, TomlError } from 'smol-toml';
import { CannotTell } from '../prove/explore.ts';
import type { FilePlace } from '../prove/model.ts';
import type { PullChain } from '../prove/pulls.ts';
import { ITSELF } from '../prove/pulls.ts';
import { parseDocument } from '../source/document.ts';
import { isRecord, parseJson } from '../source/value.ts';
import type { ReadFileText } from './target.ts';

/** What all readers of the files of nodes need. They share nothing with what writes these files. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns the fields of an object that has no other than these. */
export function fieldsOf(value: unknown, known: readonly string[], what: string): Fields {
  if (!isRecord(value)) throw new CannotTell(`${what} is not what it should be`);
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined) throw new CannotTell(`${what} has ${other}, which is not understood`);
  return value;
}

export function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new CannotTell(`${what} is no text`);
  return value;
}

/** Returns a list; an empty one where there is none. */
export function listIn(value: unknown, what: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new CannotTell(`${what} is no list`);
  return value;
}

export function isOn(value: unknown, what: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw new CannotTell(`${what} is neither true nor false`);
  return value === true;
}

export function tomlOf({ path, text }: ReadFileText): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) throw new CannotTell(`${path} is no whole TOML`);
    throw error;
  }
}

export function jsonOf({ path, text }: ReadFileText): unknown {
  const value = parseJson(text);
  if (value === undefined) throw new CannotTell(`${path} is no whole JSON`);
  return value;
}

/** Returns the documents of a YAML file. */
export function yamlOf({ path, text }: ReadFileText): readonly unknown[] {
  return text.split(/^---\s*$/m).map((one) => {
    const { value } = parseDocument({ name: path, text: one });
    if (!value) throw new CannotTell(`${path} is no whole YAML`);
    return value.value;
  });
}

export function onlyFile(files: readonly ReadFileText[]): ReadFileText {
  const [file, ...others] = files;
  if (!file || others.length > 0) throw new CannotTell('there is not one file');
  if (file.text.trim() === '') throw new CannotTell(`${file.path} is empty`);
  return file;
}

export interface Url {
  /** `https://host:port` */
  readonly origin: string;
  /** "" where there is none. */
  readonly path: string;
}

export function urlOf(value: unknown, what: string): Url {
  const [whole, origin = '', path = ''] =
    /^(https?:\/\/[A-Za-z0-9.[\]:-]+)((?:\/[A-Za-z0-9._~-]*)*)$/.exec(String(value)) ?? [];
  if (whole === undefined || typeof value !== 'string') throw new CannotTell(`${what} is no URL that is understood`);
  return { origin: origin.toLowerCase(), path };
}

/** Returns what stands before the name of an image: products put /v2 behind a path that is not `isWhole` as it is. */
export function apiOf({ origin, path }: Url, isWhole: boolean): string {
  return `${origin}${isWhole ? path : `${path.replace(/\/$/, '')}/v2`}`;
}

/** Whether a path says the version of the API itself. */
export function endsInVersion({ path }: Url): boolean {
  return /\/v2\/?$/.test(path);
}

/** Returns where a file speaks of a registry, as far as its text tells. */
export function placeIn({ path, text }: ReadFileText, registry: string): FilePlace {
  const line = text.split('\n').findIndex((each) => each.includes(`"${registry}"`)) + 1;
  return { file: path.replace(/^.*\//, ''), line: Math.max(line, 1), what: `what is said of ${registry}` };
}

/** Mirrors by registry, as most products look them up: the registry's own, or those of "*", or none. */
export function chainFrom(
  file: ReadFileText,
  mirrors: ReadonlyMap<string, readonly string[]>,
  bypassed: readonly string[] = [],
): (registry: string) => PullChain {
  return (registry) => {
    const key = mirrors.has(registry) || bypassed.includes(registry) ? registry : '*';
    return { sources: mirrors.get(key) ?? [ITSELF], place: placeIn(file, key) };
  };
}
