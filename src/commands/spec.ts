import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Compilation, type CompileOptions, compile } from '../compile.ts';
import type { Project } from '../compose/project.ts';
import { failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { placed, systemProblem } from '../output/disk.ts';
import type { Policy } from '../policy/types.ts';
import { decodeSource } from '../source/decode.ts';
import { readBytes } from '../source/read.ts';
import type { LocatedDocument, SourceFile } from '../source/span.ts';
import type { Spec } from '../spec/schema.ts';
import type { ReadFile } from '../targets/target.ts';
import { commandCodes } from './codes.ts';
import type { Io } from './io.ts';
import { projectAround } from './project.ts';

export const DEFAULT_SPEC = 'postern.yaml';

/** An opened spec: its text, and access to the files around it. */
export interface OpenSpec {
  /** Name in messages. */
  readonly name: string;
  readonly text: string;
  readonly folder: string;
  readonly read: ReadFile;
  readonly project: Project;
}

/**
 * Opens the spec that an argument names: a file, the `postern.yaml` of a folder, or `-` for standard input.
 * @param top the folder that all its files lie below; where absent, that of the repository
 */
export function openSpec(argument: string | undefined, io: Io, top?: string): Result<OpenSpec> {
  const { name, folder } = specPlace(argument);
  try {
    if (argument !== '-') io.opened?.(name);
    const found = argument === '-' ? { bytes: io.readStdin() } : readBytes(name, { pipes: true });
    if ('problem' in found) return failed([commandCodes.report('unreadable-spec', [], found, placed(name))]);
    const { value, diagnostics } = decodeSource(name, found.bytes);
    return value
      ? ok({ ...value, folder, read: readerIn(folder, io), project: projectAround(folder, name, io, top) }, diagnostics)
      : failed(diagnostics);
  } catch (error) {
    return failed([commandCodes.report('unreadable-spec', [], { problem: systemProblem(error) }, placed(name))]);
  }
}

/** A valid spec that questions are asked about. */
export interface Understood {
  readonly policy: Policy;
  readonly spec: Spec;
  readonly document: LocatedDocument;
  /** Document of the shadow, if the spec has one. */
  readonly shadowDocument?: LocatedDocument | undefined;
  readonly read: ReadFile;
}

/** Opens and compiles the spec that an argument names. */
export function compileArgument(
  argument: string | undefined,
  io: Io,
  options: Pick<CompileOptions, 'targets' | 'now' | 'allowExpired'> = {},
): Compilation & { readonly source?: OpenSpec } {
  const { value: source, diagnostics } = openSpec(argument, io);
  return source ? compileOpened(source, io, options) : { diagnostics };
}

/** Likewise for one that is open. */
export function compileOpened(
  source: OpenSpec,
  io: Io,
  options: Pick<CompileOptions, 'targets' | 'now' | 'allowExpired'> = {},
): Compilation & { readonly source: OpenSpec } {
  const megabytes = Math.floor(source.text.length / 1e6);
  if (megabytes > 0) io.err(`${source.name}: compiling ${megabytes} MB\n`);
  return { source, ...compile(source.text, optionsOf(source, options)) };
}

function optionsOf({ name, read, project }: OpenSpec, options: Partial<CompileOptions> = {}): CompileOptions {
  return { file: name, read, project, ...options };
}

/** Compiles a spec as it would be with another text in one of its files. */
export function compileWith(edited: SourceFile, source: OpenSpec): Compilation {
  const open: Project['open'] = (path) => {
    const opened = source.project.open(path);
    return 'file' in opened && opened.file.name === edited.name ? { ...opened, file: edited } : opened;
  };
  const text = edited.name === source.name ? edited.text : source.text;
  return compile(text, optionsOf(source, { project: { ...source.project, open } }));
}

/**
 * Returns the output folder: `out`, or `generated/` beside the spec, or `generated/NAME/` for a spec that is not
 * `postern.yaml`.
 */
export function outputFolder(out: string | undefined, source: Pick<OpenSpec, 'name' | 'folder'>): string {
  const stem = source.name === '<stdin>' ? undefined : stemOf(source.name);
  return out ?? join(source.folder, 'generated', ...(stem === undefined ? [] : [stem]));
}

/**
 * Returns the name of a spec's file without its ending; `undefined` for `postern.yaml` and for a name without an
 * ending.
 */
export function stemOf(spec: string): string | undefined {
  const stem = basename(spec).replace(/\.(?:ya?ml|json)$/, '');
  return stem === 'postern' || stem === basename(spec) ? undefined : stem;
}

/** Returns the name and the folder of the spec that an argument names, whether it exists or not. */
export function specPlace(argument = DEFAULT_SPEC): Pick<OpenSpec, 'name' | 'folder'> {
  if (argument === '-') return { name: '<stdin>', folder: '.' };
  const name = isFolder(argument) ? join(argument, DEFAULT_SPEC) : argument;
  return { name, folder: dirname(name) };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    // Whoever reads it says why that fails.
    systemProblem(error);
    return false;
  }
}

function readerIn(folder: string, { opened }: Io): ReadFile {
  return (path) => {
    try {
      const file = resolve(folder, path);
      opened?.(file);
      const found = readBytes(file);
      return 'problem' in found ? undefined : Buffer.from(found.bytes).toString('utf8');
    } catch (error) {
      systemProblem(error);
      return undefined;
    }
  };
}
