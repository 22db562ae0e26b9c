import { join } from 'node:path';
import { inOrder } from '../accessDiff/collector.ts';
import { diffAccess } from '../accessDiff/diff.ts';
import { compile } from '../compile.ts';
import type { Project } from '../compose/project.ts';
import { type Diagnostic, failed, hasError, ok, type Result, type TextSpan } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed, systemProblem } from '../output/disk.ts';
import { editFile, replaceFile } from '../output/write.ts';
import { digestOfRanges } from '../policy/rangeFiles.ts';
import { accessSummary } from '../report/accessText.ts';
import { decodeSource } from '../source/decode.ts';
import { readBytes } from '../source/read.ts';
import type { LocatedDocument } from '../source/span.ts';
import { diffOptions } from '../targets/accessDiff.ts';
import { rangesCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import type { AccessReport } from './report.ts';
import { compileArgument, type OpenSpec } from './spec.ts';

export interface RangesArguments {
  readonly action: 'update';
  readonly set: string;
  /** The downloaded file, or `-` for standard input. */
  readonly download: string;
  readonly spec?: string | undefined;
  readonly check?: boolean | undefined;
  readonly format: Format;
}

/** Replaces the checked-in copy of a published list by a newer one, and shows how access changes. */
export function ranges(args: RangesArguments, io: Io): Status {
  const { set, download, spec: argument, check = false, format } = args;
  const before = compileArgument(argument, io);
  const { source, document, policy, spec, diagnostics } = before;
  const report = { command: 'ranges update', document, asked: 'changes' } as const;
  const refuse = (problems: readonly Diagnostic[]) =>
    print({ ...report, status: 2, diagnostics: problems }, format, io);
  if (!source || !document || !policy || !spec || hasError(diagnostics)) return refuse(diagnostics);
  const definition = spec.ipRanges?.[set];
  if (definition === undefined || Array.isArray(definition) || definition.sha256 === undefined) {
    const known = Object.entries(spec.ipRanges ?? {}).flatMap(([name, one]) =>
      Array.isArray(one) || one.sha256 === undefined ? [] : [name],
    );
    return refuse([rangesCodes.report('no-snapshot', ['ipRanges'], { set, known })]);
  }
  const downloaded = downloadedText(download, io);
  if (!downloaded.value) return refuse(downloaded.diagnostics);
  const text = downloaded.value;
  const place = document.locate(['ipRanges', set, 'sha256']);
  const edited = withDigest(place, digestOfRanges(text));
  const changed = changedSpec(source, { file: place.file, edited, snapshot: definition.file, text });
  const after = compile(changed.text, { file: source.name, read: changed.read, project: changed.project });
  if (!after.policy || !after.spec || !after.document || hasError(after.diagnostics)) {
    const why = rangesCodes.report('bad-download', ['ipRanges', set], { download, snapshot: definition.file });
    return print(
      { ...report, document: after.document, status: 2, diagnostics: [why, ...after.diagnostics] },
      format,
      io,
    );
  }
  const [old, now] = [
    { policy, spec, document, read: source.read },
    { policy: after.policy, spec: after.spec, document: after.document, read: changed.read },
  ];
  const access = accessBetween(old, now);
  if (!access.value) return refuse(access.diagnostics);
  const isSame = edited === place.text;
  const writes =
    check || isSame
      ? []
      : [...replaceFile(join(source.folder, definition.file), text), ...editFile(place.file, edited)];
  const status = writes.length > 0 ? 2 : check && !isSame ? 1 : 0;
  const done = isSame ? 'nothing to update' : `${check ? 'would update' : 'updated'} ${definition.file}`;
  const summary = `${writes.length > 0 ? 'not all was written' : done}; ${accessSummary(access.value.changes)}`;
  return print(
    { ...report, status, diagnostics: [...after.diagnostics, ...writes], access: access.value, summary },
    format,
    io,
  );
}

function downloadedText(from: string, io: Io): Result<string> {
  const name = from === '-' ? 'standard input' : from;
  const unreadable = (problem: string) =>
    failed([
      outputCodes.report('unreadable', [], { problem }, { ...placed(name), hint: 'name the file that was downloaded' }),
    ]);
  try {
    const found = from === '-' ? { bytes: io.readStdin() } : readBytes(from, { pipes: true });
    if ('problem' in found) return unreadable(found.problem);
    const { value, diagnostics } = decodeSource(name, found.bytes);
    if (value?.text.trim() === '') return unreadable('it is empty; did the download fail?');
    return value ? ok(value.text) : failed(diagnostics);
  } catch (error) {
    return unreadable(systemProblem(error));
  }
}

/** Returns the text with another digest. It is quoted, because YAML would read a digest of digits as a number. */
function withDigest({ text, start, end }: TextSpan, digest: string): string {
  return `${text.slice(0, start)}"${digest}"${text.slice(end)}`;
}

interface Update {
  /** File of the spec that holds the digest. */
  readonly file: string;
  readonly edited: string;
  readonly snapshot: string;
  readonly text: string;
}

/** Returns the spec as it will be after the update; nothing is written. */
function changedSpec(source: OpenSpec, { file, edited, snapshot, text }: Update) {
  const project: Project = {
    ...source.project,
    open: (path) => {
      const found = source.project.open(path);
      return 'file' in found && found.file.name === file ? { ...found, file: { ...found.file, text: edited } } : found;
    },
  };
  return {
    text: source.name === file ? edited : source.text,
    read: (path: string) => (path === snapshot ? text : source.read(path)),
    project,
  };
}

type Side = Parameters<typeof diffOptions>[0] & {
  readonly policy: Parameters<typeof diffAccess>[0];
  readonly document: LocatedDocument;
};

function accessBetween(before: Side, after: Side): Result<AccessReport> {
  const { value: changes, diagnostics } = diffAccess(before.policy, after.policy);
  if (!changes) return failed(diagnostics);
  return ok({
    changes: inOrder([...changes, ...diffOptions(before, after)]),
    versions: { before: before.document, after: after.document, owners: () => [] },
    fails: () => false,
  });
}
