import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compile } from '../compile.ts';
import { hasError } from '../diagnostics/diagnostic.ts';
import { formatDiagnostics } from '../diagnostics/format.ts';
import type { Imported, Importer, ImportFile, ImportProblem } from '../import/draft.ts';
import { ingress } from '../import/ingress.ts';
import { openapi } from '../import/openapi.ts';
import { draftText, notCarriedText } from '../import/write.ts';
import { systemProblem } from '../output/disk.ts';
import { readBytes } from '../source/read.ts';
import { suggest } from '../spec/suggest.ts';
import { targets } from '../targets/index.ts';
import { type Io, type Status, unable, withHint } from './io.ts';
import { installedSchema, SCHEMA_COPY, schemaComment } from './schema.ts';

export interface ImportArguments {
  readonly kind: string;
  readonly files: readonly string[];
  readonly tag?: readonly string[] | undefined;
  readonly method?: readonly string[] | undefined;
  readonly path?: readonly string[] | undefined;
  readonly format?: 'text' | 'json' | undefined;
}

/** Most files of one folder; no configuration has more. */
const MOST_FILES = 2_000;

/** Returns the importers of all kinds of configuration. */
export function importers(): readonly Importer[] {
  return [...targets.flatMap(({ importer }) => (importer ? [importer] : [])), openapi, ingress];
}

/**
 * Prints a spec made from existing configuration. What the spec leaves out or states differently goes to standard
 * error.
 */
export function importConfiguration(args: ImportArguments, io: Io): Status {
  const { kind, files, format = 'text' } = args;
  const known = importers();
  const importer = known.find((one) => one.kind === kind);
  if (!importer) {
    const kinds = known.map((one) => one.kind);
    const meant = suggest(kind, kinds);
    io.err(
      `postern: cannot import "${kind}"${meant ? `, did you mean "${meant}"?` : `; there are ${kinds.join(', ')}`}\n`,
    );
    return 2;
  }
  const chosen = (['tag', 'method', 'path'] as const).find((name) => args[name] !== undefined);
  if (chosen && importer !== openapi) {
    io.err(`postern: --${chosen} has no meaning beside import ${kind}\n`);
    return 2;
  }
  const found = readAll(files, io);
  if ('problem' in found) return unable(refusal(found, importer), io);
  const imported = importer.read(found.files, { tags: args.tag, methods: args.method, paths: args.path });
  if (!('problem' in imported)) return printImported(imported, format, io);
  for (const one of imported.reasons ?? []) io.err(`  ${notCarriedText(one)}\n`);
  return unable(refusal(imported, importer), io);
}

function refusal({ file, line, problem }: ImportProblem, { remedy }: Importer): string {
  return withHint(`${file}${line > 0 ? `:${line}` : ''}: ${problem}`, remedy);
}

/** Imports the one file that `init` starts from, or returns why it cannot. */
export function imported(importer: Importer, file: string, io: Io): Imported | string {
  const read = readAll([file], io);
  const found = 'problem' in read ? read : importer.read(read.files);
  return 'problem' in found ? refusal(found, importer) : found;
}

/** Returns the text of a draft as a spec, with the usual target if the draft names none. */
export function specText({ draft, notCarriedOver }: Imported): string {
  const usual = targets.filter(({ run }) => run?.serves === 'requests').slice(0, 1);
  const named = draft.targets ?? usual.map(({ name }) => ({ id: name, value: {} }));
  return draftText({ ...draft, targets: named }, notCarriedOver);
}

export function printImported({ draft, notCarriedOver }: Imported, format: 'text' | 'json', io: Io): Status {
  const known = installedSchema('.') ?? (existsSync(SCHEMA_COPY) ? SCHEMA_COPY : undefined);
  const text = `${known === undefined ? '' : schemaComment(known)}${specText({ draft, notCarriedOver })}`;
  const { diagnostics } = compile(text, { file: 'imported.yaml', read: () => undefined, targets: undefined });
  const isValid = !hasError(diagnostics);
  if (format === 'json') io.out(`${JSON.stringify({ spec: text, valid: isValid, notCarriedOver }, null, 2)}\n`);
  else {
    io.out(text);
    if (notCarriedOver.length > 0)
      io.err(
        `not carried over, or not exactly:\n${notCarriedOver.map((one) => `  ${notCarriedText(one)}\n`).join('')}`,
      );
  }
  // An invalid spec is printed all the same: it is a beginning that can be edited.
  if (!isValid) io.err(formatDiagnostics(diagnostics, undefined, { colour: io.colour.err }));
  return !isValid ? 2 : notCarriedOver.length > 0 ? 1 : 0;
}

/** Reads files, and all files below folders, with names as given. */
export function readAll(names: readonly string[], io: Io): { readonly files: readonly ImportFile[] } | ImportProblem {
  const files: ImportFile[] = [];
  for (const name of names) {
    try {
      const inner = name !== '-' && statSync(name).isDirectory() ? filesBelow(name) : [name];
      if (inner.length === 0) return { file: name, line: 0, problem: 'it is a folder without a file to read' };
      if (inner.length > MOST_FILES) return { file: name, line: 0, problem: `it holds more than ${MOST_FILES} files` };
      for (const file of inner) {
        const found = file === '-' ? { bytes: io.readStdin() } : readBytes(file, { pipes: true });
        if ('problem' in found) return { file, line: 0, problem: found.problem };
        files.push({ name: file === '-' ? '<stdin>' : file, text: new TextDecoder().decode(found.bytes) });
      }
    } catch (error) {
      return { file: name, line: 0, problem: systemProblem(error) };
    }
  }
  return { files };
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/^\.|\.(?:pem|crt|key|log|gz|so)$/.test(basename(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/(?:^|\/)\.git\//.test(file))
    .sort();
}
